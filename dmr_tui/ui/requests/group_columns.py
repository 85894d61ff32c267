"""The columns of requests counted by caller or by model."""

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from typing import Any

from dmr_tui.state.requests import RequestGroup
from dmr_tui.text import format
from dmr_tui.text.request_fields import duration_words
from dmr_tui.text.requests import moment, slow_lately_words
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.pane import now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part
from dmr_tui.ui.widgets.table import Column

G = Column[RequestGroup]
Value = Callable[[RequestGroup], float | None]
Words = Callable[[Any], str]


def group_columns(name: str, ahead: Callable[[], float]) -> tuple[Column[RequestGroup], ...]:
    """`name` is the title of the first; the runner's clock is `ahead` of ours."""

    def last(group: RequestGroup) -> Part:
        return moment(group.last_at - ahead(), now()), "$label"

    decode, *most = _half_and_most("decode", "DECODE p50", format.rate, 6, (0, 6))
    return (
        G("name", name, 0, _name, lambda group: group.name.lower()),
        _count("calls", attrgetter("requests"), 6, "$value", 0),
        _count("failed", attrgetter("failed"), 6, "bold $error", 0),
        _count("left", attrgetter("left"), 5, "$warning", 3),
        _count("cold", attrgetter("cold"), 5, "$value", 9),
        replace(decode, cell=_decode),
        *most,
        *_half_and_most("prefill", "PREFILL p50", format.rate, 6, (4, 10)),
        *_half_and_most("ttft", "TTFT p50", duration_words, 7, (1, 5)),
        _number("wait", "WAIT p95", 8, _of("waited", "p95"), duration_words, "$value", 8),
        _number("together", "TOGETHER", 8, attrgetter("combined_rate"), format.rate, "$value", 7),
        _number("cached", "CACHED", 6, attrgetter("cache_share"), _share, "$value", 2),
        _number("prompt", "PROMPT", 7, attrgetter("prompt_tokens"), _tokens, "$label", 12),
        _number("gen", "GEN", 7, attrgetter("completion_tokens"), _tokens, "$label", 11),
        G("last", "LAST", 9, last, lambda group: group.last_at, True, 1),
    )


def group_remarks(group: RequestGroup) -> Line:
    """Say why a group is slower than usual, and how often requests were sent again."""
    parts: list[Part] = []
    if group.slow:
        parts.append(
            (f"{GLYPHS.warning} slower than usual: {slow_lately_words(group.slow)}", "$warning")
        )
    if group.retried:
        dot = f" {GLYPHS.dot} " if parts else ""
        calls = "call was" if group.retried == 1 else "calls were"
        parts.append((f"{dot}{group.retried:,} {calls} sent more than once", "$label"))
    return tuple(parts)


def _number(
    key: str, title: str, width: int, value: Value, words: Words, style: str, drop: int
) -> G:
    def cell(group: RequestGroup) -> Part:
        number = value(group)
        return words(number), "$faint" if number is None else style

    return G(key, title, width, cell, value, True, drop)


def _count(key: str, value: Callable[[RequestGroup], int], width: int, style: str, drop: int) -> G:
    def cell(group: RequestGroup) -> Part:
        number = value(group)
        return format.count(number), style if number else "$faint"

    return G(key, key.upper(), width, cell, value, True, drop)


def _half_and_most(
    key: str, title: str, words: Words, width: int, drops: tuple[int, int]
) -> tuple[G, G]:
    """Return the columns of p50 and of p95, which is `width` cells wide."""
    half, most = _of(key, "p50"), _of(key, "p95")
    return (
        _number(key, title, len(title), half, words, "bold $value", drops[0]),
        _number(f"{key} p95", "p95", width, most, words, "$label", drops[1]),
    )


def _of(summary: str, part: str) -> Value:
    """Return what gives that part of a Summary of a group, None without one."""
    return lambda group: getattr(getattr(group, summary), part, None)


def _name(group: RequestGroup) -> Part:
    return plain(group.name), "bold $value"


def _decode(group: RequestGroup) -> Part:
    rate = None if group.decode is None else group.decode.p50
    if rate is not None and group.slow:
        return f"{GLYPHS.warning}{format.rate(rate)}", "bold $warning"
    return format.rate(rate), "$faint" if rate is None else "bold $value"


def _share(share: float | None) -> str:
    return format.UNKNOWN if share is None else f"{100.0 * share:.0f} %"


def _tokens(number: int) -> str:
    """Token totals in decimal thousands, as bills have them."""
    if number < 100_000:
        return format.count(number)
    unit, size = ("M", 1e6) if number >= 999_500 else ("k", 1e3)
    return f"{format.significant(number / size)}{unit}"
