"""One call as JSON, as a row of a table, and as a line of text."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from rich.cells import cell_len, set_cell_size

from dmr_tui.measure.rates import decode_rate, prefill_rate
from dmr_tui.measure.request_numbers import (
    context_used,
    ended,
    new_tokens,
    processing_s,
    timed_out_after,
    ttft_s,
    waited_s,
    window,
)
from dmr_tui.runner.errors.explain import error_text
from dmr_tui.runner.names import short
from dmr_tui.runner.request import Request
from dmr_tui.state.request_filter import CallerNames
from dmr_tui.text import format
from dmr_tui.text.requests import slower_words, status_text, status_words
from dmr_tui.text.sanitize import plain

CSV_FIELDS = (
    "started_at",
    "ended_at",
    "model",
    "digest",
    "api",
    "caller",
    "caller_name",
    "user_agent",
    "outcome",
    "status",
    "status_code",
    "finish_reason",
    "error",
    "duration_s",
    "waited_s",
    "ttft_s",
    "processing_s",
    "load_s",
    "prompt_tokens",
    "new_prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "context_used_tokens",
    "window_tokens",
    "prefill_tok_s",
    "decode_tok_s",
    "streamed",
    "tries",
    "first_started_at",
    "time_limit_s",
    "timed_out_after_s",
    "slow",
    "messages",
    "request_bytes",
    "response_bytes",
    "parameters",
    "id",
)
"""The keys of `request_json`, in the order of the columns."""

_NO_TIME = (OverflowError, OSError, ValueError)
"""What a moment beyond all calendars raises; it stands in an id that anybody may make up."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = (
    ("ENDED", 11),
    ("MODEL", 15),
    ("CALLER", 10),
    ("API", 9),
    ("PROMPT", -11),
    ("GEN", -5),
    ("PREFILL", -7),
    ("DECODE", -6),
    ("TTFT", -6),
    ("TOTAL", -6),
    ("STATUS", 24),
)
"""Names and cells; a negative number is a column of numbers, which stand on the right."""
WIDTH = 120
_SHORT_APIS = {
    "OpenAI chat": "chat",
    "OpenAI completion": "complete",
    "Anthropic tokens": "tokens",
    "embeddings": "embed",
}


def request_json(request: Request, names: CallerNames) -> dict[str, Any]:
    """The call for programs: null where unknown; no prompt, no answer, no credential in it.

    Times in seconds, moments in ISO 8601 (UTC), rates in tokens per second as the engine's own
    timings give them.
    """
    decode, prefill = decode_rate(request.timings), prefill_rate(request.timings)
    return {
        "started_at": _moment(request.started_at),
        "ended_at": _moment(request.finished_at),
        "model": request.model,
        "digest": request.digest,
        "api": request.api,
        "caller": request.caller,
        "caller_name": names.get(request.caller, request.caller),
        "user_agent": request.user_agent or None,
        "outcome": request.outcome,
        "status": status_words(request),
        "status_code": request.status or None,
        "finish_reason": request.finish_reason,
        "error": error_text(request) or None,
        "duration_s": _rounded(request.duration),
        "waited_s": _rounded(waited_s(request)),
        "ttft_s": _rounded(ttft_s(request)),
        "processing_s": _rounded(processing_s(request)),
        "load_s": _rounded(request.load_s),
        "prompt_tokens": request.prompt_tokens,
        "new_prompt_tokens": new_tokens(request),
        "cached_tokens": request.cached_tokens,
        "completion_tokens": request.completion_tokens,
        "context_used_tokens": context_used(request),
        "window_tokens": window(request),
        "prefill_tok_s": _rounded(prefill.value) if prefill else None,
        "decode_tok_s": _rounded(decode.value) if decode else None,
        "streamed": request.streamed,
        "tries": request.tries,
        "first_started_at": _moment(request.first_started_at),
        "time_limit_s": request.limit,
        "timed_out_after_s": timed_out_after(request),
        "slow": None if request.slow is None else slower_words(request.slow),
        "messages": request.message_count,
        "request_bytes": request.request_bytes,
        "response_bytes": request.response_bytes,
        "parameters": dict(request.parameters),
        "id": request.id,
    }


def requests_csv(requests: Iterable[Request], names: CallerNames, *, header: bool = True) -> str:
    """The calls as a table; no cell is one that a spreadsheet would calculate."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    if header:
        table.writerow(CSV_FIELDS)
    for request in requests:
        values = request_json(request, names)
        table.writerow([_cell(values[name]) for name in CSV_FIELDS])
    return text.getvalue()


def line_header() -> str:
    """The names of the columns of `request_line`."""
    return _line([name for name, _ in _COLUMNS])


def request_line(request: Request, names: CallerNames, now: float) -> str:
    """The call in one line of at most `WIDTH` cells; the day is said if it is not that of `now`."""
    decode, prefill = decode_rate(request.timings), prefill_rate(request.timings)
    return _line(
        [
            _time(ended(request), now),
            short(request.model),
            names.get(request.caller, request.caller),
            _SHORT_APIS.get(request.api, request.api),
            _prompt(request),
            _count(request.completion_tokens),
            format.rate(prefill.value if prefill else None),
            format.rate(decode.value if decode else None),
            _seconds(ttft_s(request)),
            _seconds(request.duration),
            status_text(request),
        ]
    )


def _line(values: list[str]) -> str:
    cells = []
    for (_, width), value in zip(_COLUMNS, values, strict=True):
        text = plain(value)
        pool = abs(width)
        if cell_len(text) > pool:
            text = f"{set_cell_size(text, pool - 1).rstrip()}…"
        cells.append(
            " " * (pool - cell_len(text)) + text if width < 0 else set_cell_size(text, pool)
        )
    return " ".join(cells).rstrip()


def _time(at: float, now: float) -> str:
    try:
        here, today = (datetime.fromtimestamp(moment) for moment in (at, now))
    except _NO_TIME:
        return format.UNKNOWN
    return here.strftime("%H:%M:%S" if here.date() == today.date() else "%m-%d %H:%M")


def _prompt(request: Request) -> str:
    new, cached = new_tokens(request), request.cached_tokens
    if new is None or cached is None:
        return _count(request.prompt_tokens)
    return f"{_count(new)}+{_count(cached)}"


def _count(number: int | None) -> str:
    if number is None:
        return format.UNKNOWN
    if number < 100_000:
        return str(number)
    return f"{number / 1000:.0f}k" if number < 10_000_000 else f"{number / 1e6:.0f}M"


def _seconds(value: float | None) -> str:
    return f"{value:.0f} s" if value is not None and value >= 99.95 else format.seconds(value)


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        value = "; ".join(f"{name}={what}" for name, what in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return value
    # With a quote in front it is text, whatever follows.
    return f"'{plain(value)}" if value.startswith(_FORMULA) else plain(value)


def _rounded(value: float | None) -> float | None:
    # Clocks and timings are good to a microsecond; more digits would be noise.
    return None if value is None else round(value, 6)


def _moment(at: float | None) -> str | None:
    if at is None or at <= 0.0:
        return None
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    except _NO_TIME:
        return None
