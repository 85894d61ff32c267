"""The way in for every HTTP call: where faults strike."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from dmr_tui.simulator.faults import Fault, Faults

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LINK = "dmr_tui.link"
"""Where in a scope the listener puts what can break its connection."""

_HUGE = 10_000_000
_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
_GARBAGE = b'{"models": [{"id": "sha256:\xff\xfe,,'


class Link:
    """The connection that a call came on, to be broken."""

    def close(self) -> None:
        """Send what is written, then the end of the stream."""

    def reset(self) -> None:
        """Lose everything at once."""


class Gate:
    """An ASGI application in front of `app`, in which faults strike."""

    def __init__(self, app: App, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.strike(scope["path"]) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.kind == "hang":
            await _leaves(receive)
        elif fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
        elif fault.kind in ("half", "reset"):
            await self._app(scope, receive, _breaking(send, scope.get(LINK) or Link(), fault))
        elif fault.kind == "wrong types":
            await self._app(scope, receive, _mistyping(send))
        else:
            await _instead(fault, send)


async def _leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _instead(fault: Fault, send: Send) -> None:
    kind, body = {
        "status": (b"text/plain; charset=utf-8", f"{fault.text}\n".encode()),
        "html": (b"text/html; charset=utf-8", _PAGE),
        "garbage": (b"application/json", _GARBAGE),
        "huge": (b"application/json", b""),
    }[fault.kind]
    body = body or _huge_records()
    status = fault.status if fault.kind == "status" else 200
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _breaking(send: Send, link: Link, fault: Fault) -> Send:
    left = fault.after
    broken = False

    async def start(message: Message) -> None:
        nonlocal left
        if fault.kind == "half":
            length = dict(message["headers"]).get(b"content-length")
            left = int(length) // 2 if length else fault.after
        await send(message)

    async def breaking(message: Message) -> None:
        nonlocal left, broken
        if message["type"] == "http.response.start":
            await start(message)
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
            (link.reset if fault.kind == "reset" else link.close)()

    return breaking


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
        try:
            body = json.dumps(_mistyped(json.loads(b"".join(parts)))).encode()
        except ValueError:
            body = b"".join(parts)
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
    digest = "sha256:" + "5a" * 32
    text = "All work and no play makes the recorder a dull endpoint. " * 350
    request = json.dumps({"messages": [{"role": "user", "content": text}], "model": "ai/huge"})
    now = time.time_ns()
    groups = []
    size = 0
    while size < _HUGE:
        records = [_huge_record(digest, now + number, request) for number in range(10)]
        groups.append({"count": 10, "model": digest, "config": {}, "records": records})
        size += 10 * len(request)
    return json.dumps(groups).encode()


def _huge_record(digest: str, started: int, request: str) -> dict[str, Any]:
    return {
        "id": f"{digest}_{started}",
        "model": "ai/huge",
        "method": "POST",
        "url": "/engines/v1/chat/completions",
        "request": request,
        "timestamp": started // 10**9,
        "status_code": 200,
    }
