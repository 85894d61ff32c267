"""The facts from which the doctor's checks are made."""

from dataclasses import dataclass
from typing import Literal

from dmr_tui.machine.surroundings import Surroundings
from dmr_tui.runner.discovery.docker_engine import Controller, DockerEngine
from dmr_tui.runner.discovery.places import Places
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.format import DEFAULT_UNITS, Units

Install = Literal["desktop", "engine", "cloud", "elsewhere", "none", "unknown"]


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the checks look at."""

    snapshot: Snapshot
    places: Places
    engines: tuple[DockerEngine, ...] | None = None
    """None while Docker has not been asked."""
    surroundings: Surroundings | None = None
    clock_known: bool = False
    """The runner has told its time."""

    units: Units = DEFAULT_UNITS

    @property
    def install(self) -> Install:
        """The kind of installation."""
        for engine in self.engines or ():
            if engine.is_desktop:
                return "desktop"
            if engine.cloud:
                return "cloud"
            if engine.answers:
                return "engine"
        if not self.places.sockets and self.explicit:
            return "elsewhere"
        if self.surroundings is not None and self.surroundings.platform != "linux":
            # Elsewhere than on Linux the runner comes with Docker Desktop.
            return "desktop"
        if any(engine.trouble == "no socket" for engine in self.engines or ()):
            return "none"
        return "unknown"

    @property
    def explicit(self) -> bool:
        """Whether the user named the place where the runner is."""
        return not self.places.several and not self.places.sockets

    @property
    def up(self) -> bool:
        """Whether a runner answers."""
        return bool(self.snapshot.runner.up)

    @property
    def controllers(self) -> tuple[Controller, ...]:
        """The containers in which a runner lives or lived."""
        return tuple(each for engine in self.engines or () for each in engine.controllers)
