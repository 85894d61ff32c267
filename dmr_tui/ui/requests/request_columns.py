"""The columns of finished requests."""

from collections.abc import Callable
from dataclasses import replace

from dmr_tui.measure.request_numbers import context_used, ended
from dmr_tui.runner.names import short
from dmr_tui.runner.request import Request
from dmr_tui.text import format
from dmr_tui.text.request_fields import BY_NAME
from dmr_tui.text.requests import (
    api_word,
    caller_word,
    model_word,
    moment,
    short_status,
    status_text,
)
from dmr_tui.ui.requests.request_text import context, status_style
from dmr_tui.ui.shell.pane import now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Part
from dmr_tui.ui.widgets.table import Column

C = Column[Request]
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

    def context_cell(row: Request) -> Part:
        return context(row, nearly_full())

    def caller_cell(row: Request) -> Part:
        return caller_word(caller(row)), "$value"

    brief = C("status", "STATUS", 12, _short_status, lambda row: row.outcome)
    return (
        C("time", "ENDED", 9, at, ended),
        C("model", "MODEL", 0, _model, lambda row: short(row.model).lower()),
        C("caller", "CALLER", 0, caller_cell, lambda row: caller(row).lower()),
        C("api", "API", 10, lambda row: (api_word(row), "$label"), lambda row: row.api, drop=6),
        _number("new", "new_prompt_tokens", 5),
        _number("cached", "cached_tokens", 7),
        _number("gen", "completion_tokens", 1),
        _number("prefill", "prefill_tok_s", 4),
        C("decode", DECODE.title, DECODE.width, _decode, DECODE.value, True),
        _number("ttft", "ttft_s", 3),
        _number("wait", "waited_s", 8),
        _number("took", "duration_s", 0),
        C("context", "CONTEXT", 9, context_cell, context_used, True, 2),
        replace(brief, width=27, cell=_status, drop=9, narrow=brief),
    )


def _model(row: Request) -> Part:
    return model_word(row.model), "bold $value"


def _number(key: str, name: str, drop: int) -> C:
    """Return the column of a number in the table of fields; `drop` tells which go first."""
    field = BY_NAME[name]

    def cell(row: Request) -> Part:
        value = field.value(row)
        return field.words(value), "$faint" if value is None else "$value"

    return C(key, field.title, field.width, cell, field.value, True, drop)


def _decode(row: Request) -> Part:
    rate = DECODE.value(row)
    if rate is None:
        return format.UNKNOWN, "$faint"
    if row.slow:
        return f"{GLYPHS.warning}{format.rate(rate)}", "bold $warning"
    return format.rate(rate), "bold $value"


def _status(row: Request) -> Part:
    return status_text(row), status_style(row)


def _short_status(row: Request) -> Part:
    return short_status(row), status_style(row)
