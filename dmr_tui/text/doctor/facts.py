"""All that the checks look at."""

from dataclasses import dataclass

from dmr_tui.state.doctor_facts import DoctorFacts
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.format import DEFAULT_UNITS, Units


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
