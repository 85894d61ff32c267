"""The private names of Textual that the dashboard uses are still there."""

import asyncio
import sys
from collections import Counter
from typing import Any

import pytest
from textual import events
from textual.app import App
from textual.containers import Vertical
from textual.css.parse import parse
from textual.geometry import Size
from textual.theme import Theme
from textual.widgets import Static

from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.widgets.dialog import OwnScreen
from dmr_tui.ui.widgets.textual_internals import key_name
from tests.ui.still import StillMonitor, snapshot


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


async def test_styles_are_parsed_once_for_each_theme(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: Counter[Any] = Counter()

    def counted(scope: str, css: str, read_from: Any, **more: Any) -> Any:
        parsed[read_from, css, scope] += 1
        return parse(scope, css, read_from, **more)

    app = DashboardApp(StillMonitor(snapshot()))
    # Colours that no other app of this process has had.
    app.register_theme(Theme("first", primary="#112233"))
    app.register_theme(Theme("second", primary="#332211"))
    async with app.run_test() as pilot:
        monkeypatch.setattr("textual.css.stylesheet.parse", counted)
        app.theme = "first"
        await pilot.pause()
        colour = app.screen.styles.background
        for key in ("2", "3", "1"):
            await pilot.press(key)
        assert parsed
        assert set(parsed.values()) == {1}
        parsed.clear()
        app.theme = "second"
        await pilot.pause()
        assert set(parsed.values()) == {1}, "other colours"
        parsed.clear()
        app.theme = "first"
        await pilot.pause()
        assert not parsed
        assert app.screen.styles.background == colour


async def test_two_sizes_on_their_way_do_not_follow_each_other_without_end() -> None:
    app = DashboardApp(StillMonitor(snapshot()))
    layouts: list[Size] = []
    async with app.run_test(size=(140, 42)) as pilot:
        screen = app.screen
        screen.screen_layout_refresh_signal.subscribe(screen, lambda _: layouts.append(screen.size))
        # Meanwhile each layout leaves a message between the two, which Textual else joins.
        with app.batch_update():
            for size in (Size(60, 20), Size(140, 42)):
                screen.post_message(events.Resize(size, size))
                screen.call_later(lambda: None)
            for _ in range(300):
                await asyncio.sleep(0)
            assert len(layouts) < 20
        await pilot.pause()
        assert screen.size == Size(140, 42)
