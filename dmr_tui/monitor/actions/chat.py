"""One test prompt: load the model apart, stream the answer, measure it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import anyio
from msgspec.structs import replace

from dmr_tui.measure.meter import Meter, Turn
from dmr_tui.monitor.model_rows import Installed
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.errors.explain import Explanation, explain
from dmr_tui.runner.errors.failures import ReadOnly, Rejected, RunnerError
from dmr_tui.runner.names import canonical, nearest, short
from dmr_tui.runner.wire import Running
from dmr_tui.state.prompt import EXTRAS, Prompt

TEXT_S = 1 / 30
"""Seconds between two pictures of a streaming answer."""
QUIET_S = 0.25
"""Seconds after which a picture is due although nothing came, for the clocks in it."""


_REFUSALS = (
    "timings_per_token",
    "return_progress",
    "extra",
    "unknown",
    "unrecognized",
    "permitted",
)


@dataclass(frozen=True, slots=True)
class Again:
    """A recorded chat, to be sent to a model once more."""

    model: str
    recorded: dict[str, Any]

    def body(self, *, extras: bool = True) -> dict[str, Any]:
        """The recorded JSON; streamed, so that it can be measured."""
        streamed = {"stream": True, "stream_options": {"include_usage": True}}
        return self.recorded | {"model": self.model} | streamed | (EXTRAS if extras else {})


class Ask:
    """One prompt under way; everything but `stop` happens in `run`, on one event loop."""

    def __init__(
        self,
        client: RunnerClient,
        installed: Installed,
        prompt: Prompt | Again,
        publish: Callable[[Turn], None],
    ) -> None:
        """`publish` gets the answer so far up to 30 times a second, and at last as it ended."""
        self._client = client
        self._installed = installed
        self._prompt = prompt
        self._publish = publish
        self._scope = anyio.CancelScope()
        self._meter = Meter(prompt.model, time.perf_counter_ns())
        self._cold: bool | None = None
        self._load_s: float | None = None
        self._failure: Explanation | None = None

    def stop(self) -> None:
        """End it now; the socket is closed, so that the engine stops as well."""
        self._scope.cancel()

    async def run(self) -> Turn:
        """Ask, and return the answer as it ended; a failure is in it, not raised."""
        with self._scope:
            try:
                self._failure = await self._refusal()
                if self._failure is None:
                    await self._load_if_cold()
                    await self._stream()
            except RunnerError as error:
                self._failure = self._explain(error)
        turn = self._turn(ended=True, stopped=self._scope.cancel_called)
        self._publish(turn)
        return turn

    async def _refusal(self) -> Explanation | None:
        if self._client.read_only:
            return self._explain(ReadOnly("read-only mode: nothing is sent to a model"))
        row = self._installed.row(self._prompt.model)
        if row is None or not row.embedding:
            return None
        return Explanation(
            f"{row.name} makes embeddings and cannot chat", "", "Choose a chat model."
        )

    def _explain(self, error: RunnerError) -> Explanation:
        row = self._installed.row(self._prompt.model)
        trained = None if row is None else row.context.trained
        explanation = explain(error, self._prompt.model, trained)
        missing = isinstance(error, Rejected) and error.status == 404
        if missing and self._installed.models:
            names = [row.name for row in self._installed.rows()]
            explanation = replace(explanation, cause=f"Installed: {', '.join(names)[:300]}.")
            if near := nearest(short(self._prompt.model), names):
                return replace(explanation, step=f"Did you mean {near}?")
        return explanation

    async def _load_if_cold(self) -> None:
        try:
            running = await self._client.ps()
        except RunnerError:
            # The request itself will tell what is wrong.
            return
        self._cold = not any(self._is_ready(run) for run in running)
        if not self._cold:
            return
        if self._installed.row(self._prompt.model) is not None:
            self._publish(Turn(self._prompt.model, cold=True, loading_since=time.time()))
        began = time.perf_counter()
        await self._client.preload(self._prompt.model)
        self._load_s = time.perf_counter() - began

    def _is_ready(self, running: Running) -> bool:
        if running.loading or running.mode != "completion":
            return False
        wanted = self._installed.names.digest(self._prompt.model)
        if wanted is not None:
            return self._installed.names.digest(running.model_name) == wanted
        return canonical(running.model_name) == canonical(self._prompt.model)

    async def _stream(self) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(self._tick)
            try:
                await self._read_answer()
            except RunnerError as error:
                self._failure = self._explain(error)
            group.cancel_scope.cancel()

    async def _read_answer(self) -> None:
        try:
            await self._read(self._prompt.body())
        except Rejected as error:
            refused = any(word in error.body.lower() for word in _REFUSALS)
            if error.status not in {400, 422} or not refused or self._meter.started:
                raise
            await self._read(self._prompt.body(extras=False))

    async def _read(self, body: dict[str, Any]) -> None:
        self._meter = Meter(self._prompt.model, time.perf_counter_ns())
        async with self._client.chat(body) as chunks:
            async for at, chunk in chunks:
                self._meter.take(at, chunk)

    async def _tick(self) -> None:
        taken, published = -1, 0.0
        while True:
            now = time.perf_counter()
            if self._meter.chunks != taken or now - published >= QUIET_S:
                taken, published = self._meter.chunks, now
                self._publish(self._turn())
            await anyio.sleep(TEXT_S)

    def _turn(self, *, ended: bool = False, stopped: bool = False) -> Turn:
        return self._meter.turn(
            time.perf_counter_ns(),
            ended=ended,
            cold=self._cold,
            load_s=self._load_s,
            stopped=stopped,
            failure=self._failure,
        )
