"""A real llama-server in the place of the simulated engine: bytes go through as they come."""

import asyncio
import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from dmr_tui.simulator.engine import EngineDied
from dmr_tui.simulator.engine_log import EngineLog
from dmr_tui.simulator.exchange import Call, Connection
from dmr_tui.simulator.model import Layers, Model, Profile
from dmr_tui.simulator.timings import Timings

_READ = 65536
_TAIL = 4096
_LOOK_SECONDS = 5.0


class NoEngine(Exception):
    """There is no llama-server where one was promised; the text says what was tried."""


def learn(url: str) -> Model:
    """The model that the llama-server at `url` serves. Raises NoEngine."""
    props = _get(f"{url}/props")
    entry = _get(f"{url}/v1/models")["data"][0]
    meta = entry.get("meta") or {}
    context = int(props["default_generation_settings"]["n_ctx"])
    slots = int(props.get("total_slots", 1))
    vocabulary, embedding = int(meta.get("n_vocab", 0)), int(meta.get("n_embd", 1))
    return Model(
        name=_name(str(props.get("model_alias") or entry["id"])),
        architecture="llama",
        quantization=f"MOSTLY_{str(meta.get('ftype', 'F32')).split()[-1]}",
        parameters=int(meta.get("n_params", 0)),
        size=int(meta.get("size", 0)),
        trained_context=int(meta.get("n_ctx_train", context)),
        packaged_context=context * slots,
        layers=Layers(2, embedding, 2 * embedding, 4, 2, vocabulary),
        profile=Profile(decode=0.0, prefill=0.0, load_seconds=0.05),
        file_type=0,
        slots=slots,
        served_as=str(props.get("model_path", "")),
    )


def _get(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=_LOOK_SECONDS) as answer:
            return json.load(answer)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise NoEngine(f"{url}: {error}; is a llama-server running there?") from error


def _name(alias: str) -> str:
    stem = alias.replace("\\", "/").rpartition("/")[2].removesuffix(".gguf").lower()
    name, colon, tag = stem.partition(":")
    return f"ai/{name or 'model'}:{tag if colon else 'latest'}"


class UpstreamEngine:
    """Passes calls on; hanging up on the caller's side closes the connection to the engine."""

    def __init__(self, url: str, log: EngineLog) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._log = log
        self._task = 0
        self._open: set[asyncio.StreamWriter] = set()

    def count(self) -> None:
        return None

    def die(self) -> None:
        self._log.close()
        for writer in self._open:
            writer.transport.abort()

    async def answer(self, call: Call, to: Connection) -> None:
        task, self._task = self._task, self._task + 1
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=_READ)
        except OSError as error:
            raise EngineDied from error
        self._open.add(writer)
        tail = b""
        try:
            writer.write(self._head(call) + call.body)
            tail = await self._pass_on(reader, to)
        except asyncio.CancelledError:
            self._log.left(task)
            raise
        except (OSError, EOFError) as error:
            raise EngineDied from error
        finally:
            self._open.discard(writer)
            writer.transport.abort()
            self._finish(task, tail)

    def _head(self, call: Call) -> bytes:
        path = call.path[call.path.index("/v1/") :] if "/v1/" in call.path else call.path
        lines = (
            f"POST {path} HTTP/1.1",
            "Host: localhost",
            "Connection: close",
            "Content-Type: application/json",
            f"Content-Length: {len(call.body)}",
        )
        return "\r\n".join((*lines, "", "")).encode()

    async def _pass_on(self, reader: asyncio.StreamReader, to: Connection) -> bytes:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split()[1])
        fields = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        kind = headers.get("content-type", "application/json")
        if "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
            await to.start(status, kind, len(body))
            await to.write(body)
            return body[-_TAIL:]
        await to.start(status, kind)
        chunks = _Chunks()
        tail = b""
        while not chunks.ended:
            data = await reader.read(_READ)
            if not data:
                raise EOFError
            if payload := chunks.feed(data):
                await to.write(payload)
                tail = (tail + payload)[-_TAIL:]
        return tail

    def _finish(self, task: int, tail: bytes) -> None:
        _, found, rest = tail.decode(errors="replace").rpartition('"timings":')
        used = 0
        now = time.time_ns()
        if found:
            shown, _ = json.JSONDecoder().raw_decode(rest)
            counted = ("cache_n", "prompt_n", "prompt_ms", "predicted_n", "predicted_ms")
            timings = Timings(**{key: shown[key] for key in counted})
            used = timings.cache_n + timings.prompt_n + timings.predicted_n - 1
            # Only now is it known when the engine began: before that the call may have waited.
            began = now - int((timings.prompt_ms + timings.predicted_ms) * 1e6)
            self._launched(task, began)
            self._log.timings(0, task, timings, max(0, timings.predicted_n - 1))
        elif tail:
            self._launched(task, now)
        else:
            return
        self._log.released(0, task, used)

    def _launched(self, task: int, at: int) -> None:
        self._log.slot("launch_slot_", 0, task, "processing task, is_child = 0", at=at)


class _Chunks:
    """Takes the chunk sizes out of a chunked body, whatever way it is cut."""

    def __init__(self) -> None:
        self.ended = False
        self._held = b""
        self._left = 0

    def feed(self, data: bytes) -> bytes:
        """The payload in `data`."""
        data = self._held + data
        payload = []
        place = 0
        while place < len(data):
            if self._left == 0:
                line = data.find(b"\r\n", place)
                if line < 0:
                    break
                size = int(data[place:line].partition(b";")[0] or b"0", 16)
                place = line + 2
                if size == 0:
                    self.ended = True
                    break
                # The line end behind a chunk is counted with it.
                self._left = size + 2
            part = data[place : place + self._left]
            self._left -= len(part)
            place += len(part)
            payload.append(part[: len(part) - max(0, 2 - self._left)])
        self._held = data[place:]
        return b"".join(payload)
