"""A call and where its answer goes, whether it came over HTTP or from a scenario."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from dmr_tui.simulator.golang import go_json

JSON = "application/json"
ENGINE_JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
EVENTS = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Call:
    """One call to an inference endpoint."""

    path: str
    body: bytes
    backend: str | None = None
    """The backend named in the path."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in small letters."""
    preload: bool = False
    """Load the model and no more, whatever the headers say."""

    @property
    def user_agent(self) -> str:
        return self.headers.get("user-agent", "")

    @property
    def origin(self) -> str:
        """Who the caller says it is, for the recorder."""
        return self.headers.get("x-request-origin", "")


class Refused(Exception):
    """A call that ends with plain text: its status and the text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Connection(Protocol):
    """Takes an answer; the task that writes to it is cancelled when the caller leaves."""

    pace: float
    """Seconds between two writes of a stream at least; 0 for every token when it is due."""

    async def start(self, status: int, content_type: str, length: int | None = None) -> None:
        """The head of the answer; a `length` of None is a stream."""
        ...

    async def write(self, data: bytes) -> None:
        """A part of the body; with a length the whole of it."""
        ...


class Tape:
    """Keeps an answer, and hands it on if there is somewhere to hand it."""

    def __init__(self, onward: Connection | None = None, *, pace: float = 0.25) -> None:
        self.pace = onward.pace if onward is not None else pace
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
    """An answer in one piece."""
    await to.start(status, content_type, len(body))
    await to.write(body)


async def refuse(to: Connection, status: int, text: str) -> None:
    """An error as Go's http.Error writes it: plain text and a line feed."""
    await reply(to, status, TEXT, f"{text}\n".encode())


def engine_error(status: int, message: str, kind: str, **facts: object) -> bytes:
    """An error as llama.cpp writes it."""
    return go_json({"error": {"code": status, "message": message, "type": kind, **facts}}).encode()
