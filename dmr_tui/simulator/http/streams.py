"""Answers over HTTP that take their time: a client that leaves ends them, a restart cuts them."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dmr_tui.simulator.connection import Connection
from dmr_tui.simulator.http.fault_injection import LINK, Link, disconnected
from dmr_tui.simulator.service.inference import AnswerCut
from dmr_tui.simulator.service.world import World

NO_CACHE = {"cache-control": "no-cache", "connection": "keep-alive"}


class HttpConnection:
    """An answer as ASGI messages."""

    pace = 0.0

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self._open = False
        self._whole = False

    async def start(self, status: int, content_type: str, length: int | None = None) -> None:
        headers = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        if content_type:
            headers.append((b"content-type", content_type.encode()))
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        self._open, self._whole = True, length is not None
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        self._open = not self._whole
        await self._send({"type": "http.response.body", "body": data, "more_body": self._open})

    async def finish(self) -> None:
        """End a stream; an answer with a length has ended with its body."""
        if self._open:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


class CancellableResponse(Response):
    """An answer made by `work`, which is cancelled when the client leaves."""

    def __init__(
        self,
        world: World,
        work: Callable[[Connection], Awaitable[None]],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.background = None
        self._world = world
        self._work = work
        self._extra = headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HttpConnection(send, self._extra)
        link: Link = scope.get(LINK) or Link()
        async with anyio.create_task_group() as group:

            def cut() -> None:
                link.close()
                group.cancel_scope.cancel()

            async def watch() -> None:
                await disconnected(receive)
                group.cancel_scope.cancel()

            with self._world.cuttable(cut):
                group.start_soon(watch)
                try:
                    await self._work(connection)
                    await connection.finish()
                except AnswerCut:
                    link.close()
                group.cancel_scope.cancel()


def stream(
    world: World,
    source: AsyncGenerator[bytes, None],
    content_type: str,
    headers: Mapping[str, str] | None = None,
) -> CancellableResponse:
    """Answer with the pieces that `source` yields, as they come."""

    async def pump(to: Connection) -> None:
        await to.start(200, content_type)
        try:
            async for piece in source:
                await to.write(piece)
        finally:
            with anyio.CancelScope(shield=True):
                await source.aclose()

    return CancellableResponse(world, pump, headers)
