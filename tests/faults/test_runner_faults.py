"""Every way in which a runner can be unkind: said in words, no crash, and over when it ends."""

import os
import threading
from pathlib import Path

import pytest

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.client import POLL_TIMEOUT
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.simulator.http.faults import Fault, Kind
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.state.prompt import Message, Prompt
from dmr_tui.state.snapshot import Snapshot
from tests.monitor.conftest import Watch, Watched
from tests.waiting import until_true

QWEN, COLD = "ai/qwen3:8B-Q4_K_M", "ai/phi4:14B-Q4_K_M"
KINDS: tuple[Kind, ...] = (
    "refuse",
    "hang",
    "status",
    "html",
    "garbage",
    "wrong types",
    "half",
    "reset",
)


def well(snapshot: Snapshot) -> bool:
    """Whether everything that a runner tells is there and fresh."""
    return bool(
        snapshot.runner.up
        and snapshot.models
        and not any(source.health == "stale" for source in snapshot.sources)
    )


def ill(snapshot: Snapshot) -> bool:
    """Whether something is said to be wrong, with a reason."""
    stale = any(source.health == "stale" and source.reason for source in snapshot.sources)
    return stale or snapshot.runner.up is False


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_said_and_gets_better(watch: Watch, kind: Kind) -> None:
    simulator = Simulator("quiet")
    here = watch(simulator)
    here.until(well)
    names = [row.name for row in here.now.models]
    simulator.faults.add(Fault(kind))
    if kind == "refuse":
        # Only those that come anew are refused.
        simulator.stop_listening()
        simulator.listen_again()
    here.until(ill)
    assert [row.name for row in here.now.models] == names, "what was known stays"
    simulator.faults.clear()
    here.monitor.kick()  # Disk and models are otherwise asked again only after a minute or two.
    here.until(well)


def test_slow_headers_are_waited_for_and_shown(watch: Watch) -> None:
    simulator = Simulator("quiet")
    here = watch(simulator)
    here.until(well)
    simulator.faults.add(Fault("slow", seconds=0.7))
    here.until(lambda snapshot: (snapshot.runner.latency_ms or 0) >= 700)
    assert well(here.now), "slow is not gone"
    simulator.faults.clear()
    here.until(lambda snapshot: well(snapshot) and (snapshot.runner.latency_ms or 700) < 700)


def test_headers_that_never_come_in_time_are_said(watch: Watch) -> None:
    simulator = Simulator("quiet")
    here = watch(simulator)
    here.until(well)
    simulator.faults.add(Fault("slow", seconds=30.0))
    here.until(ill)
    assert here.now.models
    simulator.faults.clear()
    here.monitor.kick()  # Disk and models are otherwise asked again only after a minute or two.
    here.until(well)


def test_an_outage_of_a_runner_that_hangs_counts_from_its_last_answer(watch: Watch) -> None:
    simulator = Simulator("quiet")
    here = watch(simulator)
    here.until(well)
    simulator.faults.add(Fault("hang"))
    gone = here.until(lambda snapshot: snapshot.runner.down_since is not None)
    since = gone.runner.down_since
    assert since is not None
    # It is only noticed when a request that was sent after that answer has timed out.
    assert gone.taken_at - since >= POLL_TIMEOUT
    ages = [source.good_at for source in gone.sources if source.health == "stale"]
    assert ages, "what hangs is stale"
    assert all(at is not None and at <= since for at in ages)
    here.until(lambda snapshot: any(event.kind == "runner lost" for event in snapshot.events))
    lost = next(event for event in here.now.events if event.kind == "runner lost")
    assert lost.at == pytest.approx(since + gone.clock_offset, abs=0.01)
    simulator.faults.clear()
    here.monitor.kick()
    here.until(lambda snapshot: any(event.kind == "runner back" for event in snapshot.events))
    back = next(event for event in here.now.events if event.kind == "runner back")
    assert back.seconds == pytest.approx(back.at - lost.at, abs=0.5)
    assert back.seconds > POLL_TIMEOUT


class PromptUnderWay:
    """A prompt, and how the answer came."""

    def __init__(self, here: Watched, model: str) -> None:
        self.turn = Turn(model)
        self._ended = threading.Event()
        here.monitor.ask(Prompt(model, (Message("user", "hello"),)), self._take)

    def _take(self, turn: Turn) -> None:
        self.turn = turn
        if turn.ended:
            self._ended.set()

    @property
    def end(self) -> Turn:
        """How it ended."""
        assert self._ended.wait(30), self.turn
        return self.turn


@pytest.mark.parametrize("phase", ["loading", "decoding", "after the end"])
def test_a_restart_in_the_middle_of_a_chat(watch: Watch, phase: str) -> None:
    simulator = Simulator("quiet")
    here = watch(simulator)
    here.until(well)
    asked = PromptUnderWay(here, COLD if phase == "loading" else QWEN)
    if phase == "loading":
        until_true(lambda: asked.turn.loading_since is not None)
    elif phase == "decoding":
        until_true(lambda: asked.turn.text or asked.turn.reasoning)
    else:
        assert asked.end.failure is None
    simulator.restart()
    end = asked.end
    # On a slow machine the load may be over before this sees it: the answer is whole then, and
    # has the engine's own timings, which come with its last piece.
    whole = phase == "loading" and end.decode is not None and end.decode.source == "server"
    if phase != "after the end" and not whole:
        assert end.failure is not None, "half an answer is none"
        assert end.failure.what
    here.until(well)
    assert PromptUnderWay(here, QWEN).end.failure is None


def test_a_thousand_restarts(watch: Watch) -> None:
    simulator = Simulator("quiet")
    here = watch(simulator)
    here.until(well)
    threads = threading.active_count()
    for _ in range(1000):
        simulator.restart()
    here.until(well)
    assert PromptUnderWay(here, QWEN).end.failure is None
    assert threading.active_count() <= threads + 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="unix sockets")
def test_a_socket_that_vanishes_and_comes_again(tmp_path: Path) -> None:
    path = tmp_path / "runner.sock"
    simulator = Simulator("quiet")
    with serve(simulator, uds=str(path)):
        monitor = Monitor(
            (parse_host(str(path), "--host"),), SimulatedMachine(simulator), interval=0.25
        )
        seen = Watched(monitor, simulator)
        monitor.start(seen.snapshots.append, seen.errors.append)
        try:
            seen.until(well)
            simulator.stop_listening()
            path.unlink()
            seen.until(lambda s: s.runner.up is False and "no such socket" in s.runner.down_reason)
            simulator.listen_again()
            seen.until(well)
        finally:
            monitor.stop()
    assert seen.errors == []
