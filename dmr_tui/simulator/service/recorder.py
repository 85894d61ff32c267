"""The last requests of each loaded model, as a list and as a feed."""

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from dmr_tui.simulator.connection import InferenceRequest
from dmr_tui.simulator.logbook import Logbook
from dmr_tui.simulator.service.record_format import (
    answer_of_stream,
    recorded_error,
    recorded_request,
)

KEPT = 10
_FEED_BUFFER = 100

Group = dict[str, Any]


class Record(msgspec.Struct, kw_only=True, omit_defaults=True, eq=False):
    """One request, in the order of the runner's JSON; in flight while `status_code` is 0."""

    id: str
    model: str
    """The name that the client wrote."""
    method: str
    url: str
    request: str
    response: str = ""
    error: str = ""
    timestamp: int
    """Unix seconds."""
    status_code: int
    user_agent: str = ""
    origin: str = ""


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
        """Note that a runner starts with `config`; from then on its model is listed."""
        if self._shows_config:
            self._kept.setdefault(digest, _Kept(config)).config = config

    def begin(
        self, digest: str, model: str, request: InferenceRequest, at: int | None = None
    ) -> Record:
        """Record a request that the engine is about to get; `at` in Unix nanoseconds."""
        started = time.time_ns() if at is None else at
        record = Record(
            id=f"{digest}_{started}",
            model=model,
            method="POST",
            url=request.path,
            request=recorded_request(request.body),
            timestamp=started // 10**9,
            status_code=0,
            user_agent=request.headers.get("user-agent", ""),
            origin=request.headers.get("x-request-origin", ""),
        )
        records = self._kept.setdefault(digest, _Kept({})).records
        records.append(record)
        del records[:-KEPT]
        return record

    def finish(self, digest: str, record: Record, status: int, body: bytes) -> None:
        """Record how the request ended, and tell the followers.

        A record that has been pushed out or removed in the meantime is not told of.
        """
        kept = self._kept.get(digest)
        if kept is None or record not in kept.records:
            return
        record.status_code = status
        answer = body.decode(errors="replace")
        answer, stream_error = answer_of_stream(answer) if "data: " in answer else (answer, "")
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
        """Forget the records of a model whose runner has ended."""
        if self._kept.pop(digest, None) is not None:
            self._log.info("Removed records for model", component="openai-recorder", model=digest)
        else:
            self._log.warn("No records found for model", component="openai-recorder", model=digest)

    def clear(self) -> None:
        """Forget everything, and end every feed."""
        self._kept.clear()
        for feed in self._feeds:
            feed.put_nowait(None)

    def groups(self, digest: str | None = None) -> list[Group]:
        """The list of `GET /engines/requests`, in random order; of one model for a `digest`."""
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
        """Follow the requests that end from now on; None is the end.

        A feed that is not read loses what goes beyond its buffer.
        """
        feed: asyncio.Queue[list[Group] | None] = asyncio.Queue()
        self._feeds.add(feed)
        return feed

    def unsubscribe(self, feed: asyncio.Queue[list[Group] | None]) -> None:
        self._feeds.discard(feed)


def _group(model: str, config: dict[str, Any], records: list[Record]) -> Group:
    shown = [msgspec.to_builtins(record) for record in records]
    return {"count": len(shown), "model": model, "config": config, "records": shown}
