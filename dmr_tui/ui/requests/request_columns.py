"""The columns of finished calls."""

from collections.abc import Callable

from dmr_tui.measure.rates import Rate, decode_rate, prefill_rate
from dmr_tui.measure.request_numbers import context_used, ended, new_tokens, ttft_s, waited_s
from dmr_tui.runner.names import short
from dmr_tui.runner.request import Request
from dmr_tui.text import format
from dmr_tui.text.requests import (
    api_word,
    caller_word,
    model_word,
    moment,
    short_status,
    status_text,
    took,
)
from dmr_tui.ui.requests.request_text import context, status_style
from dmr_tui.ui.shell.pane import now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Part
from dmr_tui.ui.widgets.table import Column

C = Column[Request]


def request_columns(
    caller: Callable[[Request], str],
    ahead: Callable[[], float],
    nearly_full: Callable[[], float],
) -> tuple[Column[Request], ...]:
    """`caller` is a call's caller as a person names it; the runner's clock is `ahead` of ours.

    `nearly_full`: per cent of its context window from which on a request is marked.
    """

    def at(row: Request) -> Part:
        return moment(ended(row) - ahead(), now()), "$label"

    def context_cell(row: Request) -> Part:
        return context(row, nearly_full())

    def caller_cell(row: Request) -> Part:
        return caller_word(caller(row)), "$value"

    brief = C("status", "STATUS", 12, _short_status, _status_order)
    return (
        C("time", "ENDED", 9, at, ended),
        C("model", "MODEL", 0, _model, lambda row: short(row.model).lower()),
        C("caller", "CALLER", 0, caller_cell, lambda row: caller(row).lower()),
        C("api", "API", 10, _api, lambda row: row.api, drop=6),
        C("new", "NEW", 6, _new, new_tokens, True, 5),
        C("cached", "CACHED", 6, _cached, lambda row: row.cached_tokens, True, 7),
        C("gen", "GEN", 6, _generated, lambda row: row.completion_tokens, True, 1),
        C(
            "prefill",
            "PREFILL",
            7,
            _prefill,
            lambda row: _value(prefill_rate(row.timings)),
            True,
            4,
        ),
        C("decode", "DECODE", 6, _decode, lambda row: _value(decode_rate(row.timings)), True),
        C("ttft", "TTFT", 7, _ttft, ttft_s, True, 3),
        C("wait", "WAIT", 7, _wait, waited_s, True, 8),
        C("took", "TOOK", 7, _took, lambda row: row.duration, True),
        C("context", "CONTEXT", 9, context_cell, context_used, True, 2),
        C("status", "STATUS", 27, _status, _status_order, drop=9, narrow=brief),
    )


def _model(row: Request) -> Part:
    return model_word(row.model), "bold $value"


def _api(row: Request) -> Part:
    return api_word(row), "$label"


def _count(number: int | None) -> Part:
    return format.count(number), "$faint" if number is None else "$value"


def _new(row: Request) -> Part:
    return _count(new_tokens(row))


def _cached(row: Request) -> Part:
    return _count(row.cached_tokens)


def _generated(row: Request) -> Part:
    return _count(row.completion_tokens)


def _value(rate: Rate | None) -> float | None:
    return None if rate is None else rate.value


def _prefill(row: Request) -> Part:
    rate = _value(prefill_rate(row.timings))
    return format.rate(rate), "$faint" if rate is None else "$value"


def _decode(row: Request) -> Part:
    rate = _value(decode_rate(row.timings))
    if rate is None:
        return format.UNKNOWN, "$faint"
    if row.slow:
        return f"{GLYPHS.warning}{format.rate(rate)}", "bold $warning"
    return format.rate(rate), "bold $value"


def _time(seconds: float | None) -> Part:
    return took(seconds), "$faint" if seconds is None else "$value"


def _ttft(row: Request) -> Part:
    return _time(ttft_s(row))


def _wait(row: Request) -> Part:
    return _time(waited_s(row))


def _took(row: Request) -> Part:
    return _time(row.duration)


def _status(row: Request) -> Part:
    return status_text(row), status_style(row)


def _short_status(row: Request) -> Part:
    return short_status(row), status_style(row)


def _status_order(row: Request) -> str:
    return row.outcome
