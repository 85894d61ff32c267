"""What happened, as a person reads it, and the ways from it to the log and to calls."""

import pytest
from msgspec.structs import replace

from dmr_tui.ui.messages import LinesWanted
from dmr_tui.ui.timeline.timeline_screen import TimelineScreen, request_at
from tests.ui.eventful import (
    EVENTS,
    GEMMA,
    LOAD_AT,
    LOG,
    NARROW,
    QWEN,
    SMALL,
    WIDE,
    event,
    more_lines,
    no_log,
    opened,
    still,
    watched,
    with_log,
)
from tests.ui.screen import hides, shows, type_text
from tests.ui.still import NOW, request
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("noon")


async def test_it_says_what_happened_and_why() -> None:
    app = watched()
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app)
        await shows(app, "Timeline 10 events", "x 2 errors", "! 4 warnings", "! reload thrash")
        await shows(app, "! config drift", "loaded before it was configured", "Log 162 lines")
        await shows(app, "11:59:48", "qwen3:8B-Q4_K_M")
        await pilot.press("down", "down", "down")
        await shows(app, "Other models hold the memory", "take a shorter context")


async def test_the_log_is_asked_for_while_the_screen_is_open() -> None:
    app = watched()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        assert app.still.views[-1].log
        await pilot.press("1")
        await until(lambda: not app.still.views[-1].log)


async def test_from_an_event_to_its_lines_and_back() -> None:
    app = watched()
    async with app.run_test(size=WIDE) as pilot:
        events, log = await opened(pilot, app)
        await pilot.press("end", "up", "up", "up")
        assert events.row is not None
        assert events.row.kind == "loaded"
        await pilot.press("enter")
        await shows(app, "▸11:58:", "backend args", "initializing ...", "end follows")
        assert log.row is not None
        assert log.row.at == pytest.approx(LOAD_AT, abs=0.06)
        assert "-in-log" in app.screen.classes
        await pilot.press("b")
        assert events.row.kind in {"load started", "loaded"}
        assert "-in-log" not in app.screen.classes


async def test_a_jump_drops_filters_that_hide_its_lines() -> None:
    app = watched()
    async with app.run_test(size=WIDE) as pilot:
        events, log = await opened(pilot, app)
        await pilot.press("tab", "w", "w", "tab")
        await shows(app, "of 162 lines · errors")
        await pilot.press("end", "up", "up", "enter")
        await shows(app, "Log 162 lines", "backend args")
        assert not log.filtered
        await pilot.press("w", "w", "b", "w", "w")
        assert events.filtered
        await pilot.press("tab", "escape", "home", "b")
        await shows(app, "Timeline 10 events")
        assert not events.filtered


async def test_lines_that_are_not_there_are_said_so() -> None:
    app = watched()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await pilot.press("end", "enter")
        await shows(app, "! The log reaches back to 11:58:05, not to 10:53:20")
        await pilot.press("down")
        await hides(app, "reaches back")
        await pilot.press("tab", "home", "enter")
        await shows(app, "! No line at 11:59:48; the nearest one is of 11:59:00")
        fresh = (*LOG, *more_lines(3, NOW - 12, "drifted"))
        app.still.show(still(log=fresh))
        await shows(app, "▸11:59:48", "drifted 0")
        await hides(app, "No line at")


async def test_lines_are_waited_for() -> None:
    app = watched(with_log("waiting"))
    async with app.run_test(size=SMALL):
        app.post_message(LinesWanted(LOAD_AT, LOAD_AT + 0.5, QWEN))
        await until(lambda: isinstance(app.screen, TimelineScreen))
        await shows(app, "reading the log", "as soon as the log has come")
        app.still.show(still())
        await shows(app, "▸11:58:", "Loading backend runner")
        await hides(app, "as soon as")


async def test_an_event_about_a_call_leads_to_it() -> None:
    app = watched()
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await pilot.press("r")
        assert app.wanted == []
        await pilot.press("down", "down", "r")
        await until(lambda: app.wanted == ["sha256:1_78"])


async def test_a_line_leads_to_the_call_that_ran_then() -> None:
    old = request(id="old", started_at=LOAD_AT - 100, finished_at=LOAD_AT - 90, outcome="done")
    own = request(id="own", started_at=LOAD_AT - 1, finished_at=LOAD_AT + 5, outcome="done")
    app = watched(still(finished=(old, own), in_flight=()))
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await pilot.press("tab", "r")
        await until(lambda: app.wanted == ["own"])
        await pilot.press("home", "r")
        await shows(app, "No call that is known ran")
    other = replace(LOG[-1], digest=GEMMA)
    assert request_at(other, (own,)) is None


async def test_events_are_filtered() -> None:
    app = watched()
    async with app.run_test(size=WIDE) as pilot:
        events, _ = await opened(pilot, app)
        await pilot.press("w")
        await shows(app, "Timeline 6 of 10 events", "warnings and errors")
        await pilot.press("w")
        await shows(app, "Timeline 2 of 10 events", "errors")
        await pilot.press("w", "down", "down", "down", "m")
        await shows(app, "Timeline 1 of 10 events", "only gemma3:4B-Q4_K_M")
        await pilot.press("escape")
        await shows(app, "Timeline 10 events")
        await pilot.press("slash")
        await type_text(pilot, "window")
        await shows(app, "Timeline 2 of 10 events", "with window")
        await pilot.press("enter", "escape")
        await shows(app, "Timeline 10 events")
        assert not events.filtered
        await pilot.press("slash")
        await type_text(pilot, "nothing of that")
        await shows(app, "no event matches; esc shows all")


async def test_a_runner_without_a_log() -> None:
    app = watched(no_log())
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app)
        await shows(app, "from what is loaded; this version has no log", "docker model logs")
        await pilot.press("enter")
        await shows(app, "This version of the runner has no log")


async def test_nothing_happened_yet() -> None:
    app = watched(still(events=(), log=()))
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app)
        await shows(app, "nothing yet", "docker model run NAME")
        await pilot.press("enter", "m", "r", "tab", "enter", "b", "r", "m", "w", "t", "space")
        await pilot.press("home", "pageup", "up", "down", "end")
        assert app.is_running


async def test_a_small_window_shows_the_pane_with_the_keys() -> None:
    app = watched()
    async with app.run_test(size=NARROW) as pilot:
        await opened(pilot, app)
        await shows(app, "Timeline 10", "reload thrash")
        await hides(app, "Log 162")
        await pilot.press("tab")
        await shows(app, "Log 162", "cancel task", "following")
        await hides(app, "Timeline 10")
        await pilot.press("b")
        await shows(app, "Timeline 10")
        await pilot.press("end", "up", "up", "enter")
        await shows(app, "▸11:58:", "Log 162")


async def test_one_pane_may_have_the_whole_screen() -> None:
    app = watched()
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app)
        await pilot.press("f")
        await hides(app, "Log 162")
        await pilot.press("tab")
        await shows(app, "Log 162")
        await hides(app, "Timeline 10")
        await pilot.press("f")
        await shows(app, "Timeline 10", "Log 162")
        await pilot.press("tab", "f", "enter")
        await shows(app, "Timeline 10", "Log 162", "▸11:59:")


async def test_events_of_other_days_have_a_date() -> None:
    app = watched(still(events=(event(0, NOW - 86400, "unloaded", "idle", "ps"), *EVENTS)))
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, app)
        await pilot.press("end")
        await shows(app, "11-21 12:00:00")


async def test_the_newest_event_is_followed_only_from_the_top() -> None:
    app = watched(still(events=EVENTS[:-1]))
    async with app.run_test(size=WIDE) as pilot:
        events, _ = await opened(pilot, app)
        app.still.show(still())
        await shows(app, "config drift: the engine gives")
        await pilot.press("down")
        app.still.show(still(events=(*EVENTS, event(10, NOW, "unloaded", "idle", "log"))))
        await shows(app, "Timeline 11 events")
        assert events.row is not None
        assert events.row.kind == "reload thrash"
