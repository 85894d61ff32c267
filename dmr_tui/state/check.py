"""One finding of the doctor."""

from dataclasses import dataclass
from typing import Literal

Result = Literal["ok", "note", "warning", "problem", "unknown"]
"""`note`: nothing is wrong, and yet one should know; `unknown`: it could not be looked at."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, what was seen, what mends it."""

    group: str
    name: str
    result: Result
    evidence: str
    fix: tuple[str, ...] = ()
    """One step a line; commands as they are typed."""
