"""One finding of the doctor."""

from dataclasses import dataclass
from typing import Literal

Result = Literal["ok", "note", "warning", "problem", "unknown"]
"""`note`: nothing is wrong, and yet one should know; `unknown`: it could not be looked at."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, in words, as a command, or both."""

    words: str = ""
    command: str = ""
    """As it is typed; with a word in capitals where something is to be filled in."""
    then: str = ""
    """A second command, for when the first has worked."""

    @property
    def text(self) -> str:
        """The step as it is read."""
        commands = ", then ".join(filter(None, (self.command, self.then)))
        return ": ".join(filter(None, (self.words, commands)))

    @property
    def to_run(self) -> str:
        """The step as it is copied; empty if it is words only."""
        return " && ".join(filter(None, (self.command, self.then)))


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what was looked at, what was seen, and the way out."""

    group: str
    name: str
    result: Result
    evidence: str
    steps: tuple[Step, ...] = ()

    @property
    def fix(self) -> tuple[str, ...]:
        """The steps as they are read."""
        return tuple(step.text for step in self.steps)
