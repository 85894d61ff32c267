"""The last requests of each loaded model, their bodies tidied, as a list and as a feed."""

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from dmr_tui.simulator.connection import InferenceRequest
from dmr_tui.simulator.golang import go_json, through_float64
from dmr_tui.simulator.logbook import Logbook

KEPT = 10
_FEED_BUFFER = 100
_MEDIA_KEPT = 100

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
            request=_recorded_request(request.body),
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
        answer, stream_error = _answer_of_stream(answer) if "data: " in answer else (answer, "")
        if stream_error:
            record.error = stream_error
        elif status >= 400:
            record.error = _recorded_error(answer)
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

    async def follow(
        self, model: str, digest: str | None, existing: bool
    ) -> AsyncGenerator[bytes, None]:
        """Events of the requests that end from now on, those of one model if it is named.

        With `existing` all records of now come first, each in a group of its own, those in flight
        too. A follower that does not read loses what goes beyond its buffer.
        """
        feed: asyncio.Queue[list[Group] | None] = asyncio.Queue()
        self._feeds.add(feed)
        try:
            head = []
            for group in self.groups(digest) if existing else ():
                for record in group["records"]:
                    alone = [{**group, "count": 1, "records": [record]}]
                    head.append(f"event: existing_request\ndata: {go_json(alone)}\n\n")
            head.append('event: connected\ndata: {"status": "connected"}\n\n')
            yield "".join(head).encode()
            while (ended := await feed.get()) is not None:
                if model in ("", ended[0]["model"]):
                    yield f"event: new_request\ndata: {go_json(ended)}\n\n".encode()
        finally:
            self._feeds.discard(feed)


def _group(model: str, config: dict[str, Any], records: list[Record]) -> Group:
    shown = [msgspec.to_builtins(record) for record in records]
    return {"count": len(shown), "model": model, "config": config, "records": shown}


def _recorded_request(body: bytes) -> str:
    """The body; with `messages` in it, its keys are sorted and base64 media are cut."""
    text = body.decode(errors="replace")
    try:
        request = json.loads(text)
    except ValueError:
        return text
    if not isinstance(request, dict) or not isinstance(request.get("messages"), list):
        return text
    for message in request["messages"]:
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict):
                _cut(part.get("image_url"), "url")
                _cut(part.get("input_audio"), "data")
    return go_json(through_float64(request), sort_keys=True)


def _cut(holder: Any, key: str) -> None:
    if not isinstance(holder, dict) or not isinstance(holder.get(key), str):
        return
    text = holder[key]
    head, comma, data = text.partition(",") if text.startswith("data:") else ("", "", text)
    if len(data) > _MEDIA_KEPT:
        lost = len(data) - _MEDIA_KEPT
        holder[key] = f"{head}{comma}{data[:_MEDIA_KEPT]}...[truncated {lost} chars]"


def _recorded_error(text: str) -> str:
    """An error body as JSON, whatever it was; an empty one is an unknown error."""
    if not text:
        return '{"error": "unknown error"}'
    try:
        json.loads(text)
    except ValueError:
        return f'{{"error": {go_json(text)}}}'
    return text


def _answer_of_stream(stream: str) -> tuple[str, str]:
    """One chat completion out of a stream's events, and the error that the stream told of.

    Text and reasoning are joined, and the last chunk's other keys kept: so `usage` and `timings`
    survive if the last chunk had them, and tool calls and legacy completions lose their content.
    """
    content: list[str] = []
    reasoning: list[str] = []
    choice: dict[str, Any] = {}
    last: dict[str, Any] | None = None
    for line in stream.split("\n"):
        if line.startswith("error: "):
            return "", _stream_error(line.removeprefix("error: "))
        data = line.removeprefix("data: ")
        if data == line:
            continue
        if data == "[DONE]":
            break
        try:
            last = json.loads(data)
        except ValueError:
            continue
        if isinstance(last, dict) and last.get("choices"):
            choice = last["choices"][0]
            delta = choice.get("delta") or {}
            content.append(delta.get("content") or "")
            reasoning.append(delta.get("reasoning_content") or "")
    if last is None:
        return stream, ""
    message = {"role": "assistant", "content": "".join(content)}
    if any(reasoning):
        message["reasoning_content"] = "".join(reasoning)
    whole = {key: value for key, value in choice.items() if key != "delta"}
    whole = {"finish_reason": "stop", **whole, "message": message}
    answer = {**last, "choices": [whole], "object": "chat.completion"}
    return go_json(through_float64(answer), sort_keys=True), ""


def _stream_error(text: str) -> str:
    told: dict[str, Any] = {"status_code": 400, "message": "unparseable streaming error"}
    try:
        error = json.loads(text)
    except ValueError:
        return go_json({**told, "details": text})
    told = {
        "status_code": int(error.get("code", 400)),
        "message": error.get("message", "streaming error"),
        **({"type": error["type"]} if error.get("type") else {}),
        "details": text,
    }
    return go_json(told)
