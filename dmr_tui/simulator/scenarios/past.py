"""The past of a scenario: loads and requests from before the first second."""

import json
import random
import time
from collections.abc import Callable
from functools import partial

from dmr_tui.simulator.connection import InferenceRequest
from dmr_tui.simulator.engine.simulated_engine import SimulatedEngine
from dmr_tui.simulator.models.model import Model
from dmr_tui.simulator.scenarios.sample_requests import Make
from dmr_tui.simulator.service.runner_process import Key
from dmr_tui.simulator.service.world import World


class Past:
    """Events that are collected in any order, and happen in the order of time."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.rng = rng
        self._world = world
        self._now = time.time_ns()
        self._events: list[tuple[int, Callable[[int], None]]] = []

    def loaded(
        self, ago: float, model: Model, mode: str = "completion", reference: str = ""
    ) -> None:
        """Load a model so many seconds ago; nothing has unloaded it since."""
        name = reference or model.name

        def happen(at: int) -> None:
            self._note_load(model, mode, name, at)
            ready = at + int(model.profile.load_seconds * 1e9)
            self._world.loader.place(name, model, mode, at, ready)

        self._at(ago, happen)

    def answered(
        self, agos: tuple[float, ...], model: Model, make: Make, mode: str = "completion"
    ) -> None:
        """Answer a request of `make` that began so many seconds ago, for each of `agos`."""
        for ago in agos:
            self._at(ago, partial(self._answer, model, make(model.name, self.rng), mode))

    def _answer(self, model: Model, request: InferenceRequest, mode: str, at: int) -> None:
        name, recorder = request.fields["model"], self._world.recorder
        runner = self._world.loader.runners[self._note_load(model, mode, name, at)]
        assert isinstance(runner.engine, SimulatedEngine)
        self._world.store.note_reference(name, at)
        begun = recorder.begin(model.digest, name, request, at)
        body, ended = runner.engine.backdate(request, at)
        recorder.finish(model.digest, begun, 200, body)
        runner.idle_since = max(runner.idle_since, min(ended, self._now))

    def recorded(
        self, ago: float, model: Model, request: InferenceRequest, *, answered: bool = True
    ) -> None:
        """Record a request of which only the record matters, not how it was answered."""
        self._at(ago, lambda at: record(self._world, model, request, at, answered=answered))

    def happen(self) -> None:
        """Make it all happen."""
        for at, event in sorted(self._events, key=lambda each: each[0]):
            event(at)

    def _note_load(self, model: Model, mode: str, name: str, at: int) -> Key:
        key = Key(model.backend, model.digest, mode)
        self._world.store.note_reference(name, at)
        self._world.log.info("Loading backend runner", at, **key.facts())
        return key

    def _at(self, ago: float, event: Callable[[int], None]) -> None:
        self._events.append((self._now - int(ago * 1e9), event))


def record(
    world: World,
    model: Model,
    request: InferenceRequest,
    at: int | None = None,
    *,
    answered: bool = True,
) -> None:
    """Put a request into the recorder, answered with sixteen tokens at the model's own speed.

    It ends in the instant in which it begins: `at` in Unix nanoseconds, now if left out. The
    client of one that is not `answered` gave up before the answer was there.
    """
    name = request.fields["model"]
    world.store.note_reference(name, at)
    begun = world.recorder.begin(model.digest, name, request, at)
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
    status, body = (200, json.dumps(answer).encode()) if answered else (502, b"")
    world.recorder.finish(model.digest, begun, status, body)
