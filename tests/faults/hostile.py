"""A server that is a simulated runner, but for the one route that it attacks."""

import asyncio
import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

MIB = 2**20
HEAD = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: "
SSE, JSON, TEXT = b"text/event-stream", b"application/json", b"text/plain"


def whole(body: bytes, kind: bytes = JSON, more: bytes = b"") -> bytes:
    """An answer with its length."""
    length = str(len(body)).encode()
    return HEAD + kind + b"\r\ncontent-length: " + length + b"\r\n" + more + b"\r\n" + body


def event(body: bytes) -> bytes:
    """An answer that begins with an event of the recorder's feed."""
    return HEAD + SSE + b"\r\n\r\nevent: existing_request\ndata: " + body + b"\n\n"


BODIES = {
    "deep": b"[" * 20_000 + b"]" * 20_000,
    "null": b"null",
    "wrong type": b'[{"id":7,"model":null,"records":{"a":1},"BackendName":[],"Config":3}]',
    "numbers": b'[{"id":"a","created":' + b"9" * 400 + b',"model":"m","records":[{"id":"r",'
    b'"model":"m","timestamp":1e400,"status_code":-1}]}]',
    "NaN": b'[{"models_disk_usage":NaN,"created":Infinity}]',
    "not JSON": b"<html>captive portal</html>",
    "not UTF-8": b'["\xff\xfe\x80"]',
    "empty": b"",
    "huge": b'["' + b"x" * (40 * MIB) + b'"]',
}
ANSWERS: dict[str, bytes] = {
    **{name: whole(body) for name, body in BODIES.items()},
    **{f"{name} event": event(body) for name, body in BODIES.items()},
    "gzip bomb": whole(gzip.compress(b"[" * 64 * MIB), more=b"content-encoding: gzip\r\n"),
    "half": HEAD + JSON + b"\r\ncontent-length: 5000\r\n\r\n[{",
    "redirect": b"HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n\r\n",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "long header": b"HTTP/1.1 200 OK\r\nx: " + b"y" * MIB + b"\r\n\r\n",
    "status 599": b"HTTP/1.1 599 What\r\ncontent-length: 2\r\n\r\n\x1b[",
    "nothing": b"",
}
ENDLESS = {
    "endless line": (HEAD + SSE + b"\r\n\r\nevent: new_request\ndata: ", b"x" * 65_536),
    "endless events": (HEAD + SSE + b"\r\n\r\n", b"event: new_request\ndata: [{}]\n\n" * 500),
    "endless list": (HEAD + JSON + b"\r\n\r\n[", b'{"id":"x"},' * 5_000),
    "endless log": (HEAD + TEXT + b"\r\n\r\n", b'level=error msg="' + b"a=b " * 5_000 + b"\n"),
    "drip": (HEAD + JSON + b"\r\n\r\n[", b" "),
}
ATTACKS = (*ANSWERS, *ENDLESS)
CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n'
ENDLESS_CHAT = {
    "endless answer": (HEAD + SSE + b"\r\n\r\n", CHUNK % b"word " * 2_000),
    "endless answer, long pieces": (HEAD + SSE + b"\r\n\r\n", CHUNK % (b"word " * 50_000)),
    "endless reasoning": (
        HEAD + SSE + b"\r\n\r\n",
        (CHUNK % b"word ").replace(b"content", b"reasoning_content") * 2_000,
    ),
    "endless tool calls": (
        HEAD + SSE + b"\r\n\r\n",
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":'
        b'{"arguments":"word "}}]}}]}\n\n' * 2_000,
    ),
    "endless chunk": (HEAD + SSE + b"\r\n\r\ndata: ", b"x" * 65_536),
    "whole answer without end": (HEAD + JSON + b"\r\n\r\n[", b"[" * 65_536),
}
"""Attacks on the answer to a prompt."""


class Hostile:
    """Passes everything on to a runner at `port`, but answers `route` with `attack`."""

    def __init__(self, port: int) -> None:
        self.route = ""
        self.attack = ""
        self.attacked = 0
        self.address = ""
        self._port = port
        self._open: set[asyncio.StreamWriter] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def drop(self) -> None:
        """Close every connection that is open."""
        assert self._loop is not None
        for writer in list(self._open):
            self._loop.call_soon_threadsafe(writer.close)

    async def serve(self, ready: Callable[[], None], stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.address = "http://{}:{}".format(*server.sockets[0].getsockname())
        self._loop = asyncio.get_running_loop()
        ready()
        await stop.wait()
        server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        # Cancelled at the end; Python 3.11 complains of a handler that was.
        ended = (asyncio.CancelledError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
        with suppress(OSError, *ended):
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            if self.attack and self._is_attacked(target):
                self.attacked += 1
                await self._attack(writer)
            else:
                await self._pass_on(head, reader, writer)
        self._open.discard(writer)
        with suppress(OSError):
            writer.close()

    def _is_attacked(self, target: str) -> bool:
        """Return whether the target is the route: with its question mark, or without any."""
        return target.startswith(self.route) if "?" in self.route else target == self.route

    async def _attack(self, writer: asyncio.StreamWriter) -> None:
        attack = self.attack
        if attack in ANSWERS:
            writer.write(ANSWERS[attack])
            await writer.drain()
            return
        head, piece = ENDLESS[attack] if attack in ENDLESS else ENDLESS_CHAT[attack]
        writer.write(head)
        while self.attack == attack and not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01 if attack == "drip" else 0)

    async def _pass_on(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there, to_there = await asyncio.open_connection("127.0.0.1", self._port)
        line, _, rest = head.partition(b"\r\n")
        to_there.write(line + b"\r\nconnection: close\r\n" + rest)

        async def pump(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
            with suppress(OSError):
                while data := await source.read(65_536):
                    to.write(data)
                    await to.drain()

        sending = asyncio.ensure_future(pump(reader, to_there))
        await pump(there, writer)
        sending.cancel()
        to_there.close()


@contextmanager
def hostile(url: str) -> Iterator[Hostile]:
    """A hostile server before the runner at `url`, in a thread of its own."""
    server = Hostile(int(url.rpartition(":")[2]))
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        # For `gather`, which looks for it before it runs.
        asyncio.set_event_loop(loop)
        loop.run_until_complete(server.serve(ready.set, stop))
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
