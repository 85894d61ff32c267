"""A simulated inference engine: queue, prompt cache, prefill and decode at a model's pace."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from dmr_tui.simulator.connection import (
    ENGINE_JSON,
    EVENTS,
    JSON,
    Connection,
    InferenceRequest,
    reply,
)
from dmr_tui.simulator.engine.engine import Counters, Engine
from dmr_tui.simulator.engine.engine_log import EngineLog
from dmr_tui.simulator.engine.generation import (
    BadRequest,
    Generation,
    Slot,
    read_prompt,
    require_embeddings,
    require_room,
)
from dmr_tui.simulator.engine.simulated_gpu import SimulatedGpu
from dmr_tui.simulator.models.model import Model
from dmr_tui.simulator.output.answer_format import LlamaChat, LlamaText, VllmChat, embeddings
from dmr_tui.simulator.output.script import chat_script, shared_prefix, text_script

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BATCH = 512
_DEPTH_THAT_HALVES = 60_000
"""Tokens of context at which decode has half the speed of an empty one."""
_REPORT_EVERY = 3.0
_WHOLE_PACE = 0.1
_VLLM_SLOTS = 256


class SimulatedEngine(Engine):
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
        super().__init__(log)
        llama = model.backend == "llama.cpp"
        self._counters = Counters()
        self._slots = [Slot(number) for number in range(slots if llama else _VLLM_SLOTS)]
        self._free = anyio.Semaphore(len(self._slots))
        self._model = model
        self._context = context // slots
        """One slot's part, in tokens."""
        self._gpu = gpu
        self._seed = seed
        self._letters = random.Random(f"{seed}{model.digest}{time.time_ns()}")
        self._next_task = 0
        self._json = ENGINE_JSON if llama else JSON
        self._events = EVENTS if llama else f"{EVENTS}; charset=utf-8"

    def count(self) -> Counters:
        self._counters.processing = sum(slot.busy for slot in self._slots)
        self._counters.deferred = self._free.statistics().tasks_waiting
        return self._counters

    def backdate(self, request: InferenceRequest, started: int) -> tuple[bytes, int]:
        """The answer to a request of the past, and when it ended; both in Unix nanoseconds."""
        if request.endpoint == "embeddings":
            return embeddings(self._model, request.fields, self._seed)[0], started
        prompt = read_prompt(request, self._model)
        work = self._start(request, prompt, self._best_slot(prompt), started)
        timings, count = work.timings, len(work.script)
        timings.prompt_ms = round(1000 * timings.prompt_n / self._model.profile.prefill, 3)
        timings.predicted_n = count
        timings.predicted_ms = max(0.001, round(1000 * self._step(work) * (count - 1), 3))
        ended = started + int(1e6 * (timings.prompt_ms + timings.predicted_ms))
        self._release(work, complete=True, at=ended)
        if not request.streams:
            return work.format.whole(timings), ended
        tokens = (work.format.token(place, timings) for place in range(count))
        return b"".join((work.format.opening(), *tokens, work.format.closing(timings))), ended

    async def serve(self, request: InferenceRequest, to: Connection) -> None:
        try:
            if request.endpoint == "embeddings":
                await self._embed(request, to)
            else:
                await self._generate(request, to)
        except BadRequest as refused:
            await reply(to, refused.status, self._json, refused.body)

    async def _embed(self, request: InferenceRequest, to: Connection) -> None:
        require_embeddings(self._model)
        body, count = embeddings(self._model, request.fields, self._seed)
        async with self._slot([]) as slot:
            task = self._new_task()
            self._log_launch(slot, task, 0, count)
            with self._gpu.working("prefill", self):
                await asyncio.sleep(count / self._model.profile.prefill)
            self._counters.prompt_tokens += count
            self._log.released(slot.id, task, count)
        await reply(to, 200, self._json, body)

    async def _generate(self, request: InferenceRequest, to: Connection) -> None:
        prompt = read_prompt(request, self._model)
        async with self._slot(prompt) as slot:
            work = self._start(request, prompt, slot)
            complete = False
            try:
                if request.streams:
                    await to.start(200, self._events)
                await self._prefill(work, to)
                await self._decode(work, to)
                complete = True
                if request.streams:
                    await to.write(work.format.closing(work.timings))
                else:
                    await reply(to, 200, self._json, work.format.whole(work.timings))
            except asyncio.CancelledError:
                self._log.cancelled(work.task)
                raise
            finally:
                self._release(work, complete=complete)

    @asynccontextmanager
    async def _slot(self, prompt: list[str]) -> AsyncIterator[Slot]:
        """Wait for a free slot, first come, first served, and hold it."""
        try:
            await self._free.acquire()
        except asyncio.CancelledError:
            self._log.cancelled(self._new_task())
            raise
        slot = self._best_slot(prompt)
        slot.busy = True
        try:
            yield slot
        finally:
            slot.busy = False
            self._free.release()

    def _best_slot(self, prompt: list[str]) -> Slot:
        """The free slot whose cache helps `prompt` most."""
        free = (slot for slot in self._slots if not slot.busy)
        return max(free, key=lambda slot: shared_prefix(slot.tokens, prompt))

    def _new_task(self, tokens: int = 0) -> int:
        """The number of a task that makes so many tokens."""
        task = self._next_task
        self._next_task += tokens + 1
        return task

    def _start(
        self, request: InferenceRequest, prompt: list[str], slot: Slot, at: int | None = None
    ) -> Generation:
        """Start on `request` in `slot`, with its log lines. Raises BadRequest if it is too long."""
        model, fields = self._model, request.fields
        rng = random.Random(f"{self._seed}{model.digest}{fields.get('seed')}{prompt}")
        room = max(1, self._context - len(prompt))
        chat = request.endpoint == "chat"
        if chat:
            script = chat_script(fields, rng, reasoning=model.reasoning, room=room)
        else:
            script = text_script(fields, rng, room=room)
        task = self._new_task(len(script))
        held = shared_prefix(slot.tokens, prompt)
        self._log_launch(slot, task, held, len(prompt), at)
        try:
            require_room(prompt, self._context)
        except BadRequest as refused:
            text = f"task id = {task}, error: {refused}"
            self._log.line("srv", "send_error", text, level="E", at=at)
            self._log.released(slot.id, task, len(slot.tokens), at)
            self._log.cancelled(task)
            raise
        letters = "".join(self._letters.choices(_LETTERS, k=32))
        created = (time.time_ns() if at is None else at) // 10**9
        kind = VllmChat if model.backend == "vllm" else LlamaChat if chat else LlamaText
        answer = kind(script, fields, model.path, created, letters)
        started = Generation(request, prompt, task, slot, script, answer)
        started.timings.cache_n = self._cached(started, held, at)
        started.timings.prompt_n = len(prompt) - started.timings.cache_n
        return started

    def _log_launch(
        self, slot: Slot, task: int, held: int, size: int, at: int | None = None
    ) -> None:
        """Log that a request of `size` tokens goes into `slot`, whose cache has `held` of them."""
        likeness = held / size if size else 0.0
        if likeness > 0.1:
            kept = f"f_keep = {held / max(1, len(slot.tokens)):.3f}"
            how = f"LCP similarity, f_sim_best = {likeness:.3f} (> 0.100 thold), {kept}"
        else:
            how = f"LRU, t_last = {time.monotonic_ns() // 1000 if slot.tokens else -1}"
        self._log.slot("get_available_slot", slot.id, -1, f"selected slot by {how}", at=at)
        self._log.launched(slot.id, task, at)

    def _cached(self, started: Generation, held: int, at: int | None) -> int:
        if started.request.fields.get("cache_prompt") is False:
            return 0
        total = len(started.prompt)
        if held < total or total == 0:
            return held
        facts = f"(n_past = {total}, task.n_tokens() = {total})"
        text = f"need to evaluate at least 1 token for each active slot {facts}"
        for line in (text, f"n_past was set to {total - 1}"):
            self._log.slot("operator()", started.slot.id, started.task, line, at=at, level="W")
        return total - 1

    async def _prefill(self, work: Generation, to: Connection) -> None:
        loop = asyncio.get_running_loop()
        timings, total = work.timings, len(work.prompt)
        reports = work.request.streams and bool(work.request.fields.get("return_progress"))
        done = timings.cache_n
        timings.prompt_n = 0
        if reports:
            await to.write(work.format.progress(total, done, timings))
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
                    await to.write(work.format.progress(total, done, timings))

    async def _decode(self, work: Generation, to: Connection) -> None:
        loop = asyncio.get_running_loop()
        timings, count, streams = work.timings, len(work.script), work.request.streams
        pace = to.pace if streams else _WHOLE_PACE
        parts = [work.format.opening()]
        first = due = now = reported = loop.time()
        step, reported_n = 0.0, 0
        with self._gpu.working("decode", self):
            while True:
                while timings.predicted_n < count and due <= now:
                    timings.predicted_n += 1
                    timings.predicted_ms = max(0.001, round(1000 * (now - first), 3))
                    if streams:
                        parts.append(work.format.token(timings.predicted_n - 1, timings))
                    step = self._step(work)
                    due += step
                if streams and parts:
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

    def _step(self, work: Generation) -> float:
        """Seconds to the next token: more beside other requests, and with more context."""
        depth = 1 + work.used / _DEPTH_THAT_HALVES
        return depth * self._gpu.slowdown(self) / self._model.profile.decode

    def _release(self, work: Generation, *, complete: bool, at: int | None = None) -> None:
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

    def _log_speed(self, work: Generation, seconds: float, tokens: int) -> None:
        timings = work.timings
        mean = 1000 * (timings.predicted_n - 1) / timings.predicted_ms
        rates = f"tg = {mean:6.2f} t/s, tg_3s = {tokens / seconds:6.2f} t/s"
        text = f"n_gen = {timings.predicted_n:6d}, {rates}"
        self._log.slot("print_timing", work.slot.id, work.task, text)
