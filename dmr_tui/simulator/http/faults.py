"""The faults that can strike on the way to a client, and the middleware in which they do."""

import asyncio
import contextlib
import json
import os
import random
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dmr_tui.simulator.connection import JSON

TRANSPORT = "dmr_tui.transport"
"""Where in a scope the listener puts the transport of its connection, to be broken."""

_HUGE = 10_000_000
_PAGE = "<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
_GARBAGE = b'{"models": [{"id": "sha256:\xff\xfe,,'
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)

Kind = Literal[
    "refuse",
    "hang",
    "slow",
    "status",
    "html",
    "garbage",
    "wrong types",
    "half",
    "reset",
    "huge",
]
"""
refuse       the connection is closed as soon as it is accepted
hang         no answer ever comes
slow         the headers come after `seconds`
status       `status` with `text`
html         200 with a page, as a captive portal or the wrong server answers
garbage      200 with text that is no JSON
wrong types  the right answer with numbers for texts and texts for numbers
half         the right answer is promised in full, and ends in the middle
reset        the connection is reset after `after` bytes of the body
huge         200 with a list of records of 10 MB
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong for requests whose path begins with `path`."""

    kind: Kind
    path: str = "/"
    count: int | None = None
    """The requests that it hits; None for all."""
    probability: float = 1.0
    seconds: float = 2.0
    after: int = 200
    status: int = 503
    text: str = "service unavailable"


class Faults:
    """The faults that are in force; may be changed from any thread while requests come."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._rng = random.Random(seed)
        self._left: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Put `fault` in force; of several that fit a request, the one added first hits it."""
        with self._lock:
            self._left.append((fault, fault.count))

    def clear(self) -> None:
        """Take every fault out of force."""
        with self._lock:
            self._left.clear()

    def strike(self, path: str) -> Fault | None:
        """The fault that hits a request for `path`; it counts as used."""
        return self._draw(lambda fault: fault.kind != "refuse" and path.startswith(fault.path))

    def refuses(self) -> bool:
        """Tell if a connection is closed on arrival; the fault counts as used."""
        return self._draw(lambda fault: fault.kind == "refuse") is not None

    def _draw(self, fits: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for place, (fault, left) in enumerate(self._left):
                if not fits(fault) or self._rng.random() >= fault.probability:
                    continue
                if left is not None:
                    self._left[place] = (fault, left - 1)
                    if left == 1:
                        del self._left[place]
                return fault
        return None


class FaultInjection:
    """An ASGI application in front of `app`."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.strike(scope["path"]) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        answer = self._app
        match fault.kind:
            case "hang":
                await disconnected(receive)
                return
            case "slow":
                await asyncio.sleep(fault.seconds)
            case "half" | "reset":
                send = _breaking(send, scope[TRANSPORT], fault)
            case "wrong types":
                send = _mistyping(send)
            case "status":
                answer = PlainTextResponse(f"{fault.text}\n", fault.status)
            case "html":
                answer = HTMLResponse(_PAGE)
            case "garbage":
                answer = Response(_GARBAGE, media_type=JSON)
            case "huge":
                answer = Response(_huge_records(), media_type=JSON)
        await answer(scope, receive, send)


async def disconnected(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _breaking(send: Send, transport: asyncio.Transport, fault: Fault) -> Send:
    left = fault.after
    broken = False

    async def breaking(message: Message) -> None:
        nonlocal left, broken
        if message["type"] == "http.response.start":
            length = dict(message["headers"]).get(b"content-length")
            if fault.kind == "half" and length:
                left = int(length) // 2
            await send(message)
            return
        body = message.get("body", b"")
        if broken:
            return
        broken = len(body) >= left
        await send({"type": "http.response.body", "body": body[:left], "more_body": True})
        left -= len(body)
        if broken:
            # The last bytes have to leave before a reset throws away what is still here.
            await asyncio.sleep(0.01)
            if fault.kind == "reset":
                _reset(transport)
            else:
                transport.close()

    return breaking


def _reset(transport: asyncio.Transport) -> None:
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.family != getattr(socket, "AF_UNIX", None):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()


def _mistyping(send: Send) -> Send:
    head: Message = {}
    parts: list[bytes] = []

    async def mistyping(message: Message) -> None:
        if message["type"] == "http.response.start":
            head.update(message)
            return
        parts.append(message.get("body", b""))
        if message.get("more_body"):
            return
        body = b"".join(parts)
        with contextlib.suppress(ValueError):
            body = json.dumps(_mistyped(json.loads(body))).encode()
        headers = [(name, value) for name, value in head["headers"] if name != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({**head, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return mistyping


def _mistyped(value: Any) -> Any:
    match value:
        case dict():
            return {key: _mistyped(each) for key, each in value.items()}
        case list():
            return [_mistyped(each) for each in value]
        case str():
            return len(value)
        case bool() | None:
            return "maybe"
        case _:
            return str(value)


def _huge_records() -> bytes:
    digest, now = "sha256:" + "5a" * 32, time.time_ns()
    text = "All work and no play makes the recorder a dull endpoint. " * 350
    request = json.dumps({"messages": [{"role": "user", "content": text}], "model": "ai/huge"})
    records = [
        {
            "id": f"{digest}_{now + number}",
            "model": "ai/huge",
            "method": "POST",
            "url": "/engines/v1/chat/completions",
            "request": request,
            "timestamp": now // 10**9,
            "status_code": 200,
        }
        for number in range(10)
    ]
    group = {"count": len(records), "model": digest, "config": {}, "records": records}
    return json.dumps([group] * (_HUGE // (10 * len(request)) + 1)).encode()
