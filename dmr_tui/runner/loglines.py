"""A line of the runner's log as an event; the log alone tells slots and effective context."""

import re
from dataclasses import dataclass
from datetime import datetime

from dmr_tui.runner.names import digest_in


@dataclass(frozen=True, slots=True)
class LoadStarted:
    """The runner starts an engine process."""

    at: float
    backend: str
    digest: str | None
    context_size: int | None
    """What the runner passes as --ctx-size; None if it leaves it to the engine."""


@dataclass(frozen=True, slots=True)
class SlotsReady:
    """The engine says how many slots it has and the context window of each, in tokens."""

    at: float
    slots: int
    context: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """The engine has read the model."""

    at: float


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The engine ended while it was loading."""

    at: float


@dataclass(frozen=True, slots=True)
class Unloaded:
    """A runner was evicted: idle too long, asked for, or to make room."""

    at: float
    digest: str | None
    mode: str


LogEvent = LoadStarted | SlotsReady | Loaded | LoadFailed | Unloaded

_STAMP = re.compile(r"\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?)Z\]")
_SLOTS = re.compile(r"n_slots = (\d+), n_ctx_slot = (\d+)")
_CONTEXT = re.compile(r"--ctx-size (-?\d+)")
_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')
_FAILURES = ("exiting due to model loading error", 'msg="Backend runner initialization failed"')


def read_line(line: str) -> LogEvent | None:
    """The event that `line` tells of; None for the lines that tell none, which are most."""
    if 'msg="backend args"' in line:
        pairs = _pairs(line)
        arguments = pairs.get("args", "")
        context = _CONTEXT.search(arguments)
        return LoadStarted(
            _stamp(line),
            pairs.get("backend", ""),
            _digest_in_arguments(arguments),
            int(context[1]) if context else None,
        )
    if "n_ctx_slot" in line and (slots := _SLOTS.search(line)):
        return SlotsReady(_stamp(line), int(slots[1]), int(slots[2]))
    if "init: model loaded" in line:
        return Loaded(_stamp(line))
    if 'msg="Evicting backend runner' in line:
        pairs = _pairs(line)
        return Unloaded(_stamp(line), digest_in(pairs.get("model", "")), pairs.get("mode", ""))
    if any(failure in line for failure in _FAILURES):
        return LoadFailed(_stamp(line))
    return None


def _pairs(line: str) -> dict[str, str]:
    return {key: value.strip('"') for key, value in _PAIR.findall(line)}


def _digest_in_arguments(arguments: str) -> str | None:
    return next((d for word in arguments.split() if (d := digest_in(word))), None)


def _stamp(line: str) -> float:
    match = _STAMP.search(line)
    if match is None:
        return 0.0
    whole, _, fraction = match[1].partition(".")
    seconds = datetime.fromisoformat(f"{whole}+00:00").timestamp()
    return seconds + (float(f"0.{fraction}") if fraction else 0.0)
