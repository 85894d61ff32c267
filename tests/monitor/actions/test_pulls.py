"""Downloads: how far, how fast, stopped, gone on with, failed; beside a simulated registry."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from dmr_tui.monitor.actions.pulls import Pulls, look_up
from dmr_tui.monitor.model_rows import Installed
from dmr_tui.runner.errors.failures import BrokenOff, Rejected, RunnerError
from dmr_tui.runner.wire import Model, PullLayer, PullLine
from dmr_tui.simulator.server import Simulator
from dmr_tui.state.plan import Pull
from dmr_tui.state.replies import RemoteModel
from tests.monitor.conftest import Watch, Watched
from tests.waiting import until_true

NEW = "ai/llama3.2:3B-Q4_K_M"
OTHER = "ai/qwen3:0.6B-Q4_K_M"


class Registry:
    """A client whose pull says these lines, and then fails if it shall."""

    def __init__(self, lines: Sequence[PullLine], error: RunnerError | None = None) -> None:
        self._lines = lines
        self._error = error

    @asynccontextmanager
    async def pull(self, name: str) -> AsyncIterator[AsyncIterator[PullLine]]:
        yield self._tell()

    async def _tell(self) -> AsyncIterator[PullLine]:
        for line in self._lines:
            yield line
        if self._error is not None:
            raise self._error


def came(layer: str, current: int, total: int = 100) -> PullLine:
    return PullLine("progress", total=total, layer=PullLayer(layer, 50, current))


async def pulled(lines: Sequence[PullLine], error: RunnerError | None = None) -> Pull:
    pulls = Pulls(lambda: None)
    client: Any = Registry(lines, error)
    await pulls.run(client, "ai/x", lambda: None)
    (pull,) = pulls.state
    return pull


async def test_layers_are_added_up() -> None:
    pull = await pulled([came("a", 10), came("b", 20), came("a", 50), PullLine("success", "ok")])
    assert (pull.state, pull.done, pull.total, pull.resumed, pull.message) == (
        "done",
        100,
        100,
        30,
        "ok",
    )


async def test_what_goes_wrong_keeps_how_far_it_was() -> None:
    pull = await pulled([came("a", 10)], Rejected(500, "write: no space left on device"))
    assert (pull.state, pull.done) == ("failed", 10)
    assert pull.failure is not None
    assert "disk" in f"{pull.failure.what} {pull.failure.cause}".lower()
    pull = await pulled([came("a", 10)], BrokenOff("the connection ended"))
    assert pull.state == "failed"


async def test_a_total_that_is_none_is_not_shown() -> None:
    pull = await pulled([came("a", 10, total=0), came("a", 40, total=3)])
    assert (pull.total, pull.share, pull.left_s) == (None, None, None)


async def test_a_warning_is_kept() -> None:
    pull = await pulled([PullLine("warning", "no vLLM here"), PullLine("success", "done")])
    assert (pull.state, pull.message) == ("done", "no vLLM here")


def test_the_rate_is_that_of_what_came_now() -> None:
    pull = Pull("x", "pulling", 600, 1000, rate=100.0)
    assert (pull.left_s, pull.share) == (4.0, 0.6)
    assert Pull("x", "pulling", 600, 1000).left_s is None


async def test_the_rate_counts_only_what_came_now(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(anyio, "current_time", lambda: clock[0])
    rates = []

    class Slow(Registry):
        async def _tell(self) -> AsyncIterator[PullLine]:
            for seconds, current in ((0.0, 30), (0.5, 35), (2.0, 50)):
                clock[0] = seconds
                yield came("a", current)

    pulls = Pulls(lambda: rates.append(pulls.state[0].rate))
    client: Any = Slow([], BrokenOff("enough"))
    await pulls.run(client, "ai/x", lambda: None)
    assert [rate for rate in rates if rate] == [10.0]


def ready(watched: Watched) -> Watched:
    watched.until(lambda s: s.models and s.source("runners").health == "ok" and s.memory)
    return watched


def state(here: Watched, name: str) -> str:
    return next((pull.state for pull in here.now.pulls if pull.name == name), "")


def test_a_model_comes_and_is_installed(watch: Watch) -> None:
    here = ready(watch("quiet"))
    here.monitor.pull(NEW)
    here.until(lambda s: any(pull.state == "done" for pull in s.pulls))
    here.until(lambda s: any(row.ref == NEW for row in s.models))
    here.monitor.forget_pulls()
    here.until(lambda s: not s.pulls)


def test_stopped_it_goes_on_from_there(watch: Watch) -> None:
    simulator = Simulator("quiet")
    simulator.world.store.pull_rate = 400e6
    here = ready(watch(simulator))
    here.monitor.pull(NEW)
    here.until(lambda s: any((pull.share or 0.0) > 0.2 for pull in s.pulls))
    here.monitor.stop_pull(NEW)
    here.until(lambda s: state(here, NEW) == "stopped")
    stopped = here.now.pulls[0].done
    simulator.world.store.pull_rate = 40e9
    here.monitor.pull(NEW)
    here.until(lambda s: state(here, NEW) == "done")
    assert here.now.pulls[0].resumed >= 0.8 * stopped > 0


def test_several_at_once_and_none_twice(watch: Watch) -> None:
    simulator = Simulator("quiet")
    simulator.world.store.pull_rate = 400e6
    here = ready(watch(simulator))
    for name in (NEW, OTHER, NEW):
        here.monitor.pull(name)
    here.until(lambda s: sum(pull.going for pull in s.pulls) == 2)
    simulator.world.store.pull_rate = 40e9
    here.until(lambda s: [pull.state for pull in s.pulls] == ["done", "done"])
    asked = simulator.world.log.text(True).count(b'msg="pulling model"')
    assert asked == 2


def test_a_name_that_nobody_has(watch: Watch) -> None:
    here = ready(watch("quiet"))
    here.monitor.pull("ai/nothing:x")
    here.until(lambda s: state(here, "ai/nothing:x") == "failed")
    assert "was not found" in here.now.pulls[0].failure.what  # type: ignore[union-attr]


def test_a_read_only_monitor_pulls_nothing(watch: Watch) -> None:
    simulator = Simulator("quiet")
    here = ready(watch(simulator, read_only=True))
    here.monitor.pull(NEW)
    # Asked after it on the same loop, and answered: the pull would have begun by now.
    offers: list[RemoteModel] = []
    here.monitor.look_up(NEW, offers.append)
    until_true(lambda: offers)
    seen = len(here.snapshots)
    here.monitor.kick()
    here.until(lambda s: len(here.snapshots) > seen)
    assert here.now.pulls == ()
    assert b"pulling model" not in simulator.world.log.text(True)


@pytest.mark.parametrize("name", ["", "../engines/unload", "ai/../x", "-x", "a b", "ai//x"])
def test_what_is_no_name_is_not_sent(watch: Watch, name: str) -> None:
    here = ready(watch("quiet"))
    offers: list[RemoteModel] = []
    here.monitor.look_up(name, offers.append)
    until_true(lambda: offers)
    assert offers[0].row is None
    assert "no name of a model" in offers[0].failure.what  # type: ignore[union-attr]


def test_what_it_takes_is_known_before(watch: Watch) -> None:
    here = ready(watch("quiet"))
    offers: list[RemoteModel] = []
    for name in (NEW, "ai/qwen3:8B-Q4_K_M", "ai/nothing:x"):
        here.monitor.look_up(name, offers.append)
    until_true(lambda: len(offers) == 3)
    by_name = {remote.name: remote for remote in offers}
    new = by_name[NEW]
    assert new.row is not None
    assert (new.row.name, new.row.quantization, new.installed) == (
        "llama3.2:3B-Q4_K_M",
        "Q4_K_M",
        False,
    )
    assert new.row.size_bytes == pytest.approx(2_011_541_504, rel=0.01)
    assert new.fit is not None
    assert new.fit.verdict == "fits"
    assert by_name["ai/qwen3:8B-Q4_K_M"].installed
    assert "was not found" in by_name["ai/nothing:x"].failure.what  # type: ignore[union-attr]
    assert not any(row.ref == NEW for row in here.now.models)


async def test_who_has_the_name_now() -> None:
    """What a registry has may be installed, under this name or another; or it is a newer one."""

    def model(digit: str, *tags: str) -> Model:
        return Model(f"sha256:{digit * 64}", list(tags))

    here = Installed([model("a", "docker.io/ai/x:latest"), model("b", "docker.io/ai/y:1B")])
    there = {"ai/x": "a", "ai/y": "b", "ai/x:latest": "c", "ai/z": "d"}

    class Remote:
        async def look_up(self, name: str) -> Model:
            return model(there[name])

    client: Any = Remote()
    told = {name: await look_up(client, name, here, None) for name in there}
    assert {name: (remote.installed, remote.holder) for name, remote in told.items()} == {
        "ai/x": (True, "itself"),
        "ai/y": (True, "none"),
        "ai/x:latest": (False, "another"),
        "ai/z": (False, "none"),
    }


async def test_the_end_is_told_also_when_it_is_stopped() -> None:
    pulls, ended = Pulls(lambda: None), []

    class Silent(Registry):
        async def _tell(self) -> AsyncIterator[PullLine]:
            await anyio.sleep_forever()
            yield PullLine("success")

    client: Any = Silent([])
    async with anyio.create_task_group() as group:
        group.start_soon(pulls.run, client, "ai/x", lambda: ended.append(1))
        await anyio.wait_all_tasks_blocked()
        assert pulls.state[0].state == "waiting"
        pulls.stop("x")
    assert (pulls.state[0].state, ended) == ("stopped", [1])


async def test_a_download_of_which_nothing_is_heard_has_no_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = 1000.0

    class Stalls(Registry):
        async def _tell(self) -> AsyncIterator[PullLine]:
            nonlocal clock
            yield PullLine("progress", total=100, layer=PullLayer("a", 100, 0))
            clock += 2.0
            yield PullLine("progress", total=100, layer=PullLayer("a", 100, 20))
            await anyio.sleep_forever()

    monkeypatch.setattr(anyio, "current_time", lambda: clock)
    pulls, client = Pulls(lambda: None), Stalls([])
    async with anyio.create_task_group() as group:
        group.start_soon(pulls.run, client, "ai/x", lambda: None)
        await anyio.wait_all_tasks_blocked()
        assert [(each.rate, each.left_s) for each in pulls.state] == [(10.0, 8.0)]
        clock += 60.0
        assert [(each.rate, each.left_s) for each in pulls.state] == [(None, None)]
        pulls.stop("x")
