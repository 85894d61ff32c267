"""One finding of the doctor."""

from dataclasses import dataclass
from typing import Literal

Result = Literal["ok", "note", "warning", "problem", "unknown"]
"""`note` is no fault, but worth knowing; `unknown` could not be checked."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its subject, the result with the evidence, and the steps to fix it."""

    group: str
    name: str
    result: Result
    evidence: str
    fix: tuple[str, ...] = ()
    """One step a line; commands as they are typed."""
