"""A real llama-server in the place of the simulated engine: bytes go through as they come."""

import asyncio
import json
import time
from typing import Any
from urllib.parse import urlsplit

from dmr_tui.simulator.connection import JSON, Connection, InferenceRequest, reply
from dmr_tui.simulator.engine.engine import Engine, EngineDied
from dmr_tui.simulator.engine.engine_log import EngineLog
from dmr_tui.simulator.models.model import Layers, Model, Profile
from dmr_tui.simulator.output.timings import Timings

_READ = 65536
_TAIL = 4096
_LOOK_SECONDS = 5.0


class NoEngine(Exception):
    """There is no llama-server where one was promised; the text says what was tried."""


def model_of_engine(url: str) -> Model:
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
        slots=slots,
        served_as=str(props.get("model_path", "")),
    )


def _get(url: str) -> Any:
    # Only a simulator with a real engine behind it needs a client.
    import httpx

    try:
        with httpx.Client(trust_env=False, verify=False, timeout=_LOOK_SECONDS) as client:
            return client.get(url).raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise NoEngine(f"{url}: {error}; is a llama-server running there?") from error


def _name(alias: str) -> str:
    stem = alias.replace("\\", "/").rpartition("/")[2].removesuffix(".gguf").lower()
    name, colon, tag = stem.partition(":")
    return f"ai/{name or 'model'}:{tag if colon else 'latest'}"


class UpstreamEngine(Engine):
    """Passes requests on; when the client leaves, the connection to the engine is closed."""

    def __init__(self, url: str, log: EngineLog) -> None:
        super().__init__(log)
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._next_task = 0

    async def serve(self, request: InferenceRequest, to: Connection) -> None:
        task, self._next_task = self._next_task, self._next_task + 1
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=_READ)
        except OSError as error:
            raise EngineDied from error
        tail = b""
        try:
            writer.write(_head(request) + request.body)
            tail = await _pass_on(reader, to)
        except asyncio.CancelledError:
            self._log.cancelled(task)
            raise
        except (OSError, EOFError) as error:
            raise EngineDied from error
        finally:
            writer.transport.abort()
            self._log_end(task, tail)

    def _log_end(self, task: int, tail: bytes) -> None:
        if not tail:
            return
        _, found, rest = tail.decode(errors="replace").rpartition('"timings":')
        used, now = 0, time.time_ns()
        if found:
            shown, _ = json.JSONDecoder().raw_decode(rest)
            counted = ("cache_n", "prompt_n", "prompt_ms", "predicted_n", "predicted_ms")
            timings = Timings(**{key: shown[key] for key in counted})
            used = timings.cache_n + timings.prompt_n + timings.predicted_n - 1
            # Only now is it known when the engine began: before that the request may have waited.
            self._log.launched(0, task, now - int((timings.prompt_ms + timings.predicted_ms) * 1e6))
            self._log.timings(0, task, timings, max(0, timings.predicted_n - 1))
        else:
            self._log.launched(0, task, now)
        self._log.released(0, task, used)


def _head(request: InferenceRequest) -> bytes:
    path = request.path
    lines = (
        f"POST {path[path.index('/v1/') :] if '/v1/' in path else path} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        f"Content-Type: {JSON}",
        f"Content-Length: {len(request.body)}",
    )
    return "\r\n".join((*lines, "", "")).encode()


async def _pass_on(reader: asyncio.StreamReader, to: Connection) -> bytes:
    """Copy the answer, and return its last bytes."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split()[1])
    fields = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    kind = headers.get("content-type", JSON)
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
        await reply(to, status, kind, body)
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


class _Chunks:
    """Takes the chunk sizes out of a chunked body, whatever way it is cut.

    h11 makes an event of each chunk, and so of each token: that takes twice the processor time,
    which is the difference between keeping up with a fast engine and slowing it down.
    """

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
