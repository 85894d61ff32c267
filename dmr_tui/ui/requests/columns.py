"""The columns of finished requests, and of requests counted by caller or by model."""

from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter
from typing import Any, TypeVar

from dmr_tui.measure.request_numbers import context_used, ended, window
from dmr_tui.runner.names import short
from dmr_tui.runner.request import Request
from dmr_tui.state.requests import RequestGroup
from dmr_tui.text import format
from dmr_tui.text.request_fields import BY_NAME, duration_words
from dmr_tui.text.requests import (
    api_word,
    caller_word,
    model_word,
    moment,
    short_status,
    slow_lately_words,
    status_text,
)
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.requests.request_text import status_style
from dmr_tui.ui.shell.pane import now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part
from dmr_tui.ui.widgets.table import Column

C = Column[Request]
G = Column[RequestGroup]
R = TypeVar("R")
Words = Callable[[Any], str]
Value = Callable[[RequestGroup], float | None]
DECODE = BY_NAME["decode_tok_s"]


def request_columns(
    caller: Callable[[Request], str],
    ahead: Callable[[], float],
    nearly_full: Callable[[], float],
) -> tuple[Column[Request], ...]:
    """`caller` names a request's caller as the user does; the runner's clock is `ahead` of ours.

    `nearly_full`: per cent of its context window from which on a request is marked.
    """

    def at(row: Request) -> Part:
        return moment(ended(row) - ahead(), now()), "$label"

    def context(row: Request) -> Part:
        used, size = context_used(row), window(row)
        if used is None:
            return format.UNKNOWN, "$faint"
        if not size:
            return format.window(used), "$value"
        style = "bold $load-heavy" if 100.0 * used >= nearly_full() * size else "$value"
        return f"{format.window(used)}/{format.window(size)}", style

    def caller_cell(row: Request) -> Part:
        return caller_word(caller(row)), "$value"

    def decode(row: Request) -> Part:
        return _decode(DECODE.value(row), slow=row.slow is not None)

    brief = C("status", "STATUS", 12, _short_status, lambda row: row.outcome)
    return (
        C("time", "ENDED", 9, at, ended),
        C("model", "MODEL", 0, _model, lambda row: short(row.model).lower()),
        C("caller", "CALLER", 0, caller_cell, lambda row: caller(row).lower()),
        C("api", "API", 10, lambda row: (api_word(row), "$label"), lambda row: row.api, drop=6),
        _field("new", "new_prompt_tokens", 5),
        _field("cached", "cached_tokens", 7),
        _field("gen", "completion_tokens", 1),
        _field("prefill", "prefill_tok_s", 4),
        C("decode", DECODE.title, DECODE.width, decode, DECODE.value, True),
        _field("ttft", "ttft_s", 3),
        _field("wait", "waited_s", 8),
        _field("took", "duration_s", 0),
        C("context", "CONTEXT", 9, context, context_used, True, 2),
        replace(brief, width=27, cell=_status, drop=9, narrow=brief),
    )


def _model(row: Request) -> Part:
    return model_word(row.model), "bold $value"


def _status(row: Request) -> Part:
    return status_text(row), status_style(row)


def _short_status(row: Request) -> Part:
    return short_status(row), status_style(row)


def _field(key: str, name: str, drop: int) -> C:
    """Return the column of a number in the table of fields; `drop` tells which go first."""
    field = BY_NAME[name]
    return _number(key, field.title, field.width, field.value, field.words, "$value", drop)


def _number(
    key: str,
    title: str,
    width: int,
    value: Callable[[R], Any],
    words: Words,
    style: str,
    drop: int,
) -> Column[R]:
    def cell(row: R) -> Part:
        number = value(row)
        return words(number), "$faint" if number is None else style

    return Column(key, title, width, cell, value, True, drop)


def _decode(rate: float | None, *, slow: bool) -> Part:
    if rate is None:
        return format.UNKNOWN, "$faint"
    if slow:
        return f"{GLYPHS.warning}{format.rate(rate)}", "bold $warning"
    return format.rate(rate), "bold $value"


def group_columns(name: str, ahead: Callable[[], float]) -> tuple[Column[RequestGroup], ...]:
    """`name` is the title of the first; the runner's clock is `ahead` of ours."""

    def last(group: RequestGroup) -> Part:
        return moment(group.last_at - ahead(), now()), "$label"

    def decode(group: RequestGroup) -> Part:
        rate = None if group.decode is None else group.decode.p50
        return _decode(rate, slow=group.slow is not None)

    half, *most = _half_and_most("decode", "DECODE p50", format.rate, 6, (0, 6))
    return (
        G("name", name, 0, _name, lambda group: group.name.lower()),
        _count("calls", attrgetter("requests"), 6, "$value", 0),
        _count("failed", attrgetter("failed"), 6, "bold $error", 0),
        _count("left", attrgetter("left"), 5, "$warning", 3),
        _count("cold", attrgetter("cold"), 5, "$value", 9),
        replace(half, cell=decode),
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


def _share(share: float | None) -> str:
    return format.UNKNOWN if share is None else f"{100.0 * share:.0f} %"


def _tokens(number: int) -> str:
    """Token totals in decimal thousands, as bills have them."""
    if number < 100_000:
        return format.count(number)
    unit, size = ("M", 1e6) if number >= 999_500 else ("k", 1e3)
    return f"{format.significant(number / size)}{unit}"
