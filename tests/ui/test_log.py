"""The log as a user follows, searches and stops it."""

from dataclasses import replace

import pytest
from msgspec import structs

from dmr_tui.runner.logs.log_line import LogLine
from dmr_tui.ui.timeline import log_pane
from dmr_tui.ui.timeline.leveled_pane import ModelNames
from dmr_tui.ui.timeline.log_text import LineFilter
from dmr_tui.ui.widgets.lines import Line
from dmr_tui.ui.widgets.tail import cut_off
from tests.ui.eventful import (
    HARMFUL,
    LOG,
    SMALL,
    WIDE,
    event,
    more_lines,
    opened,
    still,
    watched,
    with_log,
)
from tests.ui.screen import hides, screen_text, shows, type_text
from tests.ui.still import NOW
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("noon")


async def test_lines_are_filtered_and_what_was_looked_for_is_marked() -> None:
    app = watched()
    async with app.run_test(size=WIDE) as pilot:
        _, log = await opened(pilot, app)
        await pilot.press("tab", "slash")
        await type_text(pilot, "PRINT_timing")
        await shows(app, "20 of 162 lines · with print_timing", "graphs reused")
        await hides(app, "getting model")
        await pilot.press("enter", "escape", "t")
        await shows(app, "without the engine's lines")
        await hides(app, "print_timing")
        await pilot.press("escape", "w")
        await shows(app, "warnings and errors", "x runner", "! engine")
        await pilot.press("escape", "m")
        await shows(app, "This line names no model")
        await pilot.press("slash")
        await type_text(pilot, "loading backend")
        await pilot.press("enter", "m", "slash", *["backspace"] * 15, "enter")
        await shows(app, "35 of 162 lines · only qwen3:8B-Q4_K_M")
        await pilot.press("escape")
        await shows(app, "Log 162 lines")
        assert not log.filtered


async def test_the_log_is_followed_until_the_user_scrolls_away() -> None:
    app = watched()
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app)
        await shows(app, "following", "cancel task, id_task = 53")
        grown = (*LOG, *more_lines(40))
        app.still.show(still(log=grown))
        await shows(app, "Log 202 lines", "line 39", "following")
        await pilot.press("tab", "pageup", "pageup")
        await shows(app, "below, end follows", "line 30")
        before = [line for line in screen_text(app).splitlines() if "line 2" in line]
        assert before
        app.still.show(still(log=(*grown[50:], *more_lines(5, NOW - 10, "new"))))
        await shows(app, "Log 157 lines")
        after = [line for line in screen_text(app).splitlines() if "line 2" in line]
        assert before == after, "it stays on its lines although older ones are gone"
        await pilot.press("end")
        await shows(app, "new 4", "following")
        await pilot.press("up")
        await shows(app, "+0 below, end follows")
        await pilot.press("down")
        await shows(app, "following")


async def test_the_wheel_scrolls_away_and_back() -> None:
    app = watched()
    async with app.run_test(size=SMALL) as pilot:
        _, log = await opened(pilot, app)
        lines = log.query_one("#log-lines")
        for _ in range(5):
            lines.scroll_up(animate=False)
        await shows(app, "+5 below, end follows")
        app.still.show(still(log=(*LOG, *more_lines(3))))
        await shows(app, "+8 below, end follows")
        for _ in range(8):
            lines.scroll_down(animate=False)
        await shows(app, "following", "line 2")


async def test_the_palette_reaches_the_log_from_the_timeline() -> None:
    app = watched()
    async with app.run_test(size=WIDE) as pilot:
        events, _ = await opened(pilot, app)
        assert events.row is not None
        await pilot.press("ctrl+p")
        await type_text(pilot, "pause the log")
        await shows(app, "Take no new lines, or go on.")
        await pilot.press("enter")
        await shows(app, "paused, 0 new; space goes on")


async def test_paused_nothing_moves() -> None:
    app = watched()
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app)
        await pilot.press("tab", "space")
        await shows(app, "paused, 0 new; space goes on")
        app.still.show(still(log=(*LOG[30:], *more_lines(45))))
        await shows(app, "paused, 45 new; space goes on", "cancel task", "Log 162 lines")
        await pilot.press("space")
        await shows(app, "Log 177 lines", "line 44", "following")


async def test_a_whole_line() -> None:
    app = watched()
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app)
        await pilot.press("tab", "slash")
        await type_text(pilot, "exceeds")
        await pilot.press("enter", "enter")
        await shows(app, "Log line 2026-11-22 11:58:", "error from engine", "try increasing it")
        await pilot.press("escape")
        await hides(app, "try increasing it")


async def test_another_log_begins_anew() -> None:
    app = watched()
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app)
        await pilot.press("tab", "home")
        app.still.show(still(log=more_lines(30, text="anew")))
        await shows(app, "Log 30 lines", "anew 29", "following")
        app.still.show(still(log=()))
        await pilot.pause()
        await shows(app, "anew 29")


@pytest.mark.parametrize(
    ("health", "reason", "said"),
    [
        ("ok", "", "reading the log"),
        ("waiting", "", "reading the log"),
        ("stale", "answered 503: on [strike]", "cannot be read: answered 503: on [strike]"),
    ],
)
async def test_states_of_the_log(health: str, reason: str, said: str) -> None:
    app = watched(with_log(health, reason))
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app)
        await shows(app, said)


async def test_lines_that_are_meant_to_harm() -> None:
    evil = event(10, NOW, "error", "[red]\x1b[2J" * 50, "log", severity="error", model="[b]\x07")
    app = watched(still(log=HARMFUL, events=(evil,)))
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app)
        await shows(app, "␛[2J␛]0;owned␇ [red]x[/y]", "模型", "a[a[a[", "[red]␛[2J[red]")
        assert "\x1b" not in screen_text(app)
        await pilot.press("tab", "enter")
        await shows(app, "warn from runner", "a[a[a[")
        await pilot.press("end", "escape", "slash")
        await type_text(pilot, "a[a")
        await shows(app, "1 of 4 lines")


def test_what_was_cut_off_in_front() -> None:
    lines = more_lines(10)
    assert cut_off((), lines) == 0
    assert cut_off(lines, lines) == 0
    assert cut_off(lines[:5], lines) == 0
    assert cut_off(lines[:8], lines[3:]) == 3
    assert cut_off(lines[:8], lines[8:]) is None
    assert cut_off(lines[3:8], lines) == -3
    same = tuple(structs.replace(line) for line in lines)
    assert cut_off(lines[:8], same[3:]) == 3, "equal lines that were read again"
    twice = (lines[0], lines[1], lines[0], lines[1], lines[2])
    assert cut_off(twice[:2], twice) == 0


async def test_a_new_line_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = more_lines(20_000)
    looked_at: list[str] = []
    painted: list[str] = []

    def matches(self: LineFilter, line: LogLine, names: ModelNames) -> bool:
        looked_at.append(line.text)
        return True

    def parts(line: LogLine, found: object) -> Line:
        painted.append(line.text)
        return ((line.text, ""),)

    app = watched(still(log=lines))
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await shows(app, "Log 20,000 lines", "line 19999")
        monkeypatch.setattr(LineFilter, "matches", matches)
        monkeypatch.setattr(log_pane, "line_parts", parts)
        await pilot.press("tab", "t")
        await until(lambda: len(looked_at) >= 20_000)
        await shows(app, "without the engine's lines", "line 19999")
        looked_at.clear()
        painted.clear()
        app.still.show(still(log=(*lines[1:], *more_lines(1, NOW - 5, "fresh"))))
        await shows(app, "fresh 0")
        assert looked_at == ["fresh 0"]
        assert len(painted) <= 3, "the new line, and the cursor that left the one before"


async def test_a_jump_goes_on_after_a_pause() -> None:
    app = watched()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await pilot.press("tab", "space")
        app.still.show(still(log=(*LOG, *more_lines(5, NOW - 12, "drifted"))))
        await shows(app, "paused, 5 new")
        await pilot.press("tab", "enter")
        await shows(app, "▸11:59:48", "drifted 0")
        await hides(app, "paused")


async def test_a_log_of_which_nothing_ever_came_is_empty() -> None:
    app = watched(replace(still(log=()), events=()))
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await shows(app, "the log is empty")
