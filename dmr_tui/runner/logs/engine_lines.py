"""The lines that engines print into the runner's log, llama.cpp above all, as events."""

import re

from dmr_tui.runner.logs.buffer_lines import buffer_event
from dmr_tui.runner.logs.fields import engine_prefix, stamp, times, unquoted
from dmr_tui.runner.logs.log_event import (
    DecodeTimed,
    ErrorLine,
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
    r"|llama\w*|ggml\w*|gguf\w*|common\w*|set_\w+|alloc\w*|update_slots|common_param)\b[: ]"
    r"|listening |\W|$"
)
# Every number is followed by something, so that one that was cut is not taken for another.
_TASK = r"id\s+(\d{1,6}) \| task (\d{1,9}) \|"
_TIMED = r"eval time =\s+(\d{1,12}\.\d+) ms /\s+(\d{1,9}) tokens"
_SLOTS = re.compile(r"n_slots = (\d{1,6}), n_ctx_slot = (\d{1,9})(?=[^\d.])", re.ASCII)
_LAUNCHED = re.compile(_TASK + r" processing task", re.ASCII)
_PROMPT = re.compile(_TASK + r"\s+prompt " + _TIMED, re.ASCII)
_DECODE = re.compile(_TASK + r"\s+" + _TIMED, re.ASCII)
_RELEASED = re.compile(
    _TASK + r" stop processing: n_(?:tokens|past) = (\d{1,9})(?=[^\d.])", re.ASCII
)
_CANCELLED = re.compile(r"cancel task, id_task = (\d{1,9})(?=[^\d.])", re.ASCII)
_LISTENING = re.compile(r'listening on ([^\s"\\]+)(?=[\s"])')
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
    read = _of_slot if line.startswith("slot", place) else _of_server
    event = read(line, place, uptime)
    if event is not None or level in "ID":
        return event
    if _lacks_memory(line, place):
        return OutOfMemory(stamp(line), _text(line, place))
    return ErrorLine(stamp(line), _text(line, place), engine=True) if level in "EF" else None


def _unmarked(line: str, start: int) -> LogEvent | None:
    """A line of another engine, of an older one, or of a library below it."""
    if line.find("slot", start) >= 0 and (event := _of_slot(line, start, None)) is not None:
        return event
    if (event := _of_server(line, start, None)) is not None:
        return event
    if line.find("Application startup complete", start) >= 0:
        return Listening(stamp(line), "")
    if _lacks_memory(line, start):
        return OutOfMemory(stamp(line), _text(line, start))
    return None


def _of_slot(line: str, place: int, uptime: float | None) -> LogEvent | None:
    if line.find("eval time =", place) >= 0:
        for kind, pattern in ((PromptTimed, _PROMPT), (DecodeTimed, _DECODE)):
            if match := pattern.search(line, place):
                at, born = times(line, uptime)
                slot, task, ms, tokens = match.groups()
                return kind(at, int(slot), int(task), float(ms), int(tokens), born)
        return None
    if line.find("processing", place) < 0:
        return None
    if match := _LAUNCHED.search(line, place):
        at, born = times(line, uptime)
        return TaskLaunched(at, int(match[1]), int(match[2]), born)
    if match := _RELEASED.search(line, place):
        at, born = times(line, uptime)
        return TaskReleased(at, int(match[1]), int(match[2]), int(match[3]), born)
    return None


def _of_server(line: str, place: int, uptime: float | None) -> LogEvent | None:
    if line.find("n_ctx_slot", place) >= 0 and (match := _SLOTS.search(line, place)):
        at, born = times(line, uptime)
        return SlotsReady(at, int(match[1]), int(match[2]), born)
    if line.find(": model loaded", place) >= 0:
        return Loaded(*times(line, uptime))
    if line.find("listening on ", place) >= 0 and (match := _LISTENING.search(line, place)):
        at, born = times(line, uptime)
        return Listening(at, match[1], born)
    if line.find("cancel task", place) >= 0 and (match := _CANCELLED.search(line, place)):
        at, born = times(line, uptime)
        return TaskCancelled(at, int(match[1]), born)
    if line.find("exiting due to model loading error", place) >= 0:
        return LoadFailed(stamp(line))
    return buffer_event(line, place, uptime)


def _lacks_memory(line: str, place: int) -> bool:
    # Each of the phrases has one of these two in it.
    if line.find("emory", place) < 0 and line.find("alloc", place) < 0:
        return False
    return any(line.find(words, place) >= 0 for words in _NO_MEMORY)


def _text(line: str, place: int) -> str:
    text = line[place : place + LONGEST_TEXT].rstrip("\r\n")
    return unquoted(text.removesuffix('"'))
