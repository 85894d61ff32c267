"""The listening socket, with connections that can be refused, cut and reset."""

import asyncio
import contextlib
import os
import signal
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Generator
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from dmr_tui.simulator.http.fault_injection import LINK, Link
from dmr_tui.simulator.http.faults import Faults

_KEEP_ALIVE = 300
_GRACE = 0.5
_TICK = 1.0
_NO_LINGER = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class _SocketLink(Link):
    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def close(self) -> None:
        self._transport.close()

    def reset(self) -> None:
        raw = self._transport.get_extra_info("socket")
        if raw is not None and raw.family != getattr(socket, "AF_UNIX", None):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._transport.abort()


class _Connection(H11Protocol):
    """HTTP/1.1 that asks the faults before it speaks, and lends its transport to the requests."""

    faults: Faults

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if self.faults.refuses():
            transport.abort()
            return
        link = _SocketLink(transport)
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[LINK] = link
            await inner(scope, receive, send)

        self.app = app
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self.transport is not None:
            super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:
            super().connection_lost(exc)


class Listener(uvicorn.Server):
    """Serves `app` until `stop`; meanwhile it can stop listening and begin again."""

    def __init__(
        self,
        app: ASGIApp,
        faults: Faults,
        end: Callable[[], Awaitable[None]],
        ready: Callable[[], None],
        *,
        host: str,
        port: int,
        socket_path: str | None,
    ) -> None:
        protocol = type("FaultyConnection", (_Connection,), {"faults": faults})
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
            )
        )
        self._ready = ready
        self._end = end
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._socket_path = socket_path
        self._bound = _bind(host, port, socket_path)
        self._address = self._bound.getsockname()

    @property
    def url(self) -> str:
        """The address: http://…, or unix:// and the socket's path."""
        if self._socket_path is not None:
            return f"unix://{self._socket_path}"
        host, port = self._address[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def listen(self) -> None:
        """Serve; returns once `stop` has been called and every connection is gone."""
        try:
            self.run(sockets=[self._bound])
        finally:
            self._bound.close()
            if self._socket_path is not None:
                with contextlib.suppress(OSError):
                    os.unlink(self._socket_path)

    def stop(self) -> None:
        """End `listen`; from any thread."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._ready()

    async def main_loop(self) -> None:
        # uvicorn checks ten times a second if it should end.
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._end()
        self.stop_listening()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_GRACE)
        await self.lifespan.shutdown()

    def stop_listening(self) -> None:
        """Refuse connections and end those that are open; on the server's own loop."""
        for server in self.servers:
            server.close()
        self.servers.clear()
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def listen_again(self) -> None:
        """Listen at the same address as before."""
        if self.servers:
            return
        if self._socket_path is None:
            host, port = self._address[:2]
            bound = _bind(host, port, None)
        else:
            bound = _bind("", 0, self._socket_path)
        server = await asyncio.get_running_loop().create_server(self._protocol, sock=bound)
        self.servers.append(server)

    def _protocol(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        state = self.lifespan.state
        made: asyncio.Protocol = kind(
            config=self.config, server_state=self.server_state, app_state=state, _loop=None
        )
        return made

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        # uvicorn sends the signal again at the end, which is no clean end for a command.
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def leave(number: int, frame: FrameType | None) -> None:
            self.stop()

        before = {each: signal.signal(each, leave) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def _bind(host: str, port: int, socket_path: str | None) -> socket.socket:
    if socket_path is not None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(socket_path)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        bound.bind(socket_path)
        return bound
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's algorithm off for each connection.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound
