"""The lines that engines print into the runner's log, llama.cpp above all, as events."""

import re
from collections.abc import Callable
from functools import cache

from dmr_tui.runner.logs.fields import engine_prefix, stamp, unquoted
from dmr_tui.runner.logs.log_event import (
    BufferAllocated,
    DecodeTimed,
    DeviceSummed,
    ErrorLine,
    LayersOffloaded,
    Listening,
    Loaded,
    LoadFailed,
    LogEvent,
    OutOfMemory,
    PromptTimed,
    SlotsReady,
    TaskCancelled,
    TaskLaunched,
    TaskReleased,
)

LONGEST_TEXT = 2000

# The beginnings of an engine's line: Python's logging with its level, or a part of llama.cpp.
OWN_WORDS = re.compile(
    r"(?:\([\w ]{1,40}(?:pid=\d+)?\) )?(?P<level>INFO|WARNING|ERROR|DEBUG|CRITICAL)\b[: ]"
    r"|(?:srv|slot|cmn|que|main|init|sched|clip|graph|print_info|system_info|build|load|print_timing"
    r"|(?:llama|ggml|gguf|common|set_\w|alloc)\w{0,60}|update_slots)\b[: ]"
    r"|listening |\W|$"
)
# Every number is followed by something, so that one that was cut is not taken for another.
_TASK = r"id\s+(?P<slot>\d{1,6}) \| task (?P<task>\d{1,9}) \|"
_TIMED = r"eval time =\s+(?P<ms>\d{1,12}\.\d+) ms /\s+(?P<tokens>\d{1,9}) tokens"
_KINDS = {
    "model": "weights",
    "KV": "cache",
    "RS": "cache",
    "compute": "compute",
    "output": "output",
}

Lines = tuple[tuple[str, Callable[..., LogEvent], str], ...]
"""A phrase of the line, its event, and the pattern whose groups are the event's fields."""
_OF_SLOT: Lines = (
    ("eval time =", PromptTimed, _TASK + r"\s+prompt " + _TIMED),
    ("eval time =", DecodeTimed, _TASK + r"\s+" + _TIMED),
    ("processing", TaskLaunched, _TASK + r" processing task"),
    (
        "processing",
        TaskReleased,
        _TASK + r" stop processing: n_(?:tokens|past) = (?P<tokens>\d{1,9})(?=[^\d.])",
    ),
)
# A llama-server prints the buffers with `-v` only; some builds always print the table of sums:
# `|   - CUDA0 (RTX 4090) | 24564 = 5871 + (18058 = 16386 + 1024 + 648) + 635 |`, and for the host
# `|   - Host | 1234 = 682 + 0 + 552 |`.
_OF_SERVER: Lines = (
    (
        "n_ctx_slot",
        SlotsReady,
        r"n_slots = (?P<slots>\d{1,6}), n_ctx_slot = (?P<context>\d{1,9})(?=[^\d.])",
    ),
    (": model loaded", Loaded, ""),
    ("listening on ", Listening, r'listening on (?P<address>[^\s"\\]+)(?=[\s"])'),
    ("cancel task", TaskCancelled, r"cancel task, id_task = (?P<task>\d{1,9})(?=[^\d.])"),
    ("exiting due to model loading error", lambda at, born: LoadFailed(at), ""),
    (
        "buffer size =",
        BufferAllocated,
        r"[\w:]\s+(?P<device>[A-Za-z][\w.-]{0,39})\s+(?P<kind>model|KV|RS|compute|output)"
        r" buffer size =\s+(?P<size>\d{1,9}\.\d+) MiB",
    ),
    (
        "offloaded ",
        LayersOffloaded,
        r"offloaded (?P<layers>\d{1,5})/(?P<of>\d{1,5}) layers to GPU",
    ),
    (
        "memory_breakdown",
        DeviceSummed,
        r"\|\s+- (?P<device>[^|]{1,80}?)\s*\|[^|]*?\b\d{1,9} =\s+(?P<weights>\d{1,9})"
        r" \+\s+(?P<cache>\d{1,9}) \+\s+(?P<compute>\d{1,9})\)?(?:\s|$)[^|=]*\|",
    ),
)
_NO_MEMORY = (
    "out of memory",
    "OutOfMemory",
    "failed to allocate",
    "OutOfDeviceMemory",
    "annot allocate memory",
    "bad_alloc",
)


def engine_event(line: str, start: int) -> LogEvent | None:
    """The event of an engine's message, which begins at `start` in `line`."""
    # Only the stopwatch begins with a digit.
    prefix = engine_prefix(line, start) if line[start : start + 1].isdigit() else None
    if prefix is None:
        return _unmarked(line, start)
    uptime, level, place = prefix
    event = _event(_OF_SLOT if line.startswith("slot", place) else _OF_SERVER, line, place, uptime)
    if event is not None or level in "ID":
        return event
    if _lacks_memory(line, place):
        return OutOfMemory(stamp(line), _text(line, place))
    return ErrorLine(stamp(line), _text(line, place), engine=True) if level in "EF" else None


def _unmarked(line: str, start: int) -> LogEvent | None:
    """A line of another engine, of an older one, or of a library below it."""
    lines = _OF_SLOT + _OF_SERVER if line.find("slot", start) >= 0 else _OF_SERVER
    if (event := _event(lines, line, start, None)) is not None:
        return event
    if line.find("Application startup complete", start) >= 0:
        return Listening(stamp(line), "")
    if _lacks_memory(line, start):
        return OutOfMemory(stamp(line), _text(line, start))
    return None


def _event(lines: Lines, line: str, place: int, uptime: float | None) -> LogEvent | None:
    """Return the event of the first of `lines` that the message at `place` is."""
    for phrase, event, pattern in lines:
        if line.find(phrase, place) < 0 or not (match := _compiled(pattern).search(line, place)):
            continue
        fields = {name: _READ.get(name, int)(text) for name, text in match.groupdict().items()}
        at = stamp(line)
        return event(at=at, **fields, born=at - uptime if uptime is not None and at else None)
    return None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # Few logs have each of the lines, so compiling waits for the first.
    return re.compile(pattern, re.ASCII)


def _bytes(mib: str) -> int:
    return round(float(mib) * 2**20)


_READ: dict[str, Callable[[str], object]] = {
    "ms": float,
    "address": str,
    "device": lambda text: text.partition(" (")[0].strip(),
    "kind": lambda text: _KINDS[text],
    "size": _bytes,
    "weights": _bytes,
    "cache": _bytes,
    "compute": _bytes,
}
"""Functions that read the fields which are no whole numbers."""


def _lacks_memory(line: str, place: int) -> bool:
    # Each of the phrases has one of these two in it.
    if line.find("emory", place) < 0 and line.find("alloc", place) < 0:
        return False
    return any(line.find(words, place) >= 0 for words in _NO_MEMORY)


def _text(line: str, place: int) -> str:
    text = line[place : place + LONGEST_TEXT].rstrip("\r\n")
    return unquoted(text.removesuffix('"'))
