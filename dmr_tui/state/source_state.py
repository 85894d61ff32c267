"""The health of one source of data."""

from typing import Literal

from msgspec import Struct

SourceHealth = Literal["waiting", "ok", "stale", "absent"]
"""`absent` is an endpoint that this version of the runner does not have."""


class SourceState(Struct, frozen=True):
    """One source of data: whether it answers, and since when it does not."""

    name: str
    health: SourceHealth = "waiting"
    reason: str = ""
    good_at: float | None = None
    """Time of the last answer of a stale source, by this computer's clock."""
