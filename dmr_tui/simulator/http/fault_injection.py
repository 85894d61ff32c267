"""The middleware in front of every HTTP request, in which faults strike."""

import asyncio
import contextlib
import json
import time
from typing import Any

from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dmr_tui.simulator.connection import JSON
from dmr_tui.simulator.http.faults import Fault, Faults

LINK = "dmr_tui.link"
"""Where in a scope the listener puts what can break its connection."""

_HUGE = 10_000_000
_PAGE = "<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>"
_GARBAGE = b'{"models": [{"id": "sha256:\xff\xfe,,'


class Link:
    """The connection that a request came on, to be broken."""

    def close(self) -> None:
        """Send what is written, then the end of the stream."""

    def reset(self) -> None:
        """Lose everything at once."""


class FaultInjection:
    """An ASGI application in front of `app`."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.strike(scope["path"]) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.kind == "hang":
            await disconnected(receive)
        elif fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
        elif fault.kind in ("half", "reset"):
            await self._app(scope, receive, _breaking(send, scope.get(LINK) or Link(), fault))
        elif fault.kind == "wrong types":
            await self._app(scope, receive, _mistyping(send))
        else:
            await _instead(fault)(scope, receive, send)


async def disconnected(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _instead(fault: Fault) -> Response:
    match fault.kind:
        case "status":
            return PlainTextResponse(f"{fault.text}\n", fault.status)
        case "html":
            return HTMLResponse(_PAGE)
        case "garbage":
            return Response(_GARBAGE, media_type=JSON)
        case _:
            return Response(_huge_records(), media_type=JSON)


def _breaking(send: Send, link: Link, fault: Fault) -> Send:
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
