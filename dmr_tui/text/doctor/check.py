"""One finding of the doctor, and the facts that all of them rest on."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from dmr_tui.machine.surroundings import Surroundings
from dmr_tui.state.doctor_facts import DoctorFacts
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.format import DEFAULT_UNITS, Units

Result = Literal["ok", "note", "warning", "problem", "unknown"]
"""`note`: nothing is wrong, and yet one should know; `unknown`: it could not be looked at."""
_UNREAD = Surroundings("linux", False, False, True, (), "", MappingProxyType({}))


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


@dataclass(frozen=True, slots=True)
class Group:
    """The checks of one subject; called like a function, it makes one of them."""

    name: str

    def __call__(self, name: str, result: Result, evidence: str, *steps: Step) -> Check:
        return Check(self.name, name, result, evidence, steps)


@dataclass(frozen=True, slots=True)
class Facts:
    """One moment, what the doctor found out besides, and how sizes are printed."""

    snapshot: Snapshot
    doctor: DoctorFacts
    units: Units = DEFAULT_UNITS

    @property
    def up(self) -> bool:
        """True if a runner answers."""
        return bool(self.snapshot.runner.up)

    @property
    def around(self) -> Surroundings:
        """This computer; until it was read, a Linux with nothing in the way."""
        return self.doctor.surroundings or _UNREAD
