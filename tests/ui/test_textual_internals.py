"""The private names of Textual that the dashboard uses are still there."""

import sys

import pytest
from textual import events
from textual.app import App
from textual.containers import Vertical
from textual.widgets import Static

from dmr_tui.ui.widgets.dialog import OwnScreen
from dmr_tui.ui.widgets.textual_internals import key_name


def test_a_character_has_the_name_of_its_key() -> None:
    assert (key_name(":"), key_name("+"), key_name("a")) == ("colon", "plus", "a")


@pytest.mark.skipif(sys.platform == "win32", reason="no program is stopped by a signal there")
async def test_the_driver_knows_whether_textual_suspended_it() -> None:
    from textual.drivers.linux_driver import LinuxDriver

    app: App[None] = App()
    assert app._driver is None
    async with app.run_test():
        assert app._driver is not None
        driver = LinuxDriver(app)
    assert driver._must_signal_resume is False


async def test_the_mouse_on_a_widget_that_was_just_removed() -> None:
    """Until the next layout the screen finds it there; it has no parent any more."""
    app: App[None] = App()
    async with app.run_test() as pilot:
        await app.push_screen(screen := OwnScreen[None]())
        await screen.mount(Vertical(text := Static("some text")))
        await pilot.pause()
        assert screen.get_widget_and_offset_at(2, 0)[0] is text
        await text.remove()
        assert text in screen._compositor.visible_widgets, "it is not laid out again yet"
        down = events.MouseDown(None, 2, 0, 0, 0, 1, False, False, False, 2, 0)
        screen._forward_event(down)
        assert screen.get_widget_and_offset_at(2, 0) == (None, None)
