"""Facts that are worth a warning, each with its numbers; the words are in text/alerts.py."""

from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

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


class RunnerLost(Struct, frozen=True):
    """The runner answered before and does not now."""

    since: float
    """By this computer's clock."""
    reason: str


class NoRunner(Struct, frozen=True):
    """No address answers."""


class BackendFails(Struct, frozen=True):
    """A backend reports an error."""

    backend: Backend


class SourceFails(Struct, frozen=True):
    """A source of data is stale, or the archive reports a problem."""

    source: SourceState


class ConfigLost(Struct, frozen=True):
    """The runner forgot how a model was configured."""

    model: str
    lost: LostConfig
    read_only: bool


class CallerFails(Struct, frozen=True):
    """All recent requests of one caller to one model failed, the last one included."""

    caller: str
    model: str
    requests: int
    last: Request


class EngineKilled(Struct, frozen=True):
    """The system killed an engine for memory."""

    model: str
    at: float
    """By the runner's clock."""
    kills: int
    """Processes killed so far, on the machine or in the runner's container."""


class OutOfMemory(Struct, frozen=True):
    """A load ran out of memory, and the model is not loaded since."""

    model: str
    event: Event
    fit: Fit | None
    """The verdict with what would make room for it, if known."""


class PressureHigh(Struct, frozen=True):
    """The memory pressure of the computer is high."""

    pressure: PressureLevel


UnusedCause = Literal["container", "Desktop's setting", "CPU build", ""]


class GpuUnused(Struct, frozen=True):
    """A model generates while no GPU does anything."""

    model: str
    gpu: str
    maker: str
    use: float
    """Highest reading of the last minute, per cent."""
    cause: UnusedCause


class Swapping(Struct, frozen=True):
    """Memory moves to and from swap while a model generates."""

    model: str
    moved: float
    """Bytes a second, both ways."""
    swapped: int | None
    """Bytes that lie in swap."""


class ContainerFull(Struct, frozen=True):
    """The runner's container is near its memory limit; bytes."""

    needed: int
    limit: int


class DoesNotFit(Struct, frozen=True):
    """A model needs more memory than is free, or than there is."""

    model: str
    fit: Fit
    pool: MemoryPool
    used_lately: bool
    """True if it was used lately; else it can never fit as it is packaged."""


class OthersHold(Struct, frozen=True):
    """Other programs hold the GPU memory that a model needs; bytes."""

    model: str
    held: int
    largest: str
    """The program that holds most."""
    largest_held: int


class PartlyOnGpu(Struct, frozen=True):
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
