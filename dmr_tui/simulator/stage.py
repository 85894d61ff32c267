"""Where a scenario plays: it prepares the world, and then makes calls like anybody else."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from dmr_tui.simulator.engine import SimulatedEngine
from dmr_tui.simulator.exchange import Call
from dmr_tui.simulator.faults import Faults
from dmr_tui.simulator.model import Model
from dmr_tui.simulator.runner import Runner
from dmr_tui.simulator.world import World

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Stage:
    """What a scenario may touch."""

    world: World
    faults: Faults
    rng: random.Random

    async def play(self, call: Call, leave_after: float | None = None) -> int:
        """Make a call and wait for its end, or hang up; its status, 0 without one."""
        task = self.world.run_in_background(self.world.call(call))
        try:
            await asyncio.wait({task}, timeout=leave_after)
        finally:
            task.cancel()
        if not task.done() or task.cancelled() or task.exception() is not None:
            return 0
        status: int = task.result()[0]
        return status

    def record(self, model: Model, call: Call) -> None:
        """A call that ends in the instant in which it began, as far as the recorder is asked."""
        record_call(self.world, model, call, None)

    async def pause(self, shortest: float, longest: float) -> None:
        """Seconds, drawn between the two."""
        await asyncio.sleep(self.rng.uniform(shortest, longest))


def record_call(world: World, model: Model, call: Call, at: int | None) -> None:
    """A call in the recorder, answered with sixteen tokens at the model's own speed."""
    name = json.loads(call.body)["model"]
    record = world.inference.begin(call, model.digest, name, at)
    timings = {
        "cache_n": 0,
        "prompt_n": 128,
        "prompt_ms": 128_000.0 / model.profile.prefill,
        "predicted_n": 17,
        "predicted_ms": 16_000.0 / model.profile.decode,
    }
    answer = {
        "choices": [{"finish_reason": "stop", "message": {"content": "Done."}}],
        "usage": {"prompt_tokens": 128, "completion_tokens": 17},
        "timings": timings,
    }
    world.recorder.finish(model.digest, record, 200, json.dumps(answer).encode())


Driver = Callable[[Stage], Coroutine[Any, Any, None]]


class Past:
    """What has happened before the first second, told in the order of time."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.rng = rng
        self._world = world
        self._now = time.time_ns()
        self._told: list[tuple[int, Callable[[int], None]]] = []
        self._runners: dict[tuple[str, str], Runner] = {}

    def loaded(
        self, ago: float, model: Model, mode: str = "completion", reference: str = ""
    ) -> None:
        """A runner was started so many seconds ago, and nothing has unloaded it since."""

        def tell(at: int) -> None:
            name = reference or model.name
            self._note_load(model, mode, name, at)
            ready = at + int(model.profile.load_seconds * 1e9)
            runner = self._world.loader.place(name, model, mode, at, ready)
            self._runners[model.digest, mode] = runner

        self._at(ago, tell)

    def answered(self, ago: float, model: Model, call: Call, mode: str = "completion") -> None:
        """A call that began so many seconds ago and was answered."""

        def tell(at: int) -> None:
            runner = self._runners[model.digest, mode]
            assert isinstance(runner.engine, SimulatedEngine)
            name = json.loads(call.body)["model"]
            self._note_load(model, mode, name, at)
            record = self._world.inference.begin(call, model.digest, name, at)
            body, ended = runner.engine.backdate(call, at)
            self._world.recorder.finish(model.digest, record, 200, body)
            runner.idle_since = max(runner.idle_since, min(ended, self._now))

        self._at(ago, tell)

    def abandoned(self, ago: float, model: Model, call: Call) -> None:
        """A call whose caller gave up before the answer was there."""

        def tell(at: int) -> None:
            record = self._world.inference.begin(call, model.digest, model.name, at)
            self._world.recorder.finish(model.digest, record, 502, b"")

        self._at(ago, tell)

    def recorded(self, ago: float, model: Model, call: Call) -> None:
        """A call of which only the record matters, not how it was answered."""
        self._at(ago, lambda at: record_call(self._world, model, call, at))

    def tell(self) -> None:
        """Make it so."""
        for at, event in sorted(self._told, key=lambda each: each[0]):
            event(at)

    def _note_load(self, model: Model, mode: str, name: str, at: int) -> None:
        self._world.store.note_reference(name, at)
        facts = {"backend": model.backend, "model": model.digest, "mode": mode}
        self._world.log.info("Loading backend runner", at, **facts)

    def _at(self, ago: float, event: Callable[[int], None]) -> None:
        self._told.append((self._now - int(ago * 1e9), event))
