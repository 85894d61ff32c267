"""One warning at a time, the worst first; a dismissed one stays quiet on every screen."""

import re
from dataclasses import replace

import pytest

from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import LaunchConfig, MemoryEstimate, MemoryPool
from dmr_tui.measure.pressure_level import PressureLevel
from dmr_tui.state.alert import Alert, DoesNotFit, EngineKilled, PressureHigh, SourceFails
from dmr_tui.state.memory import Fit
from dmr_tui.state.source_state import SourceState
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.shell.notice import QUIET_S, Dismissed, Notice, said_in
from tests.ui.screen import hides, screen_text, shows
from tests.ui.still import GIB, NOW, StillMonitor, judged, snapshot

HIGH = Alert("pressure", "warning", PressureHigh(PressureLevel("high", "tasks wait")))
HIGH_TEXT, HIGH_STEP = "Memory pressure is high: tasks wait", "see who holds it"
NEED = MemoryEstimate(LaunchConfig(131072), Reading(int(27.7 * GIB)), Reading(0), Reading(0))
TOO_BIG = Fit("too big", NEED, NEED, "packaged")
POOL = MemoryPool("VRAM", 24 * GIB, 24 * GIB, source="NVML")
BIG = Alert("fit:x", "hint", DoesNotFit("gemma3", TOO_BIG, POOL, used_lately=False))
BIG_TEXT, BIG_STEP = "gemma3 needs ~27.7 GiB", "take a smaller quantization"
WIDE = (140, 42)


@pytest.fixture
def monitor() -> StillMonitor:
    return StillMonitor(replace(snapshot(), alerts=(HIGH, BIG)))


async def test_one_at_a_time_and_each_can_be_dismissed(monitor: StillMonitor) -> None:
    app = DashboardApp(monitor)
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, HIGH_TEXT, HIGH_STEP, "1 more", "x dismisses")
        await pilot.press("x")
        await shows(app, BIG_TEXT, BIG_STEP)
        await hides(app, HIGH_TEXT)
        await pilot.press("2")
        await shows(app, "In flight 1", BIG_TEXT)
        await pilot.press("x")
        await hides(app, BIG_TEXT)
        assert monitor.forgotten == [HIGH.key, BIG.key]
        await pilot.press("1")
        await hides(app, BIG_TEXT)
        await hides(app, HIGH_TEXT)


async def test_a_small_window_cuts_no_number_in_the_middle() -> None:
    long = SourceState("mistral-nemo:12B-Q4_K_M needs ~27.7 GiB of 24.0 GiB VRAM", "stale", "m")
    alert = Alert("source:x", "warning", SourceFails(long))
    app = DashboardApp(StillMonitor(snapshot(alerts=(alert,))))
    async with app.run_test(size=(80, 24)) as pilot:
        for columns in range(56, 81, 3):
            await pilot.resize_terminal(columns, 24)
            await shows(app, "mistral-nemo:12B-Q4_K_M")
            said = next(each for each in screen_text(app).splitlines() if "mistral-nemo" in each)
            assert re.search(r"needs(| ~27\.7| ~27\.7 GiB.*)…|~27\.7 GiB of 24", said), said


async def test_the_runners_own_trouble_comes_first(monitor: StillMonitor) -> None:
    runner = replace(snapshot().runner, down_since=snapshot().taken_at, down_reason="refused")
    down = replace(snapshot(), runner=runner)
    monitor = StillMonitor(replace(down, alerts=(*judged(down).alerts, HIGH)))
    app = DashboardApp(monitor)
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "has not answered for")
        await hides(app, HIGH_TEXT)
        await pilot.press("x")
        await shows(app, "has not answered for")


async def test_a_name_that_is_meant_to_harm_is_only_shown() -> None:
    evil = replace(
        HIGH, fact=PressureHigh(PressureLevel("high", "[red]x[/y] \x1b[31m needs 9 GiB"))
    )
    app = DashboardApp(StillMonitor(replace(snapshot(), alerts=(evil,))))
    async with app.run_test(size=WIDE):
        await shows(app, "[red]x[/y]", "needs 9 GiB")


def test_a_dismissed_warning_comes_back_only_after_it_was_gone() -> None:
    dismissed = Dismissed().add(HIGH.key, 0.0)

    def left(alerts: list[Alert], at: float) -> list[Alert]:
        nonlocal dismissed
        dismissed = dismissed.seen(alerts, at)
        return dismissed.left(alerts)

    assert left([HIGH, BIG], 1.0) == [BIG]
    assert left([HIGH], 1.0 + 10 * QUIET_S) == [], "it was there all the time"
    assert left([], 2.0 + 10 * QUIET_S) == []
    assert left([HIGH], 3.0 + 10 * QUIET_S) == [], "gone for a second"
    assert left([], 4.0 + 20 * QUIET_S) == []
    assert left([HIGH], 5.0 + 20 * QUIET_S) == [HIGH]


async def test_what_to_do_is_read_in_a_small_window_too() -> None:
    cause = "mistral-nemo:12B-Q4_K_M needs " + "a lot of memory and more " * 8
    long = replace(HIGH, fact=PressureHigh(PressureLevel("high", cause)))
    app = DashboardApp(StillMonitor(replace(snapshot(), alerts=(long,))))
    async with app.run_test(size=(80, 24)):
        await shows(app, "Memory pressure is high:", "…: see who holds it", "x dismisses")


async def test_a_hint_takes_no_row_of_a_low_window() -> None:
    app = DashboardApp(StillMonitor(replace(snapshot(), alerts=(BIG,))))
    async with app.run_test(size=(60, 20)):
        await shows(app, "gemma3:4B", "VRAM")
        assert BIG_TEXT[:20] not in screen_text(app)
    app = DashboardApp(StillMonitor(replace(snapshot(), alerts=(replace(BIG, level="warning"),))))
    async with app.run_test(size=(60, 20)):
        await shows(app, BIG_TEXT[:12])


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (70, "! qwen3 needs ~27.7 GiB of 24.0 GiB: unload it (3 Memory)"),
        (57, "! qwen3 needs ~27.7 GiB of 24.0 GiB: unload it (3 Memory)"),
        (50, "! qwen3 needs ~27.7 GiB of…: unload it (3 Memory)"),
        (30, "! qwen3 needs ~27.7…: 3 Memory"),
    ],
)
def test_where_to_look_is_never_left_out(width: int, line: str) -> None:
    said = Notice("qwen3 needs ~27.7 GiB of 24.0 GiB", step="unload it", screen="memory")
    text = said_in(said, "3 Memory", width)
    assert (text.rstrip(), len(text)) == (line, width)


async def test_the_way_to_a_screen_is_the_key_that_a_person_chose() -> None:
    there = replace(HIGH, screen="memory")
    keymap = {"everywhere.show_memory": "f3,3"}
    app = DashboardApp(StillMonitor(replace(snapshot(), alerts=(there,))), keymap=keymap)
    async with app.run_test(size=WIDE):
        await shows(app, f"{HIGH_TEXT}: {HIGH_STEP} (f3 Memory)")


async def test_a_source_that_fails_hides_nothing_critical_and_can_be_dismissed() -> None:
    killed = Alert("killed:1", "critical", EngineKilled("qwen3", NOW - 60.0, 1), "memory")
    stale = SourceState("remembered configurations", "stale", "it is damaged")
    failing = judged(snapshot(sources=(stale,)))
    shown = replace(failing, alerts=(killed, *failing.alerts, HIGH))
    app = DashboardApp(StillMonitor(shown))
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "The system killed the engine", "2 more")
        await pilot.press("x")
        await shows(app, "remembered configurations: it is damaged", "1 more")
        await pilot.press("x")
        await shows(app, HIGH_TEXT)
