"""The requests that a screen shows, and the other parts that it needs."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from dmr_tui.runner.request import Outcome

SHOWN_REQUESTS = 10_000
"""Most requests that a screen holds, the newest ones."""


AnyFailure = Literal["any failure"]
ANY_FAILURE: AnyFailure = "any failure"

CallerNames = Mapping[str, str]
"""The user's names for callers, by the name that each has of its User-Agent."""


class RequestFilter(Struct, frozen=True):
    """A filter of requests: every condition that is set has to hold."""

    words: str = ""
    """Each word has to be in the model, caller, API, status or error; case does not count."""
    model: str | None = None
    """Short name; case does not count."""
    caller: str | None = None
    """As it is shown: by the user's name for it, if there is one; case does not count."""
    outcome: Outcome | AnyFailure | None = None
    since: float | None = None
    """Seconds since 1970, by the runner's clock."""


class View(Struct, frozen=True):
    """The parts of a Snapshot that are made only if the open screen needs them."""

    requests: RequestFilter | None = None
    groups: bool = False
    """True to count the requests by caller and by model."""
    log: bool = False
    doctor: bool = False
    """True to look at Docker and this computer for the doctor's checks."""
