"""One request as JSON, as a row of a table, and as a line of text."""

import csv
import io
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from rich.cells import cell_len, set_cell_size

from dmr_tui.measure.request_numbers import ended, new_tokens, ttft_s
from dmr_tui.runner.names import short
from dmr_tui.runner.request import Request
from dmr_tui.state.request_filter import CallerNames
from dmr_tui.text import format
from dmr_tui.text.request_fields import BY_NAME, FIELDS, NO_TIME
from dmr_tui.text.requests import status_text
from dmr_tui.text.sanitize import plain

CSV_FIELDS = tuple(field.name for field in FIELDS)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SHORT_APIS = {
    "OpenAI chat": "chat",
    "OpenAI completion": "complete",
    "Anthropic tokens": "tokens",
    "embeddings": "embed",
}
_COLUMNS: tuple[tuple[str, int, Callable[[Request, CallerNames, float], str]], ...] = (
    ("ENDED", 11, lambda r, names, now: _time(ended(r), now)),
    ("MODEL", 15, lambda r, names, now: short(r.model)),
    ("CALLER", 10, lambda r, names, now: names.get(r.caller, r.caller)),
    ("API", 9, lambda r, names, now: _SHORT_APIS.get(r.api, r.api)),
    ("PROMPT", -11, lambda r, names, now: _prompt(r)),
    ("GEN", -5, lambda r, names, now: _count(r.completion_tokens)),
    ("PREFILL", -7, lambda r, names, now: _words("prefill_tok_s", r)),
    ("DECODE", -6, lambda r, names, now: _words("decode_tok_s", r)),
    ("TTFT", -6, lambda r, names, now: _seconds(ttft_s(r))),
    ("TOTAL", -6, lambda r, names, now: _seconds(r.duration)),
    ("STATUS", 24, lambda r, names, now: status_text(r)),
)
"""Name, cells and text; with negative cells a column of numbers, which stand on the right."""
WIDTH = 120


def request_json(request: Request, names: CallerNames) -> dict[str, Any]:
    """Return the request; null where unknown, and no prompt, no answer and no credential.

    Times in seconds, moments in ISO 8601 (UTC), rates in tokens per second as the engine's own
    timings give them.
    """
    said = {field.name: field.json(field.value(request)) for field in FIELDS}
    said["caller_name"] = names.get(request.caller, request.caller)
    return said


def requests_csv(requests: Iterable[Request], names: CallerNames, *, header: bool = True) -> str:
    """Return the requests as a table; no cell is one that a spreadsheet would calculate."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    if header:
        table.writerow(CSV_FIELDS)
    for request in requests:
        values = request_json(request, names)
        table.writerow([_cell(values[name]) for name in CSV_FIELDS])
    return text.getvalue()


def line_header() -> str:
    """Return the names of the columns of `request_line`."""
    return _line([name for name, _, _ in _COLUMNS])


def request_line(request: Request, names: CallerNames, now: float) -> str:
    """Return one line of at most `WIDTH` cells; it says the day if that is not the day of `now`."""
    return _line([value(request, names, now) for _, _, value in _COLUMNS])


def _words(name: str, request: Request) -> str:
    field = BY_NAME[name]
    return field.words(field.value(request))


def _line(values: list[str]) -> str:
    cells = []
    for (_, width, _), value in zip(_COLUMNS, values, strict=True):
        text, size = plain(value), abs(width)
        if cell_len(text) > size:
            text = f"{set_cell_size(text, size - 1).rstrip()}…"
        space = " " * (size - cell_len(text))
        cells.append(f"{space}{text}" if width < 0 else f"{text}{space}")
    return " ".join(cells).rstrip()


def _time(at: float, now: float) -> str:
    try:
        here, today = (datetime.fromtimestamp(moment) for moment in (at, now))
    except NO_TIME:
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
