"""Answers over HTTP that take their time: a caller who leaves ends them, a restart cuts them."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

import anyio
from starlette.responses import Response

from dmr_tui.simulator.exchange import Connection
from dmr_tui.simulator.gate import LINK, Link, Receive, Scope, Send
from dmr_tui.simulator.inference import Cut
from dmr_tui.simulator.world import World

NO_CACHE = {"cache-control": "no-cache", "connection": "keep-alive"}


class HttpConnection:
    """An answer as ASGI messages."""

    pace = 0.0

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self.open = False
        self._send = send
        self._headers = headers
        self._whole = False

    async def start(self, status: int, content_type: str, length: int | None = None) -> None:
        headers = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        if content_type:
            headers.append((b"content-type", content_type.encode()))
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        self.open = True
        self._whole = length is not None
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes) -> None:
        self.open = not self._whole
        await self._send({"type": "http.response.body", "body": data, "more_body": self.open})

    async def finish(self) -> None:
        if self.open:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


class Exchange(Response):
    """An answer made by `work`, which is cancelled when the caller leaves."""

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

            with self._world.cuttable(cut):
                group.start_soon(_hung_up, receive, group.cancel_scope)
                try:
                    await self._work(connection)
                    await connection.finish()
                except Cut:
                    link.close()
                group.cancel_scope.cancel()


def stream(
    world: World,
    source: AsyncGenerator[bytes, None],
    content_type: str,
    headers: Mapping[str, str] | None = None,
) -> Exchange:
    """What `source` yields, as it comes."""

    async def pump(to: Connection) -> None:
        await to.start(200, content_type)
        try:
            async for piece in source:
                await to.write(piece)
        finally:
            with anyio.CancelScope(shield=True):
                await source.aclose()

    return Exchange(world, pump, headers)


async def _hung_up(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
