"""What the runner forgot of its configurations: known, remembered, forgotten if it is to be."""

import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.monitor.live import Monitor
from dmr_tui.monitor.saved_configs import (
    FILE,
    KEPT_S,
    SavedConfigFile,
    SavedConfigs,
    saved_config_file,
)
from dmr_tui.runner.endpoint import Endpoint, parse_host
from dmr_tui.runner.wire import StoredConfig
from dmr_tui.simulator.models.library import QWEN3
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.state.frozen import thawed
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.alerts import alert_text
from dmr_tui.text.format import DEFAULT_UNITS
from tests.waiting import until_true

HERE = Endpoint("http://localhost:12434", "default")
BEFORE = {"context-size": 8192, "runtime-flags": ["--temp", "0"], "vllm": {"x": 1}}


def stored(**configs: dict[str, object]) -> list[StoredConfig]:
    return [StoredConfig(digest, "completion", config) for digest, config in configs.items()]


def test_what_a_restart_forgets_is_lost_until_it_is_there_again() -> None:
    known = SavedConfigs()
    known.see(stored(a=BEFORE, b={"keep_alive": "1h"}))
    assert known.lost == ()
    known.see([])
    assert [(each.digest, thawed(each.config), each.restarted) for each in known.lost] == [
        ("a", BEFORE, True),
        ("b", {"keep_alive": "1h"}, True),
    ]
    known.see(stored(a=BEFORE))
    assert [each.digest for each in known.lost] == ["b"]


def test_another_context_is_a_choice_and_a_missing_one_is_a_loss() -> None:
    known = SavedConfigs()
    known.see(stored(a=BEFORE))
    known.see(stored(a={**BEFORE, "context-size": 1024}))
    assert known.lost == ()
    known.see(stored(a={"keep_alive": "5m"}))
    (lost,) = known.lost
    assert (lost.config["context-size"], lost.now, lost.restarted) == (
        1024,
        {"keep_alive": "5m"},
        False,
    )


def test_what_a_person_here_meant_is_no_loss() -> None:
    known = SavedConfigs()
    known.see(stored(a=BEFORE))
    with known.meant("a", "completion", {"context-size": 2048}):
        # A look that comes before the runner has answered.
        known.see(stored(a={"context-size": 2048}))
        assert known.lost == ()
    known.see(stored(a={"context-size": 2048}))
    assert known.lost == ()


def test_what_the_runner_refused_was_not_meant() -> None:
    known = SavedConfigs()
    known.see(stored(a=BEFORE))
    known.see([])
    (lost,) = known.lost

    def refused() -> None:
        with known.meant("a", "completion", {"context-size": 2048}):
            assert known.lost == ()
            raise ValueError("busy")

    with pytest.raises(ValueError, match="busy"):
        refused()
    assert known.lost == (lost,)


async def test_what_is_meant_before_the_first_look_wins_over_what_is_remembered(
    tmp_path: Path,
) -> None:
    await begun(tmp_path).take_in(stored(a=BEFORE))
    here = begun(tmp_path)
    with here.meant("a", "completion", {}):
        pass
    await here.take_in([])
    assert here.lost == (), "it was emptied on purpose"


def test_a_model_that_was_removed_has_nothing_to_lose() -> None:
    known = SavedConfigs()
    known.see(stored(a=BEFORE))
    known.see([])
    known.removed(["b"])
    assert known.lost == ()


def begun(folder: Path, endpoint: Endpoint = HERE) -> SavedConfigs:
    """As a dashboard begins."""
    return SavedConfigs(saved_config_file(folder, endpoint))


async def test_what_was_lost_while_nothing_here_ran_is_known(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    first = begun(folder)
    await first.take_in(stored(a=BEFORE, b={"keep_alive": "1h"}))
    assert first.lost == ()
    second = begun(folder)
    await second.take_in(stored(b={"keep_alive": "5m"}))
    assert [(each.digest, thawed(each.config)) for each in second.lost] == [("a", BEFORE)]
    changed = begun(folder)
    await changed.take_in(stored(a={"keep_alive": "5m"}, b={"keep_alive": "5m"}))
    assert changed.lost == (), "somebody gave it another one meanwhile"
    await begun(folder).take_in(stored(a=BEFORE, b={"keep_alive": "5m"}))
    third = begun(folder)
    await third.take_in([])
    assert [each.digest for each in third.lost] == ["a", "b"], "one is lost for longer"
    with third.meant("a", "completion", {"context-size": 1024}):
        pass
    await third.take_in(stored(a={"context-size": 1024}))
    assert [each.digest for each in third.lost] == ["b"]
    if sys.platform != "win32":
        assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_each_runner_has_its_own(tmp_path: Path) -> None:
    other = Endpoint("http://localhost:12434", "context x", socket="/run/x.sock")
    await begun(tmp_path).take_in(stored(a=BEFORE))
    elsewhere = begun(tmp_path, other)
    await elsewhere.take_in(stored(b=BEFORE))
    assert elsewhere.lost == ()
    here = begun(tmp_path)
    await here.take_in([])
    assert [each.digest for each in here.lost] == ["a"]


async def test_what_is_dismissed_is_not_known_after_the_next_start(tmp_path: Path) -> None:
    await begun(tmp_path).take_in(stored(a=BEFORE, b=BEFORE))
    here = begun(tmp_path)
    await here.take_in([])
    await here.forget("ram high")
    await here.forget(here.lost[0].alert)
    assert [each.digest for each in here.lost] == ["b"]
    later = begun(tmp_path)
    await later.take_in([])
    assert [each.digest for each in later.lost] == ["b"]


async def test_what_is_not_installed_any_more_is_not_lost(tmp_path: Path) -> None:
    await begun(tmp_path).take_in(stored(a=BEFORE, b=BEFORE))
    here = begun(tmp_path)
    here.removed(["b"])
    await here.take_in([])
    assert [each.digest for each in here.lost] == ["b"]


def test_what_is_too_old_is_forgotten(tmp_path: Path) -> None:
    path, clock = tmp_path / FILE, [1000.0]
    kept = SavedConfigFile(path, HERE.place, lambda: clock[0])
    kept.write({("a", "completion"): BEFORE})
    clock[0] += KEPT_S - 1
    assert [each.config for each in kept.read()] == [BEFORE]
    clock[0] += 1
    assert kept.read() == []


@pytest.mark.parametrize(
    "content", ["{", "[]", "{\udcff}", '{"http://localhost:12434": [{"digest": 1}]}']
)
async def test_a_damaged_file_is_said_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / FILE
    path.write_bytes(content.encode(errors="surrogateescape"))
    here = begun(tmp_path)
    await here.take_in(stored(a=BEFORE))
    (state,) = here.states
    assert (state.name, state.health) == ("remembered configurations", "stale")
    assert f"{path} cannot be read" in state.reason
    assert path.read_bytes() == content.encode(errors="surrogateescape")
    await here.take_in([])
    assert [each.digest for each in here.lost] == ["a"], "while it runs it knows all the same"


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    here = begun(blocked / "in")
    await here.take_in(stored(a=BEFORE))
    assert "cannot be kept" in here.states[0].reason or "cannot be read" in here.states[0].reason


def test_a_monitor_knows_what_was_lost_before_it_began(tmp_path: Path) -> None:
    simulator = Simulator("quiet")
    seen: list[Snapshot] = []

    def watched(fact: Callable[[Snapshot], Any], last: Callable[[Monitor], None]) -> Snapshot:
        monitor = Monitor(
            (parse_host(url, "test"),), SimulatedMachine(simulator), interval=0.25, kept=tmp_path
        )
        seen.clear()
        monitor.start(seen.append, lambda error: None)
        try:
            until_true(lambda: seen and fact(seen[-1]))
            last(monitor)
            return seen[-1]
        finally:
            monitor.stop()

    with serve(simulator) as url:
        wish = {"model": QWEN3.name, "context-size": 4096}
        httpx.post(f"{url}/engines/_configure", json=wish).raise_for_status()
        watched(lambda _: (tmp_path / FILE).exists(), lambda _: None)
        simulator.restart()
        before = watched(lambda snapshot: snapshot.lost and snapshot.alerts, lambda _: None)
        assert [(each.digest, each.config["context-size"]) for each in before.lost] == [
            (QWEN3.digest, 4096)
        ]
        (warning,) = (each for each in before.alerts if each.key == before.lost[0].alert)
        assert "lost its configuration (context 4k): the runner was restarted" in (
            alert_text(warning, before, DEFAULT_UNITS, 0.0).text
        )

        def dismiss(monitor: Monitor) -> None:
            monitor.dismissed(warning.key)
            until_true(lambda: b"4096" not in (tmp_path / FILE).read_bytes())

        watched(lambda snapshot: snapshot.lost, dismiss)
        after = watched(lambda snapshot: snapshot.models and snapshot.memory, lambda _: None)
        assert after.lost == ()
