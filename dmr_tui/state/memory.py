"""The users of this computer's memory, and the models that fit beside them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, Never

from msgspec import Struct

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

NOWHERE: Reading[Never] = Reading(None, "nothing can be seen")
_NO_POOL: Reading[MemoryPool] = Reading(None, "reading the machine …")
_NO_ARCHITECTURE: Reading[Architecture] = Reading(
    None, "the package tells nothing about its layers"
)
_NO_LEVEL = PressureLevel(None)


class MemoryUsage(Struct, frozen=True):
    """The memory that one model, or one other program, holds; bytes."""

    key: str
    """The key of the model's row; empty for another program."""
    name: str
    """Its name on the screens."""
    vram: Reading[int]
    """Memory of all GPUs that its processes hold."""
    own: Reading[int]
    """RAM of its own: cache, compute, weights that were read and not mapped."""
    mapped: Reading[int] = NOWHERE
    """RAM that holds pages of its files: the system can drop and reread them."""
    swapped: Reading[int] = NOWHERE
    weights: Reading[int] = NOWHERE
    cache: Reading[int] = NOWHERE
    compute: Reading[int] = NOWHERE
    parts_source: PartsSource = ""
    """The source of the three parts, which need not add up to what is held."""
    cpu: Reading[float] = NOWHERE
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


class Footprint(Struct, frozen=True):
    """The memory that a load really took, by model and launch; bytes."""

    digest: str
    asked: LaunchConfig
    total: int
    """Weights, cache, compute and overhead together."""
    kind: Literal["VRAM", "RAM", "unified"]
    source: str
    """The source of the numbers: "engine log", "NVML", "resident memory"."""
    at: float
    """Seconds since 1970."""
    weights: int | None = None
    cache: int | None = None
    compute: int | None = None


class Fit(Struct, frozen=True):
    """The verdict on one installed model, as it would be loaded now."""

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
    """The memory that its last load like this really took."""
    reason: str = ""
    """The reason why the verdict is unknown."""
    architecture: Reading[Architecture] = _NO_ARCHITECTURE
    """The basis of the verdict, to try another context with."""

    @property
    def lacks_memory(self) -> bool:
        """True if it needs more than is free now."""
        return self.verdict in DOES_NOT_FIT

    @property
    def error(self) -> float | None:
        """Per cent by which the formula missed what the last load took."""
        total = self.estimate.total.value
        if self.footprint is None or total is None or not self.footprint.total:
            return None
        return 100.0 * (total - self.footprint.total) / self.footprint.total


class LoadConditions(Struct, frozen=True):
    """The facts about the computer that all verdicts depend on."""

    pool: Reading[MemoryPool]
    held: tuple[Reclaimable, ...] = ()
    """The memory that would be free without each loaded model."""
    launches: Mapping[str, LaunchConfig] | None = None
    """The launch configurations of the loaded models, by digest."""
    slots: int | None = None
    """The slots with which engines start here by default, if one has logged it."""


class MemoryState(Struct, frozen=True):
    """The memory of the runner's computer; nothing of it is known if that is another one."""

    pool: Reading[MemoryPool] = _NO_POOL
    """The memory into which the next model would be loaded."""
    usages: tuple[MemoryUsage, ...] = ()
    """Models first, then other users of a GPU, the largest first."""
    vram_rest: Reading[int] = NOWHERE
    """Bytes of GPU memory in use that no usage explains; never negative."""
    pressure: PressureLevel = _NO_LEVEL
    fits: Mapping[str, Fit] = MappingProxyType({})
    """By the key of the model's row; no entry for what is not installed."""
    note: str = ""
    """The part that cannot be seen, and why: "engine processes are hidden from this user"."""

    def usage(self, key: str) -> MemoryUsage | None:
        """Return the usage of a model by its key; None if it holds nothing."""
        return next((each for each in self.usages if each.key == key), None)
