"""Units and thresholds that a person chose reach what is shown and judged."""

from dataclasses import replace

from dmr_tui.export.status_page import as_page
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.baseline import Baseline
from dmr_tui.measure.pressure_level import judge
from dmr_tui.measure.thresholds import DEFAULTS, Levels, Thresholds
from dmr_tui.settings.schema import Settings
from dmr_tui.text.format import Units
from dmr_tui.text.preferences import DEFAULT_PREFERENCES, Preferences
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.chat.prompt import PromptArea
from dmr_tui.ui.commands.keymap import keymap
from dmr_tui.ui.machine.hardware_pane import HardwarePane, trend
from dmr_tui.ui.machine.memory_bars import bar_line, stores
from dmr_tui.ui.requests.in_flight_pane import _clock
from tests.ui.screen import screen_text, shows, type_text
from tests.ui.still import HOST, StillMonitor, machine, snapshot
from tests.waiting import until

WIDE = (140, 42)


CHOSEN = Units("GB", "F")


def chosen(**levels: Levels) -> Preferences:
    """Thresholds that the user chose."""
    return Preferences(thresholds=Thresholds(levels))


async def test_units_on_the_screen() -> None:
    app = DashboardApp(StillMonitor(snapshot()), preferences=Preferences(CHOSEN))
    async with app.run_test(size=WIDE):
        await shows(app, "160 °F", "19.5 /", " / 25.8 GB", "22.9 /", " / 68.7 GB")
        assert not [w for w in screen_text(app).split() if w == "°C"]


def test_units_on_the_page() -> None:
    page = as_page(snapshot(), CHOSEN)
    assert "19.5 of 25.8 GB · 160 °F" in page
    assert "22.9 of 68.7 GB" in page


def test_levels_of_the_processor() -> None:
    def style(thresholds: Thresholds) -> str:
        levels = thresholds.levels("cpu")
        return trend("CPU", Reading(60.0), (60.0,), 60, 1, 60.0, levels)[0][1][1]

    assert style(DEFAULTS) == "$load-ok"
    assert style(Thresholds({"cpu": (50.0, 70.0)})) == "$load-heavy"
    assert style(Thresholds({"cpu": (50.0, 60.0)})) == "$load-critical"


async def test_levels_of_the_processor_on_the_screen() -> None:
    app = DashboardApp(StillMonitor(snapshot()), preferences=chosen(cpu=(10.0, 20.0)))
    async with app.run_test(size=WIDE):
        await shows(app, "CPU")
        pane = app.screen.query_one(HardwarePane)
        assert any(style == "$load-critical" for line in pane.lines(60, 20) for _, style in line)


def test_levels_of_memory() -> None:
    def full(preferences: Preferences) -> bool:
        ram = stores(snapshot(machine=machine()))[-1]
        return "full" in "".join(text for text, _ in bar_line(ram, 60, preferences))

    assert not full(DEFAULT_PREFERENCES)
    assert full(chosen(memory=(10.0, 30.0)))


def test_levels_of_a_time_limit() -> None:
    assert len(_clock(160.0, 300.0, 0, DEFAULTS.levels("time_limit"))) == 2
    *_, (_, style) = _clock(160.0, 300.0, 0, (50.0, 60.0))
    assert style == "$load-heavy"


def test_what_is_slow() -> None:
    usual, patient = Baseline(), Baseline(slow=50.0)
    for _ in range(6):
        assert usual.judge(1000, 40.0) is None
        assert patient.judge(1000, 40.0) is None
    assert usual.judge(1000, 29.0) is not None
    assert patient.judge(1000, 29.0) is None


def test_what_is_pressure() -> None:
    tight = replace(HOST, ram_used=Reading(HOST.ram_total.value), ram_total=Reading(2 * 64 * 2**30))
    assert judge(tight).word == "none"
    assert judge(tight, None, Thresholds({"pressure_ram": (10.0, 40.0, 60.0)})).word == "high"


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
