"""The last calls of each loaded model, as a list and as a feed."""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from dmr_tui.simulator.logbook import Logbook
from dmr_tui.simulator.rebuild import rebuilt, recorded_error, recorded_request

KEPT = 10
_FEED_BUFFER = 100

Group = dict[str, Any]


@dataclass(slots=True)
class Record:
    """One call; in flight while `status_code` is 0."""

    id: str
    model: str
    method: str
    url: str
    request: str
    timestamp: int
    user_agent: str
    origin: str
    response: str = ""
    error: str = ""
    status_code: int = 0

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "model": self.model,
            "method": self.method,
            "url": self.url,
            "request": self.request,
            **({"response": self.response} if self.response else {}),
            **({"error": self.error} if self.error else {}),
            "timestamp": self.timestamp,
            "status_code": self.status_code,
            **({"user_agent": self.user_agent} if self.user_agent else {}),
            **({"origin": self.origin} if self.origin else {}),
        }


@dataclass(slots=True)
class _Kept:
    config: dict[str, Any]
    records: list[Record] = field(default_factory=list)


class Recorder:
    """Records by digest, from the moment a runner starts until it ends."""

    def __init__(self, log: Logbook, rng: random.Random, *, shows_config: bool) -> None:
        self._log = log
        self._rng = rng
        self._shows_config = shows_config
        self._kept: dict[str, _Kept] = {}
        self._feeds: set[asyncio.Queue[list[Group] | None]] = set()

    def configure(self, digest: str, config: dict[str, Any]) -> None:
        """A runner starts with `config`; from then on its model is listed."""
        if self._shows_config:
            self._kept.setdefault(digest, _Kept(config)).config = config

    def begin(
        self,
        digest: str,
        model: str,
        url: str,
        body: bytes,
        *,
        user_agent: str = "",
        origin: str = "",
        at: int | None = None,
    ) -> Record:
        """A call that the engine is about to get; `model` as the caller wrote it."""
        started = time.time_ns() if at is None else at
        record = Record(
            id=f"{digest}_{started}",
            model=model,
            method="POST",
            url=url,
            request=recorded_request(body),
            timestamp=started // 10**9,
            user_agent=user_agent,
            origin=origin,
        )
        records = self._kept.setdefault(digest, _Kept({})).records
        records.append(record)
        del records[:-KEPT]
        return record

    def finish(self, digest: str, record: Record, status: int, body: bytes) -> None:
        """The call has ended, well or not; everyone who follows hears of it.

        A record that has been pushed out or removed in the meantime is not told of.
        """
        kept = self._kept.get(digest)
        if kept is None or not any(each is record for each in kept.records):
            return
        record.status_code = status
        answer = body.decode(errors="replace")
        answer, stream_error = rebuilt(answer) if "data: " in answer else (answer, "")
        if stream_error:
            record.error = stream_error
        elif status >= 400:
            record.error = recorded_error(answer)
        else:
            record.response = answer
        event = [_group(record.model, kept.config, [record])]
        for feed in self._feeds:
            if feed.qsize() < _FEED_BUFFER:
                feed.put_nowait(event)

    def remove(self, digest: str) -> None:
        """The runner of this model has ended."""
        if self._kept.pop(digest, None) is not None:
            self._log.info("Removed records for model", component="openai-recorder", model=digest)
        else:
            self._log.warn("No records found for model", component="openai-recorder", model=digest)

    def clear(self) -> None:
        """Forget everything; followers are sent away."""
        self._kept.clear()
        for feed in self._feeds:
            feed.put_nowait(None)

    def groups(self, digest: str | None = None) -> list[Group]:
        """What `GET /engines/requests` lists, in no order; of one model if `digest` is given."""
        chosen = [
            _group(key, kept.config, kept.records)
            for key, kept in self._kept.items()
            if digest is None or key == digest
        ]
        self._rng.shuffle(chosen)
        return chosen

    def existing(self, digest: str | None) -> Iterator[list[Group]]:
        """Every record now, each in a group of its own, those in flight too."""
        for group in self.groups(digest):
            for record in group["records"]:
                yield [{**group, "count": 1, "records": [record]}]

    def subscribe(self) -> asyncio.Queue[list[Group] | None]:
        """Hears each call that ends from now on; None is the end. Loses what it does not take."""
        feed: asyncio.Queue[list[Group] | None] = asyncio.Queue()
        self._feeds.add(feed)
        return feed

    def unsubscribe(self, feed: asyncio.Queue[list[Group] | None]) -> None:
        self._feeds.discard(feed)


def _group(model: str, config: dict[str, Any], records: list[Record]) -> Group:
    shown = [record.shown() for record in records]
    return {"count": len(shown), "model": model, "config": config, "records": shown}
