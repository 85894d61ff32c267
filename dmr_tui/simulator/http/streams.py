"""Answers over HTTP that take their time: a client that leaves ends them, a restart cuts them."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from dmr_tui.simulator.connection import Connection
from dmr_tui.simulator.http.faults import TRANSPORT, disconnected
from dmr_tui.simulator.service.world import AnswerCut, World

NO_CACHE = {"cache-control": "no-cache", "connection": "keep-alive"}


class CancellableResponse(Response):
    """An answer that `work` writes to it, and that is cancelled when the client leaves."""

    pace = 0.0

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
        self._send = send
        async with anyio.create_task_group() as group:

            def cut() -> None:
                scope[TRANSPORT].close()
                group.cancel_scope.cancel()

            async def watch() -> None:
                await disconnected(receive)
                group.cancel_scope.cancel()

            with self._world.cuttable(cut):
                group.start_soon(watch)
                try:
                    await self._work(self)
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                except AnswerCut:
                    scope[TRANSPORT].close()
                group.cancel_scope.cancel()

    async def start(self, status: int, content_type: str, length: int | None = None) -> None:
        headers = [(name.encode(), value.encode()) for name, value in self._extra.items()]
        if content_type:
            headers.append((b"content-type", content_type.encode()))
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})


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
