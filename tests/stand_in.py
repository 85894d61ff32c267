"""A small server with made-up answers, over TCP, TLS or a unix socket, that keeps what it heard."""

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

HANDSHAKE = b"\x16"
NOT_TLS = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
"""What Go's server says to plain HTTP on its TLS port."""


@dataclass(frozen=True)
class Heard:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Told:
    """One answer."""

    body: bytes | str | Iterator[bytes] = b""
    """An iterator is sent as it comes; when the caller leaves, it is closed."""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class StandIn:
    """Where it listens, and every request that came."""

    url: str
    heard: list[Heard] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """What was asked for, in order."""
        return [each.path for each in self.heard]


Answer = Callable[[Heard], Told]


class _Unix(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class _Tcp(ThreadingHTTPServer):
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        if request.recv(1, socket.MSG_PEEK) != HANDSHAKE:
            request.sendall(NOT_TLS)
            return
        # A caller that does not trust the certificate leaves in the middle of the handshake.
        with suppress(OSError), self.tls.wrap_socket(request, server_side=True) as wrapped:
            super().finish_request(wrapped, client_address)


@contextmanager
def stand_in(
    answer: Answer, *, uds: Path | None = None, tls: tuple[Path, Path] | None = None
) -> Iterator[StandIn]:
    """Serve `answer` on a free port, in TLS with a certificate and its key, or on a socket."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with suppress(ConnectionError):
                super().handle_one_request()

        def do_GET(self) -> None:
            size = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            heard = Heard(self.command, self.path, headers, self.rfile.read(size))
            seen.heard.append(heard)
            told = answer(heard)
            body = told.body.encode() if isinstance(told.body, str) else told.body
            self.send_response(told.status)
            if not isinstance(body, bytes):
                self._send_as_it_comes(body, told.headers)
                return
            for name, value in {"Content-Length": str(len(body)), **told.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _send_as_it_comes(self, body: Iterator[bytes], headers: dict[str, str]) -> None:
            for name, value in {**headers, "Connection": "close"}.items():
                self.send_header(name, value)
            self.end_headers()
            with closing(cast("Generator[bytes]", body)) as pieces:
                for piece in pieces:
                    self.wfile.write(piece)

        do_POST = do_DELETE = do_HEAD = do_GET

        def address_string(self) -> str:
            return "somebody"

        def log_message(self, *words: Any) -> None:
            return None

    server: socketserver.BaseServer
    if uds is not None:
        server = _Unix(str(uds), Handler)
        seen = StandIn(f"unix://{uds}")
    else:
        server = _Tcp(("127.0.0.1", 0), Handler)
        seen = StandIn(f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}")
        if tls is not None:
            server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.tls.load_cert_chain(*tls)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)
        if uds is not None:
            uds.unlink()


@contextmanager
def silent(path: Path) -> Iterator[None]:
    """A socket that takes connections and never says a word, as a hung daemon's."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(16)
        yield
