"""A simulated inference engine: queue, prompt cache, prefill and decode at a model's pace."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from dmr_tui.simulator.counters import Counters
from dmr_tui.simulator.embedding import embeddings
from dmr_tui.simulator.engine_log import EngineLog
from dmr_tui.simulator.exchange import ENGINE_JSON, EVENTS, JSON, Call, Connection, reply
from dmr_tui.simulator.gpu import SimulatedGpu
from dmr_tui.simulator.intake import BadRequest, endpoint, read_prompt, wants_vectors
from dmr_tui.simulator.model import Model
from dmr_tui.simulator.slots import Slot, Slots
from dmr_tui.simulator.work import Desk, Work

_BATCH = 512
_DEPTH_THAT_HALVES = 60_000
_REPORT_EVERY = 3.0
_WHOLE_PACE = 0.1
_VLLM_SLOTS = 256


class EngineDied(Exception):
    """The engine process has ended before the answer was complete."""


class Engine(Protocol):
    """What a runner asks of an engine, simulated or real."""

    async def answer(self, call: Call, to: Connection) -> None:
        """Answer `call`; raises EngineDied. Cancelling it is the caller's hanging up."""
        ...

    def die(self) -> None:
        """End at once, in the middle of whatever it does."""
        ...

    def count(self) -> Counters | None:
        """What it has counted; None if it does not tell."""
        ...


class SimulatedEngine:
    """llama.cpp or vLLM serving one model; the same seed and prompt give the same answer."""

    def __init__(
        self,
        model: Model,
        *,
        context: int,
        slots: int,
        log: EngineLog,
        gpu: SimulatedGpu,
        seed: int,
    ) -> None:
        self._counters = Counters()
        self._slots = Slots(slots if model.backend == "llama.cpp" else _VLLM_SLOTS)
        self._model = model
        self._desk = Desk(model, context // slots, log, seed)
        self._log = log
        self._gpu = gpu
        self._seed = seed
        llama = model.backend == "llama.cpp"
        self._json = ENGINE_JSON if llama else JSON
        self._events = EVENTS if llama else f"{EVENTS}; charset=utf-8"
        self._under_way: set[asyncio.Task[None]] = set()

    def count(self) -> Counters:
        self._counters.processing = self._slots.working
        self._counters.deferred = self._slots.waiting
        return self._counters

    def die(self) -> None:
        self._log.close()
        for task in self._under_way:
            task.cancel()

    async def answer(self, call: Call, to: Connection) -> None:
        work = asyncio.create_task(self._serve(call, to))
        self._under_way.add(work)
        try:
            await asyncio.wait({work})
        finally:
            self._under_way.discard(work)
            work.cancel()
        if work.cancelled():
            raise EngineDied
        work.result()

    def backdate(self, call: Call, started: int) -> tuple[bytes, int]:
        """The answer to a call of the past, and when it ended; both in Unix nanoseconds."""
        request = json.loads(call.body)
        if endpoint(call) == "embeddings":
            return embeddings(self._model, request, self._seed), started
        prompt = read_prompt(call, request, self._model)
        slot = self._slots.take(prompt)
        assert slot is not None, "the past is made before the present"
        with self._turn(slot):
            work = self._desk.begin(call, request, prompt, slot, started)
        timings, count = work.timings, len(work.script)
        timings.prompt_ms = round(1000 * timings.prompt_n / self._model.profile.prefill, 3)
        timings.predicted_n = count
        timings.predicted_ms = max(0.001, round(1000 * self._step(work) * (count - 1), 3))
        ended = started + int(1e6 * (timings.prompt_ms + timings.predicted_ms))
        self._release(work, complete=True, at=ended)
        if not work.streams:
            return work.wire.whole(timings), ended
        tokens = (work.wire.token(place, timings) for place in range(count))
        return b"".join((work.wire.opening(), *tokens, work.wire.closing(timings))), ended

    async def _serve(self, call: Call, to: Connection) -> None:
        try:
            request = json.loads(call.body)
            if endpoint(call) == "embeddings":
                await self._embed(request, to)
            else:
                await self._generate(call, request, to)
        except BadRequest as refused:
            await reply(to, refused.status, self._json, refused.body)

    async def _embed(self, request: dict[str, Any], to: Connection) -> None:
        wants_vectors(self._model)
        body = embeddings(self._model, request, self._seed)
        count = json.loads(body)["usage"]["prompt_tokens"]
        with self._turn(await self._slot([])) as slot, self._gpu.working("prefill", self):
            task = self._desk.new_task()
            self._desk.log_launch(slot, task, 0, count)
            await asyncio.sleep(count / self._model.profile.prefill)
            self._counters.prompt_tokens += count
            self._log.released(slot.id, task, count)
        await reply(to, 200, self._json, body)

    async def _generate(self, call: Call, request: dict[str, Any], to: Connection) -> None:
        prompt = read_prompt(call, request, self._model)
        with self._turn(await self._slot(prompt)) as slot:
            work = self._desk.begin(call, request, prompt, slot)
            complete = False
            try:
                if work.streams:
                    await to.start(200, self._events)
                await self._prefill(work, to)
                await self._decode(work, to)
                complete = True
                if work.streams:
                    await to.write(work.wire.closing(work.timings))
                else:
                    await reply(to, 200, self._json, work.wire.whole(work.timings))
            except asyncio.CancelledError:
                self._log.left(work.task)
                raise
            finally:
                self._release(work, complete=complete)

    async def _slot(self, prompt: list[str]) -> Slot:
        try:
            return await self._slots.wait(prompt)
        except asyncio.CancelledError:
            self._log.left(self._desk.new_task())
            raise

    @contextmanager
    def _turn(self, slot: Slot) -> Iterator[Slot]:
        try:
            yield slot
        finally:
            self._slots.free(slot)

    async def _prefill(self, work: Work, to: Connection) -> None:
        loop = asyncio.get_running_loop()
        timings, total = work.timings, len(work.prompt)
        reports = work.streams and bool(work.request.get("return_progress"))
        done = timings.cache_n
        timings.prompt_n = 0
        if reports:
            await to.write(work.wire.progress(total, done, timings))
        started = due = loop.time()
        with self._gpu.working("prefill", self):
            while done < total:
                batch = min(_BATCH, total - done)
                due += batch * self._gpu.slowdown(self) / self._model.profile.prefill
                await asyncio.sleep(due - loop.time())
                done += batch
                timings.prompt_n += batch
                timings.prompt_ms = round(1000 * (loop.time() - started), 3)
                if reports:
                    await to.write(work.wire.progress(total, done, timings))

    async def _decode(self, work: Work, to: Connection) -> None:
        loop = asyncio.get_running_loop()
        timings, count = work.timings, len(work.script)
        pace = to.pace if work.streams else _WHOLE_PACE
        parts = [work.wire.opening()]
        first = due = now = reported = loop.time()
        step, reported_n = 0.0, 0
        with self._gpu.working("decode", self):
            while True:
                while timings.predicted_n < count and due <= now:
                    timings.predicted_n += 1
                    timings.predicted_ms = max(0.001, round(1000 * (now - first), 3))
                    if work.streams:
                        parts.append(work.wire.token(timings.predicted_n - 1, timings))
                    step = self._step(work)
                    due += step
                if work.streams and parts:
                    await to.write(b"".join(parts))
                    parts.clear()
                if timings.predicted_n >= count:
                    return
                if now - reported >= _REPORT_EVERY:
                    self._log_speed(work, now - reported, timings.predicted_n - reported_n)
                    reported, reported_n = now, timings.predicted_n
                # The schedule is absolute, so that a late wake-up is made up for by the next.
                last = due + step * (count - timings.predicted_n - 1)
                await asyncio.sleep(max(due, min(now + pace, last)) - loop.time())
                now = loop.time()

    def _step(self, work: Work) -> float:
        """Seconds to the next token: more with company, and with every token of context."""
        depth = 1 + work.used / _DEPTH_THAT_HALVES
        return depth * self._gpu.slowdown(self) / self._model.profile.decode

    def _release(self, work: Work, *, complete: bool, at: int | None = None) -> None:
        timings, slot, counters = work.timings, work.slot, self._counters
        slot.tokens = work.tokens
        slot.graphs += max(0, timings.predicted_n - 1)
        counters.prompt_tokens += timings.prompt_n
        counters.prompt_seconds += timings.prompt_ms / 1000
        counters.predicted_tokens += timings.predicted_n
        counters.predicted_seconds += timings.predicted_ms / 1000
        counters.longest = max(counters.longest, work.used)
        if complete:
            self._log.timings(slot.id, work.task, timings, slot.graphs, at)
        self._log.released(slot.id, work.task, work.used, at)

    def _log_speed(self, work: Work, seconds: float, tokens: int) -> None:
        timings = work.timings
        mean = 1000 * (timings.predicted_n - 1) / timings.predicted_ms
        rates = f"tg = {mean:6.2f} t/s, tg_3s = {tokens / seconds:6.2f} t/s"
        text = f"n_gen = {timings.predicted_n:6d}, {rates}"
        self._log.slot("print_timing", work.slot.id, work.task, text)
