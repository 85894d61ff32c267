"""Docker Model Runner over HTTP: one method for each call, each with a time limit of its own."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import anyio
import httpx

from dmr_tui import __version__
from dmr_tui.runner import wire
from dmr_tui.runner.answers import (
    chat_chunks,
    decode,
    pull_lines,
    raise_for_status,
    read_body,
    record_groups,
)
from dmr_tui.runner.backend import Backend, parse_status
from dmr_tui.runner.clock import ClockOffset
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.errors.failures import ReadOnly, Rejected
from dmr_tui.runner.transport import named_errors, transport

USER_AGENT = f"dmr-tui/{__version__}"
POLL_TIMEOUT = 3.0
"""Seconds for a whole answer to a poll; the runner answers in 0.5 to 2 ms."""
LOG_TIMEOUT = 30.0
"""Seconds for the whole log, which may be large."""
LOAD_TIMEOUT = 330.0
"""Seconds for a load; DMR itself gives up after 300."""
CHANGE_TIMEOUT = 30.0
"""Seconds for an unload or a configuration; the runner waits for a lock that a load may hold."""
REGISTRY_TIMEOUT = 20.0
"""Seconds for what the runner has to ask a registry for first."""
CHAT = "/engines/v1/chat/completions"
EMBEDDINGS = "/engines/v1/embeddings"
_PATIENT = httpx.Timeout(POLL_TIMEOUT, read=None)


class RunnerClient:
    """Speaks to one endpoint; used on one event loop; every failure is a RunnerError."""

    def __init__(self, endpoint: Endpoint, *, read_only: bool = False) -> None:
        self.endpoint = endpoint
        self.read_only = read_only
        self.clock = ClockOffset()
        self._http = httpx.AsyncClient(
            base_url=endpoint.url,
            auth=endpoint.credentials,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(POLL_TIMEOUT),
            # Proxy variables and netrc are for the web; the runner is a neighbour, and no
            # request may leave for another host.
            trust_env=False,
            follow_redirects=False,
            transport=transport(endpoint),
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def banner(self) -> str | None:
        """The text of `GET /`; None on runners that had none (before 2026)."""
        try:
            return (await self._get("/"))[:200].decode("utf-8", "replace").strip()
        except Rejected as error:
            if error.status == 404:
                return None
            raise

    async def version(self) -> str | None:
        """The runner's version; None on runners that do not say it (before March 2026)."""
        try:
            return decode(await self._get("/version"), wire.Version).version
        except Rejected as error:
            if error.status == 404:
                return None
            raise

    async def status(self) -> tuple[Backend, ...]:
        """Every backend that this runner knows, by name."""
        texts: dict[str, str] = decode(await self._get("/engines/status"), dict[str, str])
        return tuple(parse_status(name, texts[name]) for name in sorted(texts))

    async def ps(self) -> list[wire.Running]:
        """The runners that are loaded or loading, in no order."""
        return decode(await self._get("/engines/ps"), list[wire.Running] | None) or []

    async def models(self) -> list[wire.Model]:
        """The installed models. Each call writes two lines into the runner's log."""
        return decode(await self._get("/models"), list[wire.Model] | None) or []

    async def disk_usage(self) -> wire.DiskUsage:
        """Bytes on disk; the runner walks its store for it."""
        return decode(await self._get("/engines/df"), wire.DiskUsage)

    async def configured(self) -> list[wire.Configured]:
        """Stored runner configs. Raises Rejected, 404, where the runner is of before 2026."""
        answer = await self._get("/engines/_configure")
        return decode(answer, list[wire.Configured] | None) or []

    async def requests(self, model: str | None = None) -> tuple[list[wire.RecordGroup], int]:
        """The last ten calls of each loaded model, or of one; those in flight too; bytes read."""
        path = "/engines/requests"
        if model is not None:
            path += f"?model={quote(model, safe='')}"
        answer = await self._get(path, within=10.0)
        return decode(answer, list[wire.RecordGroup] | None) or [], len(answer)

    async def preload(self, model: str, *, embedding: bool = False) -> None:
        """Load `model` and return when it is ready.

        Runners before March 2026 ignore the header and answer the message, hence one token.
        """
        body: dict[str, Any] = {"model": model, "input": "."}
        if not embedding:
            messages = [{"role": "user", "content": "."}]
            body = {"model": model, "messages": messages, "max_tokens": 1}
        path = EMBEDDINGS if embedding else CHAT
        with named_errors(), anyio.fail_after(LOAD_TIMEOUT):
            async with self._post(path, body, {"X-Preload-Only": "true"}) as response:
                await read_body(response)

    async def unload(self, digest: str) -> int:
        """End every idle engine of that model; how many ended, 0 if it is busy or not loaded.

        Without a backend the runner ends those of all, and keeps what is configured for them.
        """
        with named_errors(), anyio.fail_after(CHANGE_TIMEOUT):
            async with self._post("/engines/unload", {"models": [digest]}, {}) as response:
                answer = await read_body(response)
        return decode(answer, wire.Unloaded).unloaded_runners

    async def stored(self) -> list[wire.StoredConfig]:
        """Every configuration as it is stored, unknown keys too; none on runners before 2026."""
        try:
            answer = await self._get("/engines/_configure")
        except Rejected as error:
            if error.status == 404:
                return []
            raise
        return decode(answer, list[wire.StoredConfig] | None) or []

    async def stored_config(self, digest: str, mode: str) -> dict[str, Any]:
        """The whole configuration of a model as it is stored, unknown keys too; {} if none is."""
        stored = await self.stored()
        found = (each.config for each in stored if (each.model_id, each.mode) == (digest, mode))
        return next(found, {})

    async def configure(self, model: str, mode: str, config: dict[str, Any]) -> None:
        """Replace the whole configuration of a model; the runner then loads it anew by itself.

        Raises Rejected: 409 if the model is busy, 500 for a flag that is not allowed.
        """
        body = {**config, "model": model, "mode": mode}
        with named_errors(), anyio.fail_after(CHANGE_TIMEOUT):
            async with self._post("/engines/_configure", body, {}) as response:
                await read_body(response)

    async def look_up(self, name: str) -> wire.Model:
        """The model that a registry has under `name`; nothing of it is downloaded but its label.

        Raises Rejected: 404 if no registry has it.
        """
        path = f"{_model_path(name)}?remote=true"
        return decode(await self._get(path, within=REGISTRY_TIMEOUT), wire.Model)

    @asynccontextmanager
    async def pull(self, name: str) -> AsyncIterator[AsyncIterator[wire.PullLine]]:
        """Download a model; leaving the context ends that, and what has come is kept."""
        with named_errors():
            body, headers = {"from": name}, {"Accept": "application/json"}
            async with self._post("/models/create", body, headers) as response:
                yield pull_lines(response)

    async def remove(self, ref: str, *, force: bool = False) -> list[wire.Removal]:
        """Take the name `ref` from its model, and with the last one delete the model.

        Raises Rejected: 404 if there is none, 409 if it has more names and `ref` is its digest.
        """
        path = _model_path(ref) + ("?force=true" if force else "")
        with named_errors(), anyio.fail_after(CHANGE_TIMEOUT):
            async with self._send("DELETE", path) as response:
                answer = await read_body(response)
        return decode(answer, list[wire.Removal] | None) or []

    async def tag(self, ref: str, repository: str, tag: str) -> None:
        """Give the model `ref` another name."""
        params = f"repo={quote(repository, safe='')}&tag={quote(tag, safe='')}"
        with named_errors(), anyio.fail_after(CHANGE_TIMEOUT):
            async with self._send("POST", f"{_model_path(ref)}/tag?{params}") as response:
                await read_body(response)

    @asynccontextmanager
    async def feed(self) -> AsyncIterator[AsyncIterator[tuple[str, list[wire.RecordGroup]]]]:
        """The recorder's events as (event name, groups), the calls it still holds first."""
        with named_errors():
            async with self._follow(
                "/engines/requests", {"include_existing": "true"}, "text/event-stream"
            ) as response:
                yield record_groups(response)

    @asynccontextmanager
    async def log(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of the runner's log that are there now, in pieces that mean nothing."""
        with named_errors(), anyio.fail_after(LOG_TIMEOUT):
            async with self._follow("/logs", {}, "text/plain") as response:
                yield response.aiter_bytes()

    @asynccontextmanager
    async def chat(
        self, body: dict[str, Any]
    ) -> AsyncIterator[AsyncIterator[tuple[int, wire.Chunk]]]:
        """The chunks of a streamed chat completion, each with its arrival (perf_counter_ns).

        Leaving the context closes the socket, which makes the engine stop.
        """
        with named_errors():
            async with self._post(CHAT, body, {}) as response:
                yield chat_chunks(response)

    @asynccontextmanager
    async def _follow(
        self, path: str, params: dict[str, str], accept: str
    ) -> AsyncIterator[httpx.Response]:
        async with AsyncExitStack() as stack:
            # Idle streams send no heartbeat, so only the headers have a time limit.
            with anyio.fail_after(POLL_TIMEOUT):
                response = await stack.enter_async_context(
                    self._http.stream(
                        "GET", path, params=params, headers={"Accept": accept}, timeout=_PATIENT
                    )
                )
                await raise_for_status(response)
            yield response

    @asynccontextmanager
    async def _post(
        self, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> AsyncIterator[httpx.Response]:
        async with self._send("POST", path, body, headers) as response:
            yield response

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """The only way to everything that changes the runner."""
        if self.read_only:
            raise ReadOnly("read-only mode: nothing is sent that changes the runner")
        # No limit between two bytes: a cold load and a long prefill are silent for minutes, and
        # a person can always stop them.
        async with self._http.stream(
            method, path, json=body, headers=headers, timeout=_PATIENT
        ) as response:
            await raise_for_status(response)
            yield response

    async def _get(self, path: str, *, within: float = POLL_TIMEOUT) -> bytes:
        # httpx limits the silence between two bytes; a server that drips needs a limit on the
        # whole answer.
        with named_errors(), anyio.fail_after(within):
            sent = time.time()
            async with self._http.stream("GET", path) as response:
                await raise_for_status(response)
                body = await read_body(response)
            self._set_clock(response, sent)
            return body

    def _set_clock(self, response: httpx.Response, sent: float) -> None:
        date = response.headers.get("date")
        if date is None:
            return
        try:
            moment = parsedate_to_datetime(date)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            told = moment.timestamp()
        except (ValueError, OverflowError):
            return
        self.clock.heard(told, sent, time.time())


def _model_path(name: str) -> str:
    return f"/models/{quote(name.strip(), safe='/:@')}"
