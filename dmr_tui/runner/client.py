"""Docker Model Runner over HTTP: one method for each endpoint, each with its own timeout."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Self
from urllib.parse import quote

import anyio
import httpx

from dmr_tui import __version__
from dmr_tui.runner import wire
from dmr_tui.runner.answers import (
    chat_chunks,
    pull_lines,
    raise_for_status,
    read_body,
    record_groups,
)
from dmr_tui.runner.backend import Backend, parse_status
from dmr_tui.runner.decoding import Entries, decode, decode_groups, decode_list
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.errors.failures import ReadOnly, Rejected
from dmr_tui.runner.transport import named_errors, transport

USER_AGENT = f"dmr-tui/{__version__}"
POLL_TIMEOUT = 3.0
"""Seconds for a whole answer to a poll; the runner answers in 0.5 to 2 ms."""
LOG_TIMEOUT = 30.0
"""Seconds for the whole log, which may be large."""
RECORDS_TIMEOUT = 10.0
"""Seconds for the recorder's records, which may be 100 MB."""
LOAD_TIMEOUT = 330.0
"""Seconds for a load; DMR itself gives up after 300."""
CHANGE_TIMEOUT = 30.0
"""Seconds for an unload or a configuration; the runner waits for a lock that a load may hold."""
REGISTRY_TIMEOUT = 20.0
"""Seconds for an answer for which the runner has to ask a registry first."""
A_CENTURY_S = 3.2e9
"""A clock that is further away than this is none."""
CHAT = "/engines/v1/chat/completions"
EMBEDDINGS = "/engines/v1/embeddings"
_PATIENT = httpx.Timeout(POLL_TIMEOUT, read=None)


class ClockOffset:
    """Seconds to add to our time to get the runner's; 0 while that agrees with every answer.

    A Date header is the whole second in which the answer was made, somewhere between sending
    and receiving, so each answer bounds the offset from both sides. Servers may make the header
    only once a second, so it may be one second old.
    """

    def __init__(self) -> None:
        self._low = float("-inf")
        self._high = float("inf")

    def add(self, date: float, sent: float, received: float) -> None:
        """Add one answer: its Date, and the times of sending and arrival, in seconds since 1970."""
        low, high = date - received, date + 2.0 - sent
        if high < self._low or low > self._high:
            # One of the clocks was set, so that the earlier bounds are void.
            self._low, self._high = low, high
        else:
            self._low, self._high = max(self._low, low), min(self._high, high)

    @property
    def seconds(self) -> float:
        """The offset: zero if the bounds allow it, else the middle between them."""
        if self._low <= 0.0 <= self._high:
            return 0.0
        return (self._low + self._high) / 2.0

    @property
    def known(self) -> bool:
        """True once an answer had a Date."""
        return self._high < float("inf")


class RunnerClient:
    """A connection to one endpoint, used on one event loop of asyncio.

    Every failure is a RunnerError. `read_only` refuses every request that changes the runner.
    """

    def __init__(self, endpoint: Endpoint, *, read_only: bool = False) -> None:
        self.endpoint = endpoint
        self.read_only = read_only
        self.clock: ClockOffset = ClockOffset()
        self._http = httpx.AsyncClient(
            base_url=endpoint.url,
            auth=endpoint.credentials,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(POLL_TIMEOUT),
            # Proxy variables and netrc are for the web; the runner is on this computer or near
            # it, and no request may leave for another host.
            trust_env=False,
            follow_redirects=False,
            # A runner sets no cookies; whatever else answers there is told nothing again.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            transport=transport(endpoint),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def banner(self) -> str | None:
        """The text of `GET /`; None on runners that have none (before 2026)."""
        answer = await self._get_if_there("/")
        return None if answer is None else answer[:200].decode("utf-8", "replace").strip()

    async def version(self) -> str | None:
        """The runner's version; None on runners that do not tell it (before March 2026)."""
        answer = await self._get_if_there("/version")
        return None if answer is None else decode(answer, wire.Version).version

    async def status(self) -> tuple[Backend, ...]:
        """Every backend that this runner knows, sorted by name."""
        texts: dict[str, str] = decode(await self._get("/engines/status"), dict[str, str])
        return tuple(parse_status(name, texts[name]) for name in sorted(texts))

    async def ps(self) -> Entries[wire.Running]:
        """The models that are loaded or loading, in no order."""
        return decode_list(await self._get("/engines/ps"), wire.Running)

    async def models(self) -> Entries[wire.Model]:
        """The installed models. Each request writes two lines into the runner's log."""
        return decode_list(await self._get("/models"), wire.Model)

    async def disk_usage(self) -> wire.DiskUsage:
        """Bytes on disk, for which the runner walks its store."""
        return decode(await self._get("/engines/df"), wire.DiskUsage)

    async def configured(self) -> Entries[wire.Configured]:
        """Stored configurations. Raises Rejected, 404, on runners before 2026."""
        answer = await self._get("/engines/_configure")
        return decode_list(answer, wire.Configured)

    async def requests(self, model: str | None = None) -> tuple[Entries[wire.RecordGroup], int]:
        """The last ten records of each loaded model, or of one; and the bytes of the answer.

        Requests in flight are among them.
        """
        path = "/engines/requests"
        if model is not None:
            path += f"?model={quote(model, safe='')}"
        answer = await self._get(path, within=RECORDS_TIMEOUT)
        return decode_groups(answer), len(answer)

    async def preload(self, model: str, *, embedding: bool = False) -> None:
        """Load `model` and return when it is ready.

        Runners before March 2026 ignore the header and answer the message, hence one token.
        """
        body: dict[str, Any] = {"model": model, "input": "."}
        if not embedding:
            messages = [{"role": "user", "content": "."}]
            body = {"model": model, "messages": messages, "max_tokens": 1}
        path, headers = EMBEDDINGS if embedding else CHAT, {"X-Preload-Only": "true"}
        await self._change("POST", path, body, headers, within=LOAD_TIMEOUT)

    async def unload(self, digest: str) -> int:
        """End every idle engine of a model; returns how many, 0 if it is busy or not loaded.

        Without a backend in it, the request is about all backends, and keeps the configuration.
        """
        answer = await self._change("POST", "/engines/unload", {"models": [digest]})
        return decode(answer, wire.Unloaded).unloaded_runners

    async def stored(self) -> Entries[wire.StoredConfig]:
        """Every configuration as it is stored, unknown keys too; none on runners before 2026."""
        answer = await self._get_if_there("/engines/_configure")
        return Entries() if answer is None else decode_list(answer, wire.StoredConfig)

    async def stored_config(self, digest: str, mode: str) -> dict[str, Any]:
        """The stored configuration of a model, unknown keys too; {} if it has none."""
        stored = await self.stored()
        found = (each.config for each in stored if (each.model_id, each.mode) == (digest, mode))
        return next(found, {})

    async def configure(self, model: str, mode: str, config: dict[str, Any]) -> None:
        """Replace the whole configuration of a model; the runner then loads it again by itself.

        Raises Rejected: 409 if the model is busy, 500 for a flag that is not allowed.
        """
        body = {**config, "model": model, "mode": mode}
        await self._change("POST", "/engines/_configure", body)

    async def look_up(self, name: str) -> wire.Model:
        """The model that a registry has under `name`; only its manifest and config are downloaded.

        Raises Rejected: 404 if no registry has it.
        """
        path = f"{_model_path(name)}?remote=true"
        return decode(await self._get(path, within=REGISTRY_TIMEOUT), wire.Model)

    @asynccontextmanager
    async def pull(self, name: str) -> AsyncIterator[AsyncIterator[wire.PullLine]]:
        """Download a model; leaving the context stops it, and keeps what has arrived."""
        with named_errors():
            body, headers = {"from": name}, {"Accept": "application/json"}
            async with self._send("POST", "/models/create", body, headers) as response:
                yield pull_lines(response)

    async def remove(self, ref: str, *, force: bool = False) -> Entries[wire.Removal]:
        """Remove the name `ref` from its model; with its last name the model is deleted.

        Raises Rejected: 404 if there is none, 409 if it has more names and `ref` is its digest.
        """
        path = _model_path(ref) + ("?force=true" if force else "")
        answer = await self._change("DELETE", path)
        return decode_list(answer, wire.Removal)

    async def tag(self, ref: str, repository: str, tag: str) -> None:
        """Give the model `ref` another name."""
        params = f"repo={quote(repository, safe='')}&tag={quote(tag, safe='')}"
        await self._change("POST", f"{_model_path(ref)}/tag?{params}")

    @asynccontextmanager
    async def feed(self) -> AsyncIterator[AsyncIterator[tuple[str, Entries[wire.RecordGroup]]]]:
        """The recorder's events as (event name, groups), first the records that it still holds."""
        with named_errors():
            async with self._follow(
                "/engines/requests", {"include_existing": "true"}, "text/event-stream"
            ) as response:
                yield record_groups(response)

    @asynccontextmanager
    async def log(self) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of the runner's log as it is now, in pieces of no particular length."""
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
            async with self._send("POST", CHAT, body) as response:
                yield chat_chunks(response)

    @asynccontextmanager
    async def _follow(
        self, path: str, params: dict[str, str], accept: str
    ) -> AsyncIterator[httpx.Response]:
        async with AsyncExitStack() as stack:
            # Idle streams send no heartbeat, so only the headers have a timeout.
            with anyio.fail_after(POLL_TIMEOUT):
                response = await stack.enter_async_context(
                    self._http.stream(
                        "GET", path, params=params, headers={"Accept": accept}, timeout=_PATIENT
                    )
                )
                await raise_for_status(response)
            yield response

    async def _change(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        *,
        within: float = CHANGE_TIMEOUT,
    ) -> bytes:
        with named_errors(), anyio.fail_after(within):
            async with self._send(method, path, body, headers) as response:
                return await read_body(response)

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """Send a request that changes the runner, or makes it work; no other method may do so."""
        if self.read_only:
            raise ReadOnly("read-only mode: nothing is sent that changes the runner")
        # No limit between two bytes: a cold load and a long prefill are silent for minutes, and
        # the user can always stop them.
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

    async def _get_if_there(self, path: str) -> bytes | None:
        """The answer; None if the runner is too old to know `path`."""
        try:
            return await self._get(path)
        except Rejected as error:
            if error.status == 404:
                return None
            raise

    def _set_clock(self, response: httpx.Response, sent: float) -> None:
        date = response.headers.get("date")
        if date is None:
            return
        try:
            moment = parsedate_to_datetime(date)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            date_s = moment.timestamp()
        except (ValueError, OverflowError):
            return
        if abs(date_s - sent) < A_CENTURY_S:
            self.clock.add(date_s, sent, time.time())


def _model_path(name: str) -> str:
    return f"/models/{quote(name.strip(), safe='/:@')}"
