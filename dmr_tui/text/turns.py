"""One measured answer, and why there is none, in words."""

from dataclasses import dataclass

from dmr_tui.measure.meter import Turn
from dmr_tui.runner.errors.explain import Explanation, telling_line
from dmr_tui.text import format
from dmr_tui.text.sanitize import plain

NOTABLE_WAIT_S = 0.1
"""Seconds of waiting too short to be worth explaining."""


@dataclass(frozen=True, slots=True)
class Part:
    """One figure of an answer: a number, what it counts, and who measured it."""

    number: str
    words: str
    tag: str = ""

    def __str__(self) -> str:
        return f"{self.number}{self.words}{self.tag}"


def figures_line(turn: Turn) -> str:
    """Speed, prompt, first token, length and end of an answer, each with its source."""
    return " · ".join(str(part) for part in figure_parts(turn))


def figure_parts(turn: Turn) -> list[Part]:
    """The parts of `figures_line`, most important first; while it streams, those that are known."""
    parts = [_decode(turn), _prefill(turn), _prompt(turn)]
    if turn.ttft_s is not None:
        parts.append(Part(format.seconds(turn.ttft_s), " to first token", " client"))
    if turn.wait_s is not None and turn.wait_s >= NOTABLE_WAIT_S:
        parts.append(Part(format.seconds(turn.wait_s), " of it waiting", " client less server"))
    if turn.load_s is not None:
        parts.append(Part(format.seconds(turn.load_s), " load (cold)", " client"))
    if turn.completion_tokens is not None:
        parts.append(Part(format.count(turn.completion_tokens), " tokens"))
    if turn.ended and turn.e2e_s is not None:
        parts.append(Part(format.seconds(turn.e2e_s), " in all", " client"))
    if turn.ended and (end := _end(turn)):
        parts.append(Part("", end))
    return [part for part in parts if part is not None]


def _decode(turn: Turn) -> Part | None:
    if turn.decode is not None:
        mark = "~" if turn.decode.source == "~" else ""
        tag = "" if mark else f" {turn.decode.source}"
        return Part(f"{mark}{format.rate(turn.decode.value)}", " tok/s decode", tag)
    if turn.ended and turn.ttft_s is not None:
        return Part(format.UNKNOWN, f" decode ({why_no_decode(turn)})")
    return None


def _prefill(turn: Turn) -> Part | None:
    if turn.prefill is None:
        return None
    number = format.rate(turn.prefill.value)
    return Part(number, " tok/s prefill", f" {turn.prefill.source}")


def _prompt(turn: Turn) -> Part | None:
    if turn.prompt_tokens is None:
        return None
    new = turn.new_prompt_tokens
    if new is None or turn.cached_tokens is None:
        return Part(format.count(turn.prompt_tokens), " prompt tokens")
    cached = f" new + {format.count(turn.cached_tokens)} cached prompt tokens"
    return Part(format.count(new), cached)


def _end(turn: Turn) -> str:
    if turn.stopped:
        return "stopped"
    calls = turn.tool_calls
    words = {
        "stop": "complete",
        "length": "cut at the token limit",
        "tool_calls": f"asks for {calls or 'some'} tool call{'' if calls == 1 else 's'}"
        + ("" if turn.answer else ", no text"),
        "content_filter": "stopped by a filter",
    }
    reason = turn.finish_reason or ""
    return words.get(reason, plain(reason))


def why_no_decode(turn: Turn) -> str:
    """The reason why an answer that did arrive has no decode rate."""
    if turn.completion_tokens is None:
        return "neither timings nor usage in this reply"
    if turn.timings is None:
        return "no timings in this reply, too few or bunched arrivals to measure"
    return "too short to measure"


def failure_lines(failure: Explanation) -> list[str]:
    """The failure, its reason, the next step, and the runner's own last words."""
    lines = [failure.what, failure.cause, failure.step]
    said = telling_line(failure.detail)
    if said and not any(said in line for line in lines):
        lines.append(f"({said})")
    return [line for line in lines if line]
