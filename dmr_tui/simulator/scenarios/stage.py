"""The access that a scenario's drivers have to the running simulation."""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from dmr_tui.simulator.connection import InferenceRequest
from dmr_tui.simulator.http.faults import Faults
from dmr_tui.simulator.models.model import Model
from dmr_tui.simulator.service.world import World


@dataclass(frozen=True, slots=True)
class Stage:
    """The parts that a driver may touch."""

    world: World
    faults: Faults
    rng: random.Random

    async def send(self, request: InferenceRequest, leave_after: float | None = None) -> None:
        """Send a request and wait for its end, or leave after so many seconds."""
        task = self.world.run_in_background(self.world.answer(request))
        try:
            await asyncio.wait({task}, timeout=leave_after)
        finally:
            task.cancel()
        if task.done() and not task.cancelled():
            # An answer that breaks off is part of the play, and nothing to warn of.
            task.exception()

    async def pause(self, shortest: float, longest: float) -> None:
        """Wait for some seconds between the two."""
        await asyncio.sleep(self.rng.uniform(shortest, longest))


Driver = Callable[[Stage], Coroutine[Any, Any, None]]


def record_answered(
    world: World, model: Model, request: InferenceRequest, at: int | None = None
) -> None:
    """Put a request into the recorder, answered with sixteen tokens at the model's own speed.

    It ends in the instant in which it begins: `at` in Unix nanoseconds, now if left out.
    """
    name = request.fields["model"]
    world.store.note_reference(name, at)
    record = world.recorder.begin(model.digest, name, request, at)
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
