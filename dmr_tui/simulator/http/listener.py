"""The listening socket, with connections that can be refused, cut and reset."""

import asyncio
import contextlib
import os
from email.utils import formatdate

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from dmr_tui.simulator.http.faults import TRANSPORT, Faults

_KEEP_ALIVE = 300
_GRACE = 0.5


class _Connection(H11Protocol):
    """HTTP/1.1 that asks the faults before it speaks, and lends its transport to the requests."""

    def __init__(self, config: uvicorn.Config, state: ServerState, faults: Faults) -> None:
        super().__init__(config, state, {})
        self._faults = faults

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = transport
            await inner(scope, receive, send)

        self.app = app
        super().connection_made(transport)
        if self._faults.refuses():
            transport.abort()

    def data_received(self, data: bytes) -> None:
        # uvicorn's own server, which can neither be down nor come back, does this once a second.
        self.server_state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        super().data_received(data)


class Listener:
    """Serves `app` at one address; it can stop listening and begin again."""

    def __init__(
        self, app: ASGIApp, faults: Faults, host: str, port: int, socket_path: str | None
    ) -> None:
        self._config = uvicorn.Config(
            app,
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            timeout_keep_alive=_KEEP_ALIVE,
        )
        self._state = ServerState()
        self._faults = faults
        self._host, self._port, self._socket_path = host, port, socket_path
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The address: http://…, or unix:// and the socket's path."""
        if self._socket_path is not None:
            return f"unix://{self._socket_path}"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def listen(self) -> None:
        """Listen, at the same address as before if that was done. Raises OSError."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        if self._socket_path is not None:
            self._server = await loop.create_unix_server(self._connection, self._socket_path)
        else:
            self._server = await loop.create_server(self._connection, self._host, self._port)
            self._host, self._port = self._server.sockets[0].getsockname()[:2]

    def stop_listening(self) -> None:
        """Refuse connections and end those that are open."""
        if self._server is not None:
            self._server.close()
        self._server = None
        for connection in list(self._state.connections):
            connection.transport.abort()

    async def end(self) -> None:
        """Stop listening for good, and wait a moment for the answers that were under way."""
        self.stop_listening()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=_GRACE)
        if self._socket_path is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._socket_path)

    def _connection(self) -> _Connection:
        return _Connection(self._config, self._state, self._faults)
