"""A stand-in for the Docker Engine on a unix socket, with the runner behind Docker Desktop's."""

import asyncio
import json
import re
import tempfile
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests.docker_containers import (
    CRASHED,
    HOST_MEMORY,
    KILLED,
    NO_GPU_DRIVER,
    OUT_OF_MEMORY,
    PAUSED,
    PORT_TAKEN,
    RESTARTED,
    RESTARTING,
    RUNNING,
    STARTING,
    STOPPED,
    Controller,
)

__all__ = [
    "CRASHED",
    "DESKTOP",
    "DESKTOP_PREFIX",
    "KILLED",
    "LINUX",
    "NO_GPU_DRIVER",
    "OUT_OF_MEMORY",
    "PAUSED",
    "PORT_TAKEN",
    "RESTARTED",
    "RESTARTING",
    "RUNNING",
    "STARTING",
    "STOPPED",
    "Controller",
    "docker_engine",
]

LINUX = "Debian GNU/Linux 12 (bookworm)"
DESKTOP = "Docker Desktop"
DESKTOP_PREFIX = "/exp/vDD4.40"
_API = "1.41"
_PATIENCE_S = 10.0
_NO_RUNNER = (503, b"service unavailable\n", "text/plain; charset=utf-8")
_HEADERS = f"Api-Version: {_API}\r\nDocker-Experimental: false\r\nOstype: linux\r\n"
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}


@contextmanager
def docker_engine(
    *,
    operating_system: str = LINUX,
    kernel: str = "6.18.44-fc-v669",
    runtimes: Sequence[str] = ("runc",),
    runner: str | None = None,
    containers: Sequence[Controller] = (),
    hang: bool = False,
    path: Path | None = None,
    heard: list[str] | None = None,
) -> Iterator[str]:
    """Serve on a unix socket, of its own or at `path`; yields its path.

    `runner` is an http:// or unix:// URL, to which Docker Desktop passes on calls below
    /exp/vDD4.40; without one, or if nothing answers there, it says 503. `containers` is looked at
    for each call, so a test may change its list. With `hang` it takes connections and never
    answers. "METHOD path" of each call is added to `heard`.
    """
    with tempfile.TemporaryDirectory(prefix="docker-") as folder:
        engine = _Engine(
            str(path or Path(folder, "docker.sock")),
            operating_system,
            kernel,
            tuple(runtimes),
            runner,
            containers,
            hang,
            heard if heard is not None else [],
        )
        thread = threading.Thread(target=lambda: asyncio.run(engine.serve()), daemon=True)
        thread.start()
        try:
            assert engine.ready.wait(_PATIENCE_S), "the Docker Engine's stand-in did not start"
            yield engine.path
        finally:
            engine.stop()
            thread.join(_PATIENCE_S)
            Path(engine.path).unlink(missing_ok=True)


@dataclass(slots=True)
class _Engine:
    path: str
    operating_system: str
    kernel: str
    runtimes: tuple[str, ...]
    runner: str | None
    containers: Sequence[Controller]
    hang: bool
    heard: list[str]
    ready: threading.Event = field(default_factory=threading.Event)
    _loop: asyncio.AbstractEventLoop | None = None
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _calls: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_unix_server(self._connected, self.path)
        self.ready.set()
        await self._stopped.wait()
        server.close()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)

    def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        # A callback, not a coroutine: these tasks are ended and awaited here.
        call = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _converse(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while self.hang and await reader.read(65536):
                pass
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while await self._answer(reader, writer):
                    pass
        finally:
            writer.close()

    async def _answer(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """Answer one call; whether another may come on this connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        line, _, rest = head.decode("latin-1").partition("\r\n")
        method, target, _ = line.split(" ", 2)
        self.heard.append(f"{method} {target}")
        below = target.removeprefix(DESKTOP_PREFIX)
        inside = target.startswith(DESKTOP_PREFIX) and below[:1] in {"", "/", "?"}
        inside = inside and self.operating_system == DESKTOP
        if inside and (runner := await self._reach_runner()):
            below = below if below.startswith("/") else f"/{below}"
            onward = f"{method} {below} HTTP/1.1\r\n{_closing(rest)}"
            await _pass_on(onward.encode("latin-1"), (reader, writer), runner)
            return False
        if length := re.search(r"^content-length: *(\d+)", rest, re.IGNORECASE | re.MULTILINE):
            await reader.readexactly(int(length[1]))
        status, body, kind = self._say(target) if not inside else _NO_RUNNER
        writer.write(
            f"HTTP/1.1 {status} {_REASONS[status]}\r\n{_HEADERS}Content-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
        )
        writer.write(b"" if method == "HEAD" else body)
        await writer.drain()
        return True

    def _say(self, target: str) -> tuple[int, bytes, str]:
        if re.sub(r"^/v1\.\d+/", "/", target) == "/_ping":
            return 200, b"OK", "text/plain; charset=utf-8"
        status, value = self._tell(target)
        return status, json.dumps(value).encode() + b"\n", "application/json"

    def _tell(self, target: str) -> tuple[int, object]:
        parts = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        match re.sub(r"^/v1\.\d+/", "/", parts.path).strip("/").split("/"):
            case ["version"]:
                return 200, self._version()
            case ["info"]:
                return 200, self._info()
            case ["containers", "json"]:
                return self._list(query)
            case ["containers", name, "json" | "stats" as what]:
                name = unquote(name)
                for each in self.containers:
                    if each.name == name or each.id.startswith(name):
                        return 200, each.inspected() if what == "json" else each.stats()
                return 404, {"message": f"No such container: {name}"}
        return 404, {"message": "page not found"}

    def _list(self, query: dict[str, str]) -> tuple[int, object]:
        try:
            filters = json.loads(query.get("filters") or "{}")
        except ValueError as error:
            return 400, {"message": str(error)}
        if unknown := set(filters) - {"label", "name", "status"}:
            return 400, {"message": f"Invalid filter '{unknown.pop()}'"}
        everyone = query.get("all", "").lower() in {"1", "true"} or "status" in filters
        shown = (each for each in self.containers if everyone or each.runs)
        return 200, [each.listed() for each in shown if _fits(each, filters)]

    def _version(self) -> dict[str, object]:
        return {
            "Version": "20.10.24+dfsg1",
            "ApiVersion": _API,
            "MinAPIVersion": "1.12",
            "Os": "linux",
            "Arch": "amd64",
            "KernelVersion": self.kernel,
        }

    def _info(self) -> dict[str, object]:
        return {
            "ID": "ENGINE-ID",
            "Containers": len(self.containers),
            "ContainersRunning": sum(each.state == "running" for each in self.containers),
            "ContainersPaused": sum(each.state == "paused" for each in self.containers),
            "OperatingSystem": self.operating_system,
            "KernelVersion": self.kernel,
            "OSType": "linux",
            "Architecture": "x86_64",
            "CgroupVersion": "1",
            "NCPU": 2,
            "MemTotal": HOST_MEMORY,
            "Name": "host",
            "ServerVersion": "20.10.24+dfsg1",
            "Runtimes": {name: {"path": name} for name in self.runtimes},
            "DefaultRuntime": "runc",
        }

    async def _reach_runner(self) -> tuple[StreamReader, StreamWriter] | None:
        if self.runner is None:
            return None
        parts = urlsplit(self.runner)
        with suppress(OSError):
            if parts.scheme == "unix":
                return await asyncio.open_unix_connection(parts.path)
            return await asyncio.open_connection(parts.hostname, parts.port or 80)
        return None


async def _pass_on(
    head: bytes,
    caller: tuple[StreamReader, StreamWriter],
    runner: tuple[StreamReader, StreamWriter],
) -> None:
    """Carry bytes between caller and runner, as they come, until one of them leaves."""
    runner[1].write(head)
    ways = [
        asyncio.create_task(_pump(caller[0], runner[1])),
        asyncio.create_task(_pump(runner[0], caller[1])),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        runner[1].close()


async def _pump(source: StreamReader, sink: StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()


def _closing(headers: str) -> str:
    """The headers, with the wish that the connection ends after the answer."""
    lines = [line for line in headers.split("\r\n") if line.strip()]
    kept = [line for line in lines if not line.lower().startswith("connection:")]
    return "\r\n".join([*kept, "Connection: close", "", ""])


def _fits(container: Controller, filters: dict[str, object]) -> bool:
    # Every label has to be there, of names and states any.
    labels = {f"{key}={value}" for key, value in container.labels.items()} | set(container.labels)
    names = (container.name, f"/{container.name}")
    wanted = {
        key: list(values) for key, values in filters.items() if isinstance(values, list | dict)
    }
    return (
        all(label in labels for label in wanted.get("label", ()))
        and ("status" not in wanted or container.state in wanted["status"])
        and (
            "name" not in wanted
            or any(re.search(each, name) for each in wanted["name"] for name in names)
        )
    )
