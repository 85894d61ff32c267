"""The private names of Textual that the dashboard uses are still there."""

import sys

import pytest
from textual.app import App

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
