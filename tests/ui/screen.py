"""The screen as a person reads it."""

import html
import re

from textual.app import App
from textual.pilot import Pilot

from tests.waiting import until

_TEXT = re.compile(r'<text[^>]*\by="([\d.]+)"[^>]*>([^<]*)</text>')


def screen_text(app: App[None]) -> str:
    """All that is on the screen, line by line."""
    lines: dict[float, str] = {}
    picture = app.export_screenshot(simplify=True)
    for y, text in _TEXT.findall(picture):
        lines[float(y)] = lines.get(float(y), "") + html.unescape(text).replace("\xa0", " ")
    return "\n".join(lines[y] for y in sorted(lines) if lines[y].strip())


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
    for character in text:
        await pilot.press(names.get(character, character))
