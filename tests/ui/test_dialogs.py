"""Dialogs close once and close themselves, whatever is pressed and whatever lies over them."""

import pytest
from textual import events
from textual.app import App
from textual.pilot import Pilot

from dmr_tui.state.plan import Progress
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.chat.prompt import PromptArea
from dmr_tui.ui.models.confirm_dialog import ConfirmDialog
from dmr_tui.ui.widgets.dialog import Dialog
from dmr_tui.ui.widgets.textual_internals import Palette
from tests.ui.screen import shows
from tests.ui.still import StillMonitor, snapshot
from tests.waiting import until

SIZE = (140, 42)


def burst(app: App[None], *keys: str) -> None:
    """Send keys as fast as a held key does: none waits for what the one before it does."""
    for key in keys:
        event = events.Key(key, key if len(key) == 1 else None)
        event.set_sender(app)
        app.post_message(event)


async def settled(pilot: Pilot[None], app: DashboardApp) -> None:
    """Wait until the keys are worked off, and see that the app still takes one."""
    await pilot.pause()
    await pilot.press("ctrl+q")
    await until(lambda: not app.is_running)


@pytest.mark.parametrize(
    "keys",
    [
        *(("a", "enter", "enter", "enter"), ("a", "escape", "escape"), ("a", "pagedown", "pageup")),
        *(("ctrl+p", "pagedown"), ("ctrl+p", "ctrl+p"), ("ctrl+p", "escape", "ctrl+p", "escape")),
        *(("question_mark", "ctrl+p", "ctrl+p", "escape", "escape"), ("ctrl+p", "enter", "enter")),
        *(("question_mark", "question_mark", "escape"), ("i", "i", "escape", "escape")),
        *(("l", "enter", "enter", "escape"), ("D", "enter", "enter"), ("o", "ctrl+s", "ctrl+s")),
        *(
            ("n", "escape", "escape"),
            ("enter", "ctrl+t", "escape", "escape"),
            ("u", "y", "y", "escape"),
        ),
    ],
    ids=" ".join,
)
async def test_keys_that_come_twice(keys: tuple[str, ...]) -> None:
    app = DashboardApp(StillMonitor(snapshot()))
    async with app.run_test(size=SIZE) as pilot:
        await shows(app, "qwen3:8B")
        burst(app, *keys)
        await settled(pilot, app)
    assert app.return_code in {0, None}


@pytest.mark.parametrize("over", ["ctrl+p", "f1"])
async def test_a_dialog_that_ends_below_another_closes_itself(over: str) -> None:
    app = DashboardApp(monitor := StillMonitor(snapshot()))
    async with app.run_test(size=SIZE) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("u")
        await until(lambda: isinstance(app.screen, ConfirmDialog))
        dialog = app.screen
        assert isinstance(dialog, ConfirmDialog)
        await pilot.press("y")
        await until(lambda: monitor.plans)
        if over == "ctrl+p":
            await pilot.press(over)
        else:
            # A dialog keeps this key to itself; a command of the palette reaches it all the same.
            app.action_help()
        await until(lambda: app.screen is not dialog)
        dialog.post_message(ConfirmDialog.Advanced(Progress((), ended=True)))
        await until(lambda: len(app.screen_stack) == 1)
        dialog.dismiss(False)
        assert len(app.screen_stack) == 1, "the screen behind is still there"
        await settled(pilot, app)


async def test_the_palette_is_there_once() -> None:
    app = DashboardApp(StillMonitor(snapshot()))
    async with app.run_test(size=SIZE) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("ctrl+p")
        await until(lambda: isinstance(app.screen, Palette))
        app.action_help()
        app.action_command_palette()
        await pilot.pause()
        assert sum(isinstance(screen, Palette) for screen in app.screen_stack) == 1


@pytest.mark.parametrize(
    "keys",
    [("question_mark",), ("ctrl+p",), ("n",), ("a",), ("i",), ("enter", "ctrl+t"), ("o",), ("D",)],
    ids=str,
)
async def test_ctrl_q_quits_in_every_dialog(keys: tuple[str, ...]) -> None:
    app = DashboardApp(StillMonitor(snapshot()))
    async with app.run_test(size=SIZE) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press(*keys)
        await until(lambda: len(app.screen_stack) == 2)
        await pilot.press("ctrl+q")
        await until(lambda: not app.is_running)


async def test_a_prompt_is_never_written_blindly() -> None:
    app = DashboardApp(StillMonitor(snapshot()))
    async with app.run_test(size=SIZE) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("f")
        await until(lambda: app.screen.maximized is not None)
        await pilot.press("enter")
        await until(lambda: isinstance(app.focused, PromptArea))
        await until(lambda: app.screen.maximized is None)
        await shows(app, "ask the chosen model")


async def test_escape_gives_a_maximized_list_its_usual_size() -> None:
    app = DashboardApp(StillMonitor(snapshot()))
    async with app.run_test(size=SIZE) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("f")
        await until(lambda: app.screen.maximized is not None)
        await pilot.press("escape")
        await until(lambda: app.screen.maximized is None)


class Hasty(Dialog[None]):
    """A dialog that is closed before it is there, and looks for what it would have had."""

    def on_mount(self) -> None:
        self.dismiss()
        self.query_one("#nothing")


async def test_what_a_closed_dialog_does_not_find_is_no_error() -> None:
    app = DashboardApp(StillMonitor(snapshot()))
    async with app.run_test(size=SIZE) as pilot:
        await shows(app, "qwen3:8B")
        app.push_screen(Hasty())
        await until(lambda: len(app.screen_stack) == 1)
        await settled(pilot, app)
    assert app.return_code in {0, None}
