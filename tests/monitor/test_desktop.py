"""Through Docker Desktop's socket and prefix: everything that a runner at an address can do."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.discovery.places import DockerSocket, Places
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.state.prompt import Message, Prompt
from tests.engine_stand_in import DESKTOP, docker_engine
from tests.monitor.conftest import Watched
from tests.waiting import until_true

QWEN = "ai/qwen3:8B-Q4_K_M"
NOWHERE = Endpoint("http://localhost:9", "default")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Watched]:
    """A monitor that finds a simulated runner behind Docker Desktop's socket, its TCP port off."""
    simulator = Simulator("quiet")
    path = tmp_path / "docker.sock"
    with ExitStack() as stack:
        url = stack.enter_context(serve(simulator))
        stack.enter_context(docker_engine(path, system=DESKTOP, runner=url))
        places = Places((NOWHERE,), (DockerSocket(str(path), "Docker's usual socket"),))
        monitor = Monitor(places, SimulatedMachine(simulator), interval=0.25)
        seen = Watched(monitor, simulator)
        monitor.start(seen.snapshots.append, seen.errors.append)
        stack.callback(monitor.stop)
        seen.until(lambda s: s.runner.up and s.models)
        yield seen
    assert seen.errors == []


def ask(here: Watched, turns: list[Turn]) -> Callable[[], None]:
    """Ask; what comes goes into `turns`. Answers what stops it."""
    return here.monitor.ask(Prompt(QWEN, (Message("user", "hello"),)), turns.append)


def test_it_is_found_and_says_how(here: Watched) -> None:
    endpoint = here.now.runner.endpoint
    assert endpoint is not None
    assert endpoint.socket is not None
    assert endpoint.rule.startswith("Docker Desktop's socket")
    assert endpoint.is_this_machine
    assert here.now.runner.version == "v1.2.6"


def test_calls_of_others_come_as_they_end(here: Watched) -> None:
    before = {call.id for call in here.now.finished}
    body = {"model": QWEN, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}
    here.simulator.send(body, headers={"user-agent": "elsewhere/1"}).result(20)
    here.until(lambda s: {call.id for call in s.finished} - before)
    assert here.now.source("requests feed").health == "ok"


def test_an_answer_streams(here: Watched) -> None:
    turns: list[Turn] = []
    ask(here, turns)
    until_true(lambda: turns and turns[-1].ended)
    assert turns[-1].failure is None
    assert len({turn.text or turn.reasoning for turn in turns}) > 3, "piece by piece"


def test_leaving_reaches_the_engine(here: Watched) -> None:
    turns: list[Turn] = []
    stop = ask(here, turns)
    until_true(lambda: turns and (turns[-1].text or turns[-1].reasoning))
    stop()
    here.until(lambda s: any(call.outcome == "client left" for call in s.finished))
