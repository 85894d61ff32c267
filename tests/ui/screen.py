"""The screen as a user reads it."""

from textual._context import visible_screen_stack
from textual.app import App
from textual.pilot import Pilot

from tests.waiting import until


def screen_text(app: App[None]) -> str:
    """All that is on the screen, line by line, without blank lines and runs of blank cells.

    Read from the compositor: a picture of the screen (`export_screenshot`) costs ten times as
    much, and waiting tests read the screen a hundred times a second.
    """
    before = visible_screen_stack.set(app._background_screens)
    try:
        strips = app.screen._compositor.render_strips()
    finally:
        visible_screen_stack.reset(before)
    lines = (
        "".join(segment.text for segment in strip.simplify() if not segment.text.isspace())
        for strip in strips
    )
    return "\n".join(line for line in lines if line.strip())


async def shows(app: App[None], *texts: str) -> None:
    """Wait until all of `texts` are on the screen, or fail with what is there."""
    try:
        await until(lambda: all(text in screen_text(app) for text in texts))
    except AssertionError:
        raise AssertionError(f"no {texts} on:\n{screen_text(app)}") from None


async def hides(app: App[None], text: str) -> None:
    """Wait until `text` is gone from the screen, or fail with what is there."""
    try:
        await until(lambda: text not in screen_text(app))
    except AssertionError:
        raise AssertionError(f"still {text!r} on:\n{screen_text(app)}") from None


async def type_text(pilot: Pilot[None], text: str) -> None:
    """Press the keys of `text`."""
    names = {" ": "space", "/": "slash", "?": "question_mark"}
    await pilot.press(*(names.get(character, character) for character in text))
