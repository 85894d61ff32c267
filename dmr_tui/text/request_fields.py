"""Every field of a request, named once: JSON, CSV and the columns of the lists are made of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dmr_tui.measure.rates import decode_rate, prefill_rate
from dmr_tui.measure.request_numbers import (
    context_used,
    new_tokens,
    processing_s,
    timed_out_after,
    ttft_s,
    waited_s,
    window,
)
from dmr_tui.runner.errors.explain import error_text
from dmr_tui.runner.request import Request
from dmr_tui.text import format
from dmr_tui.text.requests import slower_words, status_words

NO_TIME = (OverflowError, OSError, ValueError)
"""Errors of a time beyond all calendars; it comes from an id that any client may make up."""


def _same(value: Any) -> Any:
    return value


def _rounded(value: float | None) -> float | None:
    # Clocks and timings are good to a microsecond; more digits would be noise.
    return None if value is None else round(value, 6)


def moment_json(at: float | None) -> str | None:
    """Return a moment in ISO 8601 (UTC); None if it is unknown or beyond all calendars."""
    if at is None or at <= 0.0:
        return None
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    except NO_TIME:
        return None


def duration_words(seconds: float | None) -> str:
    """Return a duration in seven cells."""
    long = seconds is not None and seconds >= 999.95
    return format.clock(seconds) if seconds is not None and long else format.seconds(seconds)


@dataclass(frozen=True, slots=True)
class RequestField:
    """One field: null where unknown; no prompt, no answer, no credential in any of them."""

    name: str
    """The key in JSON and the header in CSV, with the unit."""
    value: Callable[[Request], Any]
    json: Callable[[Any], Any] = _same
    """The value for programs: moments in ISO 8601 (UTC), numbers to a microsecond."""
    title: str = ""
    """The header of its column, for numbers that the list of requests shows."""
    words: Callable[[Any], str] = str
    """The value as the screens show it."""
    width: int = 0
    """Cells of the column."""


def _decode(request: Request) -> float | None:
    rate = decode_rate(request.timings)
    return None if rate is None else rate.value


def _prefill(request: Request) -> float | None:
    rate = prefill_rate(request.timings)
    return None if rate is None else rate.value


def _slow(request: Request) -> str | None:
    return None if request.slow is None else slower_words(request.slow)


FIELDS = (
    RequestField("started_at", lambda r: r.started_at, moment_json),
    RequestField("ended_at", lambda r: r.finished_at, moment_json),
    RequestField("model", lambda r: r.model),
    RequestField("digest", lambda r: r.digest),
    RequestField("api", lambda r: r.api),
    RequestField("caller", lambda r: r.caller),
    # The user's name for it, where there is one: known to the reader of this table only.
    RequestField("caller_name", lambda r: r.caller),
    RequestField("user_agent", lambda r: r.user_agent or None),
    RequestField("outcome", lambda r: r.outcome),
    RequestField("status", status_words),
    RequestField("status_code", lambda r: r.status or None),
    RequestField("finish_reason", lambda r: r.finish_reason),
    RequestField("error", lambda r: error_text(r) or None),
    RequestField("duration_s", lambda r: r.duration, _rounded, "TOOK", duration_words, 7),
    RequestField("waited_s", waited_s, _rounded, "WAIT", duration_words, 7),
    RequestField("ttft_s", ttft_s, _rounded, "TTFT", duration_words, 7),
    RequestField("processing_s", processing_s, _rounded),
    RequestField("load_s", lambda r: r.load_s, _rounded),
    RequestField("prompt_tokens", lambda r: r.prompt_tokens),
    RequestField("new_prompt_tokens", new_tokens, _same, "NEW", format.count, 6),
    RequestField("cached_tokens", lambda r: r.cached_tokens, _same, "CACHED", format.count, 6),
    RequestField("completion_tokens", lambda r: r.completion_tokens, _same, "GEN", format.count, 6),
    RequestField("context_used_tokens", context_used),
    RequestField("window_tokens", window),
    RequestField("prefill_tok_s", _prefill, _rounded, "PREFILL", format.rate, 7),
    RequestField("decode_tok_s", _decode, _rounded, "DECODE", format.rate, 6),
    RequestField("streamed", lambda r: r.streamed),
    RequestField("tries", lambda r: r.tries),
    RequestField("first_started_at", lambda r: r.first_started_at, moment_json),
    RequestField("time_limit_s", lambda r: r.limit),
    RequestField("timed_out_after_s", timed_out_after),
    RequestField("slow", _slow),
    RequestField("messages", lambda r: r.message_count),
    RequestField("request_bytes", lambda r: r.request_bytes),
    RequestField("response_bytes", lambda r: r.response_bytes),
    RequestField("unreadable", lambda r: r.unreadable or None),
    RequestField("parameters", lambda r: dict(r.parameters)),
    RequestField("id", lambda r: r.id),
)
BY_NAME = {field.name: field for field in FIELDS}
