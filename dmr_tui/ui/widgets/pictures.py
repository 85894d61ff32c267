"""Bars and histories as text: one fixed scale for each quantity, a gap stays a gap."""

from collections.abc import Sequence
from dataclasses import dataclass

from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Part


def bar(percent: float | None, width: int) -> str:
    """Draw a bar of `width` cells on a scale from 0 to 100; empty if unknown."""
    filled = 0 if percent is None else round(min(max(percent, 0.0), 100.0) / 100.0 * width)
    if percent is not None and percent >= 1.0:
        filled = max(filled, 1)
    return GLYPHS.full * filled + GLYPHS.empty * (width - filled)


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a stacked bar."""

    percent: float
    sign: str
    style: str


def stacked(shares: Sequence[Share], width: int) -> list[Part]:
    """Draw a bar of `width` cells on a scale from 0 to 100, one filling after the other.

    What is not quite nothing gets a cell, as long as there is one for it.
    """
    parts: list[Part] = []
    filled, sofar = 0, 0.0
    for share in shares:
        sofar += max(0.0, share.percent)
        until = min(width, round(min(sofar, 100.0) / 100.0 * width))
        if share.percent >= 0.5 and until == filled < width:
            until += 1
        if until > filled:
            parts.append((share.sign * (until - filled), share.style))
            filled = until
    parts.append((GLYPHS.empty * (width - filled), "$faint"))
    return parts


def history(
    values: Sequence[float | None], width: int, top: float, *, rows: int = 1, end: int = 0
) -> list[str]:
    """Draw the newest values in `width` cells on a scale from 0 to `top`, the newest at the right.

    One text for each of `rows`, the uppermost first. A series longer than the space shows in
    each cell the highest of the values that fall there; `end` is the running number of the newest
    value, by which a value keeps its neighbours while it moves to the left.
    """
    if width <= 0:
        return [""] * rows
    cells = _squeezed(values, width, end)[-width:]
    steps = len(GLYPHS.spark)
    heights = [_height(value, top, rows * steps) for value in cells]
    pictures = []
    for row in reversed(range(rows)):
        signs = "".join(_sign(height, row * steps) for height in heights)
        pictures.append(signs.rjust(width))
    return pictures


def _squeezed(values: Sequence[float | None], width: int, end: int) -> list[float | None]:
    if len(values) <= width:
        return list(values)
    per_cell = -(-len(values) // width)
    first = end - len(values) + 1
    groups: dict[int, list[float | None]] = {}
    for number, value in enumerate(values, first):
        groups.setdefault(number // per_cell, []).append(value)
    return [_highest(group) for group in groups.values()]


def _highest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _height(value: float | None, top: float, steps: int) -> int | None:
    """Return eighths of a cell, at least one: a zero is seen, a gap is not."""
    if value is None:
        return None
    share = 0.0 if top <= 0.0 else min(max(value / top, 0.0), 1.0)
    return max(1, round(share * steps))


def _sign(height: int | None, below: int) -> str:
    if height is None or height <= below:
        return " "
    return GLYPHS.spark[min(height - below, len(GLYPHS.spark)) - 1]


def round_top(value: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten: the end of a scale that stays the same."""
    if value <= 0.0:
        return 1.0
    power = 1.0
    while power * 10.0 < value:
        power *= 10.0
    while power > value:
        power /= 10.0
    return next(power * step for step in (1.0, 2.0, 5.0, 10.0) if power * step >= value)


def load_style(percent: float | None, *, heavy: float, critical: float) -> str:
    """Return the style of a load: fine, heavy or critical, by thresholds of its own."""
    if percent is None:
        return "$faint"
    if percent >= critical:
        return "$load-critical"
    if percent >= heavy:
        return "$load-heavy"
    return "$load-ok"
