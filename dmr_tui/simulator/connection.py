"""An inference request and where its answer goes, over HTTP or from a scenario."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

JSON = "application/json"
ENGINE_JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
EVENTS = "text/event-stream"


class Refused(Exception):
    """A request that ends with plain text: its status and the text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def json_object(body: bytes, refusal: str = "invalid request") -> dict[str, Any]:
    """Return the JSON object in `body`. Raises Refused with status 400 and the text `refusal`."""
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Refused(400, refusal) from error
    if not isinstance(value, dict):
        raise Refused(400, refusal)
    return value


@dataclass(frozen=True)
class InferenceRequest:
    """One request to an inference endpoint."""

    path: str
    body: bytes
    backend: str | None = None
    """The backend named in the path."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in small letters."""
    preload: bool = False
    """Load the model and no more, whatever the headers say."""

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The body's JSON object. Raises Refused."""
        return json_object(self.body)

    @property
    def endpoint(self) -> str:
        """The last part of the path: "chat", "completions", "embeddings", "rerank"."""
        parts = self.path.rstrip("/").split("/")
        return "chat" if parts[-2:] == ["chat", "completions"] else parts[-1]

    @property
    def streams(self) -> bool:
        """The client asks for a stream of events."""
        return bool(self.fields.get("stream"))


class Connection(Protocol):
    """Takes an answer; the task that writes to it is cancelled when the client leaves."""

    pace: float
    """Seconds between two writes of a stream at least; 0 for every token when it is due."""

    async def start(self, status: int, content_type: str, length: int | None = None) -> None:
        """Send the head of the answer; a `length` of None is a stream."""
        ...

    async def write(self, data: bytes) -> None:
        """Send a part of the body; with a length the whole of it."""
        ...


class AnswerCopy:
    """Keeps a copy of an answer, and passes it on where there is a connection."""

    def __init__(self, onward: Connection | None = None) -> None:
        self.pace = 0.25 if onward is None else onward.pace
        self.status = 0
        self._onward = onward
        self._parts: list[bytes] = []

    @property
    def body(self) -> bytes:
        return b"".join(self._parts)

    async def start(self, status: int, content_type: str, length: int | None = None) -> None:
        self.status = status
        if self._onward is not None:
            await self._onward.start(status, content_type, length)

    async def write(self, data: bytes) -> None:
        self._parts.append(data)
        if self._onward is not None:
            await self._onward.write(data)


async def reply(to: Connection, status: int, content_type: str, body: bytes) -> None:
    """Send an answer in one piece."""
    await to.start(status, content_type, len(body))
    await to.write(body)
