"""The line of keys: what it shows, what it leaves out first, and that its keys are buttons."""

from collections.abc import Sequence

import pytest
from textual.pilot import Pilot

from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.messages import SnapshotReady
from dmr_tui.ui.shell.help import HelpDialog
from dmr_tui.ui.shell.keybar import KeyBar, Mark, fitting
from tests.ui.screen import shows
from tests.ui.still import StillMonitor, snapshot, without_runner
from tests.waiting import until


def bar(app: DashboardApp) -> str:
    """The line as a person reads it."""
    keys = app.screen_stack[0].query_one(KeyBar)
    return " " + keys.render_line(0).text


def mark(sign: str, word: str, action: str = "") -> Mark:
    return Mark(action or f"screen.{word.lower()}", sign, sign, word, True, "")


MARKS = (
    mark("⏎", "Chat"),
    mark("i", "Details"),
    mark("s", "Sort"),
    mark("^q", "Quit", "app.quit"),
    mark("1", "Dashboard", "app.show('dashboard')"),
    mark("6", "Doctor", "app.show('doctor')"),
    mark("?", "Help", "app.help"),
)


def words(marks: Sequence[Mark]) -> str:
    return " ".join(f"{each.sign} {each.word}".strip() for each in marks)


@pytest.mark.parametrize(
    ("pool", "left"),
    [
        (60, "⏎ Chat i Details s Sort ^q Quit 1 Dashboard 6 Doctor ? Help"),
        (59, "⏎ Chat i Details s Sort ^q Quit 1 Dashboard 6 Doctor ? Help"),
        (58, "⏎ Chat i Details s Sort ^q Quit 1 6 Screens ? Help"),
        (50, "⏎ Chat i Details s Sort ^q Quit 1 6 Screens ? Help"),
        (49, "⏎ Chat i Details ^q Quit 1 6 Screens ? Help"),
        (42, "⏎ Chat ^q Quit 1 6 Screens ? Help"),
        (5, "⏎ Chat ^q Quit 1 6 Screens ? Help"),
    ],
)
def test_names_of_screens_go_first_and_the_last_keys_next(pool: int, left: str) -> None:
    assert words(fitting(MARKS, pool)) == left


@pytest.mark.parametrize("size", [(140, 42), (80, 24)])
async def test_help_and_every_screen_are_always_there(size: tuple[int, int]) -> None:
    app = DashboardApp(StillMonitor(snapshot()))
    async with app.run_test(size=size) as pilot:
        for key, word in (("2", "v Count"), ("3", "u Unload"), ("4", "r Request"), ("1", "⏎ Chat")):
            await pilot.press(key)
            await until(lambda word=word: word in bar(app), word)  # type: ignore[misc]
            assert "? Help" in bar(app)
            assert "palette" in bar(app)
            for number in "12346":
                assert f" {number} " in bar(app)


async def test_what_can_be_done_now_follows_the_snapshot() -> None:
    monitor = StillMonitor(without_runner())
    app = DashboardApp(monitor)

    def lit(word: str) -> bool:
        strip = app.screen.query_one(KeyBar).render_line(0)
        found = next(each for each in strip if each.text.strip() == word)
        faint = next(each for each in strip if each.text.strip() == "Doctor")
        return found.style != faint.style

    async with app.run_test(size=(140, 42)) as pilot:
        await until(lambda: "p Prove" in bar(app) and not lit("Prove"))
        await pilot.press("1")
        await until(lambda: "a Actions" in bar(app))
        app.post_message(SnapshotReady(snapshot(), app.monitor))
        await pilot.press("6")
        await until(lambda: lit("Prove"))


async def click(pilot: Pilot[None], text: str) -> None:
    at = pilot.app.screen.query_one(KeyBar).region
    column = bar(pilot.app).index(text)
    await pilot.click(offset=(column, at.y))


async def test_a_click_presses_the_key() -> None:
    app = DashboardApp(StillMonitor(snapshot()))
    async with app.run_test(size=(140, 42)) as pilot:
        await until(lambda: "? Help" in bar(app))
        await click(pilot, "3 Memory")
        await shows(app, "Who holds what")
        await click(pilot, "? Help")
        await until(lambda: isinstance(app.screen, HelpDialog))


async def test_what_cannot_be_done_is_there_and_does_nothing() -> None:
    app = DashboardApp(StillMonitor(without_runner()))
    async with app.run_test(size=(140, 42)) as pilot:
        await until(lambda: "p Prove" in bar(app))
        await click(pilot, "p Prove")
        await click(pilot, "6")
        await shows(app, "What to do")
        assert len(app.screen_stack) == 1


async def test_other_keys_are_shown_where_something_else_has_the_focus() -> None:
    app = DashboardApp(StillMonitor(snapshot()))
    async with app.run_test(size=(140, 42)) as pilot:
        await until(lambda: "c Prompt" in bar(app))
        await pilot.press("c")
        await until(lambda: "⏎ Send" in bar(app) and "f1 Help" in bar(app))
        assert "c Prompt" not in bar(app)
        await pilot.press("escape")
        await until(lambda: "c Prompt" in bar(app) and "⏎ Send" not in bar(app))


async def test_the_pointer_tells_what_a_key_does() -> None:
    app = DashboardApp(StillMonitor(snapshot()))
    async with app.run_test(size=(140, 42)) as pilot:
        await until(lambda: "? Help" in bar(app))
        keys = app.screen.query_one(KeyBar)
        await pilot.hover(offset=(bar(app).index("a Actions"), keys.region.y))
        await until(lambda: "Everything that can be done" in str(keys.tooltip))
        await pilot.hover(offset=(5, 5))
        await until(lambda: keys.tooltip is None)
