"""The facts that only the doctor needs."""

from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from dmr_tui.machine.surroundings import Surroundings
from dmr_tui.runner.discovery.docker_engine import Controller, DockerEngine
from dmr_tui.runner.discovery.places import Places
from dmr_tui.runner.errors.explain import Explanation

Install = Literal["desktop", "engine", "cloud", "elsewhere", "none", "unknown"]


class EngineProof(Struct, frozen=True):
    """A model that was loaded to see an engine work."""

    model: str
    seconds: float
    """Seconds until it was loaded, or until the load failed."""
    failure: Explanation | None = None


@dataclass(frozen=True, slots=True)
class DoctorFacts:
    """The places to look for a runner, Docker and this computer, as last read."""

    places: Places
    engines: tuple[DockerEngine, ...] | None = None
    """None while Docker has not been asked."""
    surroundings: Surroundings | None = None
    clock_known: bool = False
    """True once an answer of the runner had a Date."""
    proof: EngineProof | None = None

    @property
    def install(self) -> Install:
        """The kind of the runner's installation."""
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
            # On other systems than Linux the runner comes with Docker Desktop.
            return "desktop"
        if any(engine.trouble == "no socket" for engine in self.engines or ()):
            return "none"
        return "unknown"

    @property
    def explicit(self) -> bool:
        """True if the user named the runner's address."""
        return not self.places.several and not self.places.sockets

    @property
    def controllers(self) -> tuple[Controller, ...]:
        """The containers in which a runner lives or lived."""
        return tuple(each for engine in self.engines or () for each in engine.controllers)
