"""The past of a scenario: loads and requests from before the first second."""

import random
import time
from collections.abc import Callable

from dmr_tui.simulator.connection import InferenceRequest
from dmr_tui.simulator.engine.simulated_engine import SimulatedEngine
from dmr_tui.simulator.models.model import Model
from dmr_tui.simulator.scenarios.sample_requests import Make
from dmr_tui.simulator.scenarios.stage import record_answered
from dmr_tui.simulator.service.runner_process import Key, Runner
from dmr_tui.simulator.service.world import World


class Past:
    """Events that are collected in any order, and happen in the order of time."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.rng = rng
        self._world = world
        self._now = time.time_ns()
        self._events: list[tuple[int, Callable[[int], None]]] = []
        self._runners: dict[Key, Runner] = {}

    def loaded(
        self, ago: float, model: Model, mode: str = "completion", reference: str = ""
    ) -> None:
        """Load a model so many seconds ago; nothing has unloaded it since."""
        name = reference or model.name

        def happen(at: int) -> None:
            key = self._note_load(model, mode, name, at)
            ready = at + int(model.profile.load_seconds * 1e9)
            self._runners[key] = self._world.loader.place(name, model, mode, at, ready)

        self._at(ago, happen)

    def answered(
        self, agos: tuple[float, ...], model: Model, make: Make, mode: str = "completion"
    ) -> None:
        """Answer a request of `make` that began so many seconds ago, for each of `agos`."""
        for ago in agos:
            self._answered(ago, model, make(model, self.rng), mode)

    def _answered(self, ago: float, model: Model, request: InferenceRequest, mode: str) -> None:
        def happen(at: int) -> None:
            name, recorder = request.fields["model"], self._world.recorder
            runner = self._runners[self._note_load(model, mode, name, at)]
            assert isinstance(runner.engine, SimulatedEngine)
            self._world.store.note_reference(name, at)
            record = recorder.begin(model.digest, name, request, at)
            body, ended = runner.engine.backdate(request, at)
            recorder.finish(model.digest, record, 200, body)
            runner.idle_since = max(runner.idle_since, min(ended, self._now))

        self._at(ago, happen)

    def abandoned(self, ago: float, model: Model, request: InferenceRequest) -> None:
        """Record a request whose client gave up before the answer was there."""

        def happen(at: int) -> None:
            self._world.store.note_reference(model.name, at)
            record = self._world.recorder.begin(model.digest, model.name, request, at)
            self._world.recorder.finish(model.digest, record, 502, b"")

        self._at(ago, happen)

    def recorded(self, ago: float, model: Model, request: InferenceRequest) -> None:
        """Record a request of which only the record matters, not how it was answered."""
        self._at(ago, lambda at: record_answered(self._world, model, request, at))

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
