"""Prompt and answer as lines of plain text."""

from collections.abc import Iterator

from rich.cells import cell_len

from dmr_tui.state.replies import Bodies
from dmr_tui.text.sanitize import plain, plain_lines
from dmr_tui.text.turns import failure_lines
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, wrapped

LONGEST = 100_000
"""Characters of one text that are shown: breaking millions into lines would take seconds."""


def body_lines(bodies: Bodies, width: int) -> list[Line]:
    """The messages with their roles, then reasoning and answer."""
    if bodies.failure is not None:
        said = failure_lines(bodies.failure)
        return [line for text in said for line in text_lines(text, width, "$warning")]
    lines: list[Line] = []
    for role, text in bodies.prompt:
        lines += [*_titled(role, text, width), ()]
    if bodies.reasoning:
        lines += [*_titled("reasoning", bodies.reasoning, width), ()]
    lines += _titled("answer", bodies.answer or "(no text)", width)
    return lines


def _titled(title: str, text: str, width: int) -> Iterator[Line]:
    yield ((plain(title), "bold $accent"), (f"  {len(text):,} characters", "$faint"))
    yield from text_lines(text, width, "$value")


def text_lines(text: str, width: int, style: str) -> list[Line]:
    """`text` broken into lines of that width; control characters are visible signs."""
    shown = plain_lines(text[:LONGEST]).expandtabs(4)
    lines: list[Line] = []
    for line in shown.split("\n"):
        part = (line, style)
        lines += [(part,)] if cell_len(line) <= width else wrapped((part,), width, 0)
    if len(text) > LONGEST:
        more = f"{GLYPHS.ellipsis} and {len(text) - LONGEST:,} characters more"
        lines.append(((more, "$warning"),))
    return lines
