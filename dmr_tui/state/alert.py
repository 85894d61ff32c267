"""Facts that are worth a warning, each with its numbers; the words are in text/alerts.py."""

from dataclasses import dataclass, field
from typing import Literal

from dmr_tui.measure.fit import MemoryPool
from dmr_tui.measure.pressure_level import PressureLevel
from dmr_tui.runner.backend import Backend
from dmr_tui.runner.request import Request
from dmr_tui.state.event import Event
from dmr_tui.state.lost_config import LostConfig
from dmr_tui.state.memory import Fit
from dmr_tui.state.source_state import SourceState

AlertLevel = Literal["critical", "warning", "hint"]
AlertScreen = Literal["", "dashboard", "requests", "memory", "timeline", "doctor"]
LEVELS: tuple[AlertLevel, ...] = ("critical", "warning", "hint")


@dataclass(frozen=True, slots=True)
class RunnerLost:
    """The runner answered before and does not now."""

    since: float
    """By this computer's clock."""
    reason: str


@dataclass(frozen=True, slots=True)
class NoRunner:
    """No address answers."""


@dataclass(frozen=True, slots=True)
class BackendFails:
    """A backend reports an error."""

    backend: Backend


@dataclass(frozen=True, slots=True)
class SourceFails:
    """A source of data is stale, or the archive reports a problem."""

    source: SourceState


@dataclass(frozen=True, slots=True)
class ConfigLost:
    """The runner forgot how a model was configured."""

    model: str
    lost: LostConfig
    read_only: bool


@dataclass(frozen=True, slots=True)
class CallerFails:
    """All recent requests of one caller to one model failed, the last one included."""

    caller: str
    model: str
    requests: int
    last: Request


@dataclass(frozen=True, slots=True)
class EngineKilled:
    """The system killed an engine for memory."""

    model: str
    at: float
    """By the runner's clock."""
    kills: int
    """Processes killed so far, on the machine or in the runner's container."""


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """A load ran out of memory, and the model is not loaded since."""

    model: str
    event: Event
    fit: Fit | None
    """The verdict with what would make room for it, if known."""


@dataclass(frozen=True, slots=True)
class PressureHigh:
    """The memory pressure of the computer is high."""

    pressure: PressureLevel


UnusedCause = Literal["container", "Desktop's setting", "CPU build", ""]


@dataclass(frozen=True, slots=True)
class GpuUnused:
    """A model generates while no GPU does anything."""

    model: str
    gpu: str
    maker: str
    use: float
    """Highest reading of the last minute, per cent."""
    cause: UnusedCause


@dataclass(frozen=True, slots=True)
class Swapping:
    """Memory moves to and from swap while a model generates."""

    model: str
    moved: float
    """Bytes a second, both ways."""
    swapped: int | None
    """Bytes that lie in swap."""


@dataclass(frozen=True, slots=True)
class ContainerFull:
    """The runner's container is near its memory limit; bytes."""

    needed: int
    limit: int


@dataclass(frozen=True, slots=True)
class DoesNotFit:
    """A model needs more memory than is free, or than there is."""

    model: str
    fit: Fit
    pool: MemoryPool
    used_lately: bool
    """True if it was used lately; else it can never fit as it is packaged."""


@dataclass(frozen=True, slots=True)
class OthersHold:
    """Other programs hold the GPU memory that a model needs; bytes."""

    model: str
    held: int
    largest: str
    """The program that holds most."""
    largest_held: int


@dataclass(frozen=True, slots=True)
class PartlyOnGpu:
    """Some layers of a model are computed by the processor."""

    model: str
    layers: str
    """Layers on the GPU: "20 of 33"."""


AlertFact = (
    RunnerLost
    | NoRunner
    | BackendFails
    | SourceFails
    | ConfigLost
    | CallerFails
    | EngineKilled
    | OutOfMemory
    | PressureHigh
    | GpuUnused
    | Swapping
    | ContainerFull
    | DoesNotFit
    | OthersHold
    | PartlyOnGpu
)


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that the user should know."""

    key: str
    """Its identity: once dismissed, a key stays quiet until the alert was gone for a while."""
    level: AlertLevel
    fact: AlertFact
    screen: AlertScreen = ""
    """The screen on which it is dealt with, or seen."""
    dismissable: bool = field(default=True, kw_only=True)
    """False for trouble with the runner itself: without it every number is old."""
