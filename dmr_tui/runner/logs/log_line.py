"""A line of the runner's log: as an event, and taken apart for reading.

Lines have to be whole, that is, to have ended in a line feed: a number that is cut at the end of
a line without quotes looks like another number. Inside quotes a cut is seen, and gives no event.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Literal

from msgspec import Struct

from dmr_tui.runner.logs.engine_lines import OWN_WORDS, engine_event
from dmr_tui.runner.logs.fields import HEAD, engine_prefix, pairs, stamp, unquoted, without_stamp
from dmr_tui.runner.logs.log_event import (
    ConfigurationKept,
    Configuring,
    EngineExited,
    ErrorLine,
    Evicted,
    EvictingForRoom,
    LoadFailed,
    LoadStarted,
    LogEvent,
    ModelRequested,
    NothingToUnload,
    OllamaOptions,
    RunnerStarted,
    RunnerStopping,
    Unloaded,
)
from dmr_tui.runner.names import digest_in

Level = Literal["info", "warn", "error", "debug", ""]
Reader = Callable[[str], LogEvent | None]

LONGEST = 2**16
"""Characters of a line that are searched for its fields; the rest stays as it is."""

_MESSAGE = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"?|(\S*)')
_LEVEL = re.compile(r"\blevel=(\w+)")
_CONTEXT = re.compile(r"--ctx-size (-?\d{1,9})(?=[\s\]])", re.ASCII)
_ADDRESS = re.compile(r"--(?:host|uds) (\S+?)(?=[\s\]])")
_PORT = re.compile(r"--port (\d{1,5})(?=[\s\]])", re.ASCII)
_LEVELS: dict[str, Level] = {
    "INFO": "info",
    "WARN": "warn",
    "WARNING": "warn",
    "ERROR": "error",
    "CRITICAL": "error",
    "FATAL": "error",
    "DEBUG": "debug",
    "I": "info",
    "W": "warn",
    "E": "error",
    "F": "error",
    "D": "debug",
}
_NAMING = ("modelRef", "reference", "model", "modelID")


class LogLine(Struct, frozen=True):
    """One line, taken apart."""

    at: float
    """Seconds since 1970 by the runner's clock; 0.0 if the line has no time."""
    level: Level
    source: str
    """"runner", or "engine": several engines write into the one log, without their names."""
    text: str
    """The message, then the runner's key=value pairs."""
    digest: str | None
    model: str
    """The name as it stands in the line; empty if it is not about one model."""


def parse_line(line: str) -> LogLine:
    """`line` taken apart; never fails, whatever is in it."""
    line = line[:LONGEST].rstrip("\r\n")
    place = line.find(" msg=", 0, HEAD)
    if place < 0:
        level, text = _own_level(without_stamp(line))
        return LogLine(stamp(line), level, "engine", text, _digest_within(text), "")
    match = _MESSAGE.match(line, place + 5, place + LONGEST)
    assert match is not None
    quoted = match[1] is not None
    rest = line[match.end() :]
    message = unquoted(match[1]) if quoted else match[2]
    level, text = _own_level(message)
    if not rest and (level or OWN_WORDS.match(message)):
        level = level or _outer_level(line, place)
        return LogLine(stamp(line), level, "engine", text, _digest_within(text), "")
    values = pairs(rest[:LONGEST])
    digest, model = _named(values)
    if digest is None and "args" in values:
        digest = _digest_within(values["args"])
    text = f"{message}{unquoted(rest)}"
    return LogLine(stamp(line), _outer_level(line, place), "runner", text, digest, model)


def read_line(line: str) -> LogEvent | None:
    """The event in `line`; None for most lines, which have none."""
    line = line[:LONGEST]
    place = line.find(" msg=", 0, HEAD)
    if place < 0:
        return engine_event(line, 0)
    start = place + 5
    if not line.startswith('"', start):
        return None
    end = line.find('"', start + 1)
    message = line[start + 1 : end]
    if message in _READERS:
        reader = _READERS[message]
        return None if reader is None else reader(line)
    if line.find("level=ERROR", 0, place) >= 0:
        return _error(line, start)
    if line.startswith('" ', end) and line[end - 1] != "\\":
        # Values follow, so it is the runner's own message, and none of the known ones.
        return None
    return engine_event(line, start + 1)


def _own_level(message: str) -> tuple[Level, str]:
    """The level that an engine wrote itself, and the message without its stopwatch."""
    prefix = engine_prefix(message)
    if prefix is not None:
        return _LEVELS.get(prefix[1], "info"), message[prefix[2] :]
    match = OWN_WORDS.match(message)
    return _LEVELS.get(match["level"] or "", "") if match else "", message


def _outer_level(line: str, end: int) -> Level:
    match = _LEVEL.search(line, 0, end)
    return _LEVELS.get(match[1], "") if match else ""


def _named(values: dict[str, str]) -> tuple[str | None, str]:
    found = [values[key] for key in _NAMING if values.get(key)]
    digest = next((d for value in found if (d := digest_in(value))), None)
    return digest, next((value for value in found if digest_in(value) is None), "")


def _digest_within(text: str) -> str | None:
    if "sha256" not in text:
        return None
    words = text[:LONGEST].replace("'", " ").split()
    return next((d for word in words if (d := digest_in(word))), None)


def _of_kind(kind: Callable[..., LogEvent], *fields: str) -> Reader:
    """Return a reader of the events of a kind, with these fields by the pairs of the line."""

    def read(line: str) -> LogEvent:
        values = pairs(line)
        model = values.get("model", "")
        digest = digest_in(model) if "digest" in fields else None
        read = {
            "digest": digest,
            "model": values.get("modelRef", "" if digest else model),
            "mode": values.get("mode", ""),
            "error": values.get("error", ""),
        }
        return kind(stamp(line), **{name: read[name] for name in fields})

    return read


def _started(line: str) -> LogEvent | None:
    values = pairs(line)
    if "args" not in values:
        return None
    arguments, backend = values["args"], values.get("backend", "")
    context = _CONTEXT.search(arguments)
    address = _ADDRESS.search(arguments)
    port = _PORT.search(arguments)
    return LoadStarted(
        stamp(line),
        backend,
        _digest_within(arguments),
        int(context[1]) if context else None,
        _mode(backend, arguments),
        (address[1] if address else "") + (f":{port[1]}" if port else ""),
    )


def _mode(backend: str, arguments: str) -> str:
    if backend == "diffusers":
        return "image-generation"
    if "--reranking" in arguments:
        return "reranking"
    pooling = "--embeddings" in arguments or "--runner pooling" in arguments
    return "embedding" if pooling else "completion"


def _making_room(line: str) -> LogEvent:
    values = pairs(line)
    # With slots after them, these two numbers are whole even if the line is not.
    counts = [values.get("runners", ""), values.get("loading", "")]
    whole = "slots" in values and all(count.isdecimal() and len(count) < 10 for count in counts)
    return EvictingForRoom(stamp(line), sum(map(int, counts)) if whole else None)


def _evicted(line: str) -> LogEvent:
    count = pairs(line).get("count", "")
    return Evicted(stamp(line), int(count) if count.isdecimal() and len(count) < 10 else 0)


def _error(line: str, start: int) -> LogEvent | None:
    match = _MESSAGE.match(line, start, start + LONGEST)
    if match is None or match[1] is None:
        return None
    values = pairs(line[match.end() : match.end() + LONGEST])
    error = values.get("error", "")
    message = unquoted(match[1])
    _, model = _named(values)
    return ErrorLine(stamp(line), f"{message}: {error}" if error else message, model)


# The messages of the service are whole sentences that have not changed since /logs exists; any
# other message is an error, or what an engine printed.
_READERS: dict[str, Reader | None] = {
    "getting model by reference": None,
    "Listing available models": None,
    "successfully listed models": None,
    "Ollama API request": None,
    "Removed records for model": None,
    "Successfully initialized store": _of_kind(RunnerStarted),
    "Shutdown signal received": _of_kind(RunnerStopping),
    "Loading backend runner": _of_kind(ModelRequested, "digest", "mode"),
    "backend args": _started,
    "Backend runner initialization failed": _of_kind(LoadFailed, "digest", "mode", "error"),
    "Unable to start backend runner": _of_kind(LoadFailed, "digest", "mode", "error"),
    "Backend running model exited with error": _of_kind(EngineExited, "model", "error"),
    "Evicting backend runner": _of_kind(Unloaded, "digest", "mode", "model"),
    "Evicting backend runner for uninstall": _of_kind(
        partial(Unloaded, uninstalled=True), "digest", "mode", "model"
    ),
    "Evicting to make room": _making_room,
    "Evicted runner(s)": _evicted,
    "No unused runner found": _of_kind(NothingToUnload, "digest"),
    "Configuring runner": _of_kind(Configuring, "digest", "model"),
    "configureModel: configuring model": _of_kind(OllamaOptions, "model"),
    "Runner configuration unchanged": _of_kind(ConfigurationKept),
    "Failed to configure runner": _of_kind(ConfigurationKept),
}
