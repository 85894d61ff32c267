"""What a person asks of the calls: which ones, and what they say by caller and by model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dmr_tui.measure.stats import Summary
from dmr_tui.runner.names import short
from dmr_tui.runner.requests import FAILURES, Outcome, Request

SHOWN_CALLS = 10_000
"""Calls that a screen holds at the most, the newest ones."""

AnyFailure = Literal["any failure"]
ANY_FAILURE: AnyFailure = "any failure"

CallerNames = Mapping[str, str]
"""What a person calls a caller, by the name that it has of its User-Agent."""


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls: every condition that is set has to hold."""

    words: str = ""
    """Each word has to be in the model, caller, API, status or error; case does not count."""
    model: str | None = None
    """Short name; case does not count."""
    caller: str | None = None
    """As it is shown: by the name that a person gave it, if one did; case does not count."""
    outcome: Outcome | AnyFailure | None = None
    since: float | None = None
    """Seconds since 1970, by the runner's clock."""

    def matches(self, request: Request, names: CallerNames) -> bool:
        """Whether `request` is one of those."""
        if self.since is not None and ended(request) < self.since:
            return False
        return self.matches_kind(
            short(request.model),
            names.get(request.caller, request.caller),
            request.outcome,
            searched_text(request),
        )

    def matches_kind(self, model: str, caller: str, outcome: str, text: str) -> bool:
        """The same for the few properties that many calls share."""
        if self.model is not None and model.lower() != self.model.lower():
            return False
        if self.caller is not None and caller.lower() != self.caller.lower():
            return False
        if self.outcome == ANY_FAILURE:
            if outcome not in FAILURES:
                return False
        elif self.outcome is not None and outcome != self.outcome:
            return False
        if not self.words:
            return True
        text = f"{text} {caller}".lower()
        return all(word in text for word in self.words.lower().split())


@dataclass(frozen=True, slots=True)
class View:
    """What the open screen needs beside what every Snapshot holds."""

    calls: CallFilter | None = None
    groups: bool = False
    """Whether the calls are to be counted by caller and by model."""
    log: bool = False
    doctor: bool = False
    """Whether Docker and this computer are asked for what the doctor checks."""


@dataclass(frozen=True, slots=True)
class CallGroup:
    """What the calls of one caller, or to one model, say."""

    name: str
    """The caller's name as it is shown, or the model's short name."""
    calls: int
    failed: int
    left: int
    """Calls whose caller went away, time limits included."""
    cold: int
    """Calls for which the model was loaded."""
    retried: int
    """Calls that were sent more than once."""
    decode: Summary | None = None
    """Tokens per second of single calls, by the engine."""
    prefill: Summary | None = None
    ttft: Summary | None = None
    """Seconds, of streamed calls."""
    waited: Summary | None = None
    """Seconds before the engine began."""
    together: float | None = None
    """Tokens per second of the calls that decoded at the same time, added up, at its highest."""
    cache_share: float | None = None
    """Cached of all prompt tokens, 0 to 1."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    last_at: float = 0.0
    """When the newest of them ended."""
    slow: str = ""
    """By how much it is slower than usual, and the likely reason; empty if it is not."""


def searched_text(request: Request) -> str:
    """What the words of a filter are looked for in, besides the caller's given name."""
    return " ".join(
        (
            request.model,
            request.digest or "",
            request.caller,
            request.api,
            request.outcome,
            request.error[:200],
        )
    )


def ended(request: Request) -> float:
    """When a call ended; for one that ended before we listened, its start and its own timings."""
    if request.finished_at is not None:
        return request.finished_at
    timings = request.timings
    spent = 0.0 if timings is None else (timings.prompt_ms or 0.0) + (timings.predicted_ms or 0.0)
    return request.started_at + spent / 1000.0
