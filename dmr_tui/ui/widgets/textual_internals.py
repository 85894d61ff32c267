"""Textual's private names that the dashboard uses, all of them here; tests check that they exist.

Checked against Textual 8.2.8.
"""

from typing import Any

from textual.app import App
from textual.keys import _character_to_key


def key_name(character: str) -> str:
    """Return Textual's name of the key that types a character: "colon"."""
    return _character_to_key(character)


def begin_suspension(app: App[Any]) -> None:
    """Prepare the terminal's driver for a resume, unless Textual has suspended it itself.

    Textual takes every SIGCONT for the end of its own pause. After a SIGSTOP, which no program
    hears, it would read the keys in two threads and never end.
    """
    driver = app._driver
    if driver is not None and not getattr(driver, "_must_signal_resume", True):
        driver.suspend_application_mode()
