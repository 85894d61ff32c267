"""Units and thresholds that a person chose reach what is shown and judged."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dmr_tui.export.status_page import as_page
from dmr_tui.machine.reading import Reading
from dmr_tui.measure import thresholds
from dmr_tui.measure.baseline import Baseline
from dmr_tui.measure.pressure_level import judge
from dmr_tui.settings.schema import Settings
from dmr_tui.text import format
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.chat.prompt import PromptArea
from dmr_tui.ui.commands.keymap import keymap
from dmr_tui.ui.machine.hardware_pane import trend
from dmr_tui.ui.machine.memory_bars import bar_line, stores
from dmr_tui.ui.requests.in_flight_pane import _clock
from tests.ui.screen import screen_text, shows, type_text
from tests.ui.still import HOST, StillMonitor, machine, snapshot
from tests.waiting import until

WIDE = (140, 42)


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    """Units and thresholds are those of today again."""
    yield
    format.choose_units()
    thresholds.choose({})


async def test_units_on_the_screen() -> None:
    format.choose_units("GB", "F")
    app = DashboardApp(StillMonitor(snapshot()))
    async with app.run_test(size=WIDE):
        await shows(app, "160 °F", "19.5 /", " / 25.8 GB", "22.9 /", " / 68.7 GB")
        assert not [w for w in screen_text(app).split() if w == "°C"]


def test_units_on_the_page() -> None:
    format.choose_units("GB", "F")
    page = as_page(snapshot())
    assert "19.5 of 25.8 GB · 160 °F" in page
    assert "22.9 of 68.7 GB" in page


def test_levels_of_the_processor() -> None:
    def style() -> str:
        return trend("CPU", Reading(60.0), (60.0,), 60, 1, 60.0, "cpu")[0][1][1]

    assert style() == "$load-ok"
    thresholds.choose({"cpu": (50.0, 70.0)})
    assert style() == "$load-heavy"
    thresholds.choose({"cpu": (50.0, 60.0)})
    assert style() == "$load-critical"


def test_levels_of_memory() -> None:
    def full() -> bool:
        ram = stores(snapshot(machine=machine()))[-1]
        return "full" in "".join(text for text, _ in bar_line(ram, 60))

    assert not full()
    thresholds.choose({"memory": (10.0, 30.0)})
    assert full()


def test_levels_of_a_time_limit() -> None:
    assert len(_clock(160.0, 300.0, 0)) == 2
    thresholds.choose({"time_limit": (50.0, 60.0)})
    *_, (_, style) = _clock(160.0, 300.0, 0)
    assert style == "$load-heavy"


def test_what_is_slow() -> None:
    usual = Baseline()
    for _ in range(6):
        assert usual.judge(1000, 40.0) is None
    assert usual.judge(1000, 29.0) is not None
    thresholds.choose({"slow": (50.0,)})
    assert usual.judge(1000, 29.0) is None


def test_what_is_pressure() -> None:
    tight = replace(HOST, ram_used=Reading(HOST.ram_total.value), ram_total=Reading(2 * 64 * 2**30))
    assert judge(tight).word == "none"
    thresholds.choose({"pressure_ram": (10.0, 40.0, 60.0)})
    assert judge(tight).word == "high"


async def test_a_prompt_that_another_key_sends() -> None:
    keys = {"chat.send_prompt": "ctrl+s", "chat.new_line": "enter"}
    monitor = StillMonitor(snapshot())
    app = DashboardApp(monitor, keymap=keymap(Settings(keys=keys)))
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("c")
        await type_text(pilot, "a")
        await pilot.press("enter")
        await type_text(pilot, "b")
        prompt = app.screen.query_one(PromptArea)
        await until(lambda: prompt.text == "a\nb")
        await pilot.press("ctrl+s")
        await until(lambda: [p.messages[-1].content for p in monitor.prompts] == ["a\nb"])
