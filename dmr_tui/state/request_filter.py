"""What a screen asks of the requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dmr_tui.runner.request import Outcome

SHOWN_REQUESTS = 10_000
"""Calls that a screen holds at the most, the newest ones."""


AnyFailure = Literal["any failure"]


ANY_FAILURE: AnyFailure = "any failure"


CallerNames = Mapping[str, str]
"""What a person calls a caller, by the name that it has of its User-Agent."""


@dataclass(frozen=True, slots=True)
class RequestFilter:
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


@dataclass(frozen=True, slots=True)
class View:
    """What the open screen needs beside what every Snapshot holds."""

    requests: RequestFilter | None = None
    groups: bool = False
    """Whether the calls are to be counted by caller and by model."""
    log: bool = False
    doctor: bool = False
    """Whether Docker and this computer are asked for what the doctor checks."""
