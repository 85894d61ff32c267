"""Who holds this computer's memory, and which model fits beside it: frozen, for the Snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from dmr_tui.machine.reading import Reading
from dmr_tui.measure.architecture import Architecture
from dmr_tui.measure.fit import (
    DOES_NOT_FIT,
    LaunchConfig,
    MemoryEstimate,
    MemoryPool,
    Reclaimable,
    Verdict,
)
from dmr_tui.measure.pressure_level import PressureLevel

PartsSource = Literal["engine log", "estimate", ""]
ContextSource = Literal["engine log", "flag", "configured", "packaged", "trained", "default"]

NOWHERE: Reading[int] = Reading(None, "nothing can be seen")
_NO_CPU: Reading[float] = Reading(None, "nothing can be seen")
_NO_ROOM: Reading[MemoryPool] = Reading(None, "reading the machine …")
_NO_ARCHITECTURE: Reading[Architecture] = Reading(
    None, "the package tells nothing about its layers"
)
_NO_LEVEL = PressureLevel(None)


@dataclass(frozen=True, slots=True)
class MemoryUsage:
    """What one model, or one other program, holds of this computer's memory; bytes."""

    key: str
    """The key of the model's row; empty for another program."""
    name: str
    """As the screens call it."""
    vram: Reading[int]
    """Memory of all GPUs that its processes hold."""
    own: Reading[int]
    """RAM that is its own: cache, compute, weights that were read and not mapped."""
    mapped: Reading[int] = NOWHERE
    """RAM that holds pages of its files: the system can drop and reread them."""
    swapped: Reading[int] = NOWHERE
    weights: Reading[int] = NOWHERE
    cache: Reading[int] = NOWHERE
    compute: Reading[int] = NOWHERE
    parts_source: PartsSource = ""
    """Who tells the three parts; they need not add up to what is held."""
    cpu: Reading[float] = _NO_CPU
    """Per cent of one core."""
    layers: str = ""
    """Layers on the GPU, if the engine said so: "20 of 33"."""
    pids: tuple[int, ...] = ()
    busy: bool = False

    @property
    def ram(self) -> Reading[int]:
        """All of its RAM."""
        if self.own.value is None:
            return self.own
        return Reading(self.own.value + (self.mapped.value or 0))


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a load really took, remembered for the model and how it was started; bytes."""

    digest: str
    asked: LaunchConfig
    total: int
    """Weights, cache, compute and overhead together."""
    kind: Literal["VRAM", "RAM", "unified"]
    source: str
    """Who measured it: "engine log", "NVML", "resident memory"."""
    at: float
    """Seconds since 1970."""
    weights: int | None = None
    cache: int | None = None
    compute: int | None = None


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether one installed model fits, the way it would be loaded now."""

    verdict: Verdict | Literal["loaded"]
    need: MemoryEstimate
    """With `source` "last load" where such a load is remembered, else by formula."""
    estimate: MemoryEstimate
    """Always by formula."""
    context_source: ContextSource
    largest_context: int | None = None
    """The largest with which it fits without unloading anything; None if too short, or unknown."""
    unload: tuple[str, ...] | None = None
    """Keys of the models to be unloaded for it, if there is no room or it is tight beside them.

    None if unloading does not help.
    """
    smaller: tuple[tuple[str, ...], int] | None = None
    """If neither helps: which models to unload, and the largest context with which it fits then."""
    alone: int | None = None
    """If it is too big: the largest context with which it fits into all of the memory."""
    footprint: Footprint | None = None
    """What its last load like this really took."""
    reason: str = ""
    """Why the verdict is unknown."""
    architecture: Reading[Architecture] = field(default=_NO_ARCHITECTURE, repr=False)
    """What the verdict rests on, to try another context with."""

    @property
    def lacks_memory(self) -> bool:
        """Whether it needs more than is free now."""
        return self.verdict in DOES_NOT_FIT

    @property
    def error(self) -> float | None:
        """By how many per cent the formula missed what the last load took."""
        total = self.estimate.total.value
        if self.footprint is None or total is None or not self.footprint.total:
            return None
        return 100.0 * (total - self.footprint.total) / self.footprint.total


@dataclass(frozen=True, slots=True)
class Loading:
    """What the verdicts of all models depend on, beside the models."""

    pool: Reading[MemoryPool]
    held: tuple[Reclaimable, ...] = ()
    """What would be free without each loaded model."""
    launches: Mapping[str, LaunchConfig] | None = None
    """How the loaded models were started, by digest."""
    slots: int | None = None
    """With how many slots engines start by themselves here, as far as one has said."""


@dataclass(frozen=True, slots=True)
class MemoryState:
    """The memory of the runner's computer; nothing of it is known if that is another one."""

    pool: Reading[MemoryPool] = _NO_ROOM
    """Where the next model would go."""
    usages: tuple[MemoryUsage, ...] = ()
    """Models first, then other users of a GPU, the largest first."""
    vram_rest: Reading[int] = NOWHERE
    """Bytes of GPU memory in use that nobody named explains; negative never."""
    pressure: PressureLevel = _NO_LEVEL
    fits: Mapping[str, Fit] = field(default_factory=lambda: MappingProxyType({}))
    """By the key of the model's row; no entry for what is not installed."""
    note: str = ""
    """What cannot be seen, and why: "engine processes are hidden from this user"."""

    def usage(self, key: str) -> MemoryUsage | None:
        """What that model holds."""
        return next((each for each in self.usages if each.key == key), None)
