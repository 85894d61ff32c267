"""A monitor beside a simulated runner."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.machine.probe import MachineProbe, Part
from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.state.prompt import Prompt
from dmr_tui.state.snapshot import Snapshot
from tests.waiting import until_true


class Watched:
    """A running monitor, and what it has said."""

    def __init__(self, monitor: Monitor, simulator: Simulator) -> None:
        self.monitor = monitor
        self.simulator = simulator
        self.snapshots: list[Snapshot] = []
        self.errors: list[BaseException] = []

    @property
    def now(self) -> Snapshot:
        """The newest Snapshot."""
        return self.snapshots[-1] if self.snapshots else Snapshot()

    def until(self, fact: Callable[[Snapshot], object], what: str = "") -> Snapshot:
        """The first Snapshot from now on of which `fact` is true."""
        until_true(lambda: self.errors or (self.snapshots and fact(self.now)), what)
        assert not self.errors, self.errors
        return self.now

    def ask(self, prompt: Prompt) -> "PromptUnderWay":
        """Send a prompt."""
        return PromptUnderWay(self.monitor, prompt)


class PromptUnderWay:
    """A prompt under way, and the pictures of its answer."""

    def __init__(self, monitor: Monitor, prompt: Prompt) -> None:
        self.turns: list[Turn] = []
        self._ended = threading.Event()
        self.stop = monitor.ask(prompt, self._take)

    def _take(self, turn: Turn) -> None:
        self.turns.append(turn)
        if turn.ended:
            self._ended.set()

    def until(self, fact: Callable[[Turn], object]) -> Turn:
        """The first picture of which `fact` is true."""
        until_true(lambda: any(fact(turn) for turn in self.turns))
        return next(turn for turn in self.turns if fact(turn))

    @property
    def end(self) -> Turn:
        """The answer as it ended."""
        assert self._ended.wait(20), self.turns[-1:]
        return self.turns[-1]


Watch = Callable[..., Watched]


class NoMachine:
    """A probe that is not looked at again: it tells for ever what it told first."""

    def __init__(self, probe: MachineProbe) -> None:
        self._parts = tuple(_still(part) for part in probe.parts)

    @property
    def parts(self) -> Sequence[Part]:
        return self._parts

    def close(self) -> None:
        return None


def _still(part: Part) -> Part:
    value = part.read()
    return replace(part, read=lambda: value)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Starts a simulated runner and a monitor beside it."""
    with ExitStack() as stack:

        def start(simulator: Simulator | str = "quiet", **options: object) -> Watched:
            if isinstance(simulator, str):
                simulator = Simulator(simulator)
            return stack.enter_context(watched(simulator, **options))

        yield start


@contextmanager
def watched(
    simulator: Simulator, *, interval: float = 0.25, read_only: bool = False
) -> Iterator[Watched]:
    """A monitor beside `simulator`, for as long as the block lasts."""
    with serve(simulator) as url:
        endpoint = parse_host(url, "--host")
        probe = NoMachine(SimulatedMachine(simulator))
        monitor = Monitor((endpoint,), probe, interval=interval, read_only=read_only)
        seen = Watched(monitor, simulator)
        monitor.start(seen.snapshots.append, seen.errors.append)
        try:
            yield seen
        finally:
            monitor.stop()
            assert not seen.errors, seen.errors
