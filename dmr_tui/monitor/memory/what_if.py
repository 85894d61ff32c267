"""A model with another context, cache type or number of slots: memory estimate, and fit."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from dmr_tui.machine.reading import Reading
from dmr_tui.measure.architecture import Architecture
from dmr_tui.measure.fit import (
    CACHE_TYPES,
    DOES_NOT_FIT,
    LaunchConfig,
    MemoryEstimate,
    MemoryPool,
    Verdict,
    estimate_memory,
    judge,
    largest_context,
)
from dmr_tui.monitor.memory.engine_flags import read_flags
from dmr_tui.monitor.memory.fits import default_launch, held_by, models_to_unload, weights_of
from dmr_tui.state.memory import ContextSource, Fit, MemoryState
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Snapshot

MOST_SLOTS = 64
SMALLEST = 256
LONGEST = 2**21
"""Tokens that the user can try at most where the header has no trained context."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The user's question: None where it is left as the runner would do it."""

    context: int | None = None
    cache_type: str | None = None
    slots: int | None = None

    def asked(self, launch: LaunchConfig) -> LaunchConfig:
        """Return the launch config with these wishes."""
        return structs.replace(
            launch,
            context=launch.context if self.context is None else self.context,
            key_type=self.cache_type or launch.key_type,
            value_type=self.cache_type or launch.value_type,
            slots=launch.slots if self.slots is None else self.slots,
            unified=launch.unified if self.slots is None else False,
        )


AS_IT_IS = WhatIf()


@dataclass(frozen=True, slots=True)
class WhatIfResult:
    """The question about one model, and its answers."""

    row: ModelRow
    fit: Fit
    """The verdict of the monitor on the model as it would be loaded."""
    memory: MemoryState
    what: WhatIf = AS_IT_IS

    @property
    def asked(self) -> LaunchConfig:
        """Launch config of the engine."""
        return self.what.asked(self.fit.estimate.launch)

    @property
    def need(self) -> MemoryEstimate:
        """Memory estimate; of an unchanged question, the footprint of the last load if known."""
        if self.what == AS_IT_IS:
            return self.fit.need
        return estimate_memory(
            self.fit.architecture, weights_of(self.row), self.asked, self.memory.pool
        )

    @property
    def own(self) -> int:
        """Bytes that it holds now, which a load with another context gives back first."""
        pool, usage = self.memory.pool.value, self.memory.usage(self.row.key)
        if usage is None or pool is None:
            return 0
        held = usage.vram if pool.kind == "VRAM" else usage.ram
        return held.value or 0

    @property
    def pool(self) -> Reading[MemoryPool]:
        """Memory pool for it: what it holds itself counts as free."""
        pool = self.memory.pool
        if pool.value is None:
            return pool
        return Reading(structs.replace(pool.value, free=pool.value.free + self.own))

    @property
    def free(self) -> Reading[int]:
        """Bytes that are free for it, its own included."""
        pool = self.pool
        return Reading(None, pool.reason) if pool.value is None else Reading(pool.value.free)

    @property
    def loaded(self) -> bool:
        """True if it is loaded just as it is asked."""
        return self.what == AS_IT_IS and self.fit.verdict == "loaded"

    @property
    def verdict(self) -> Verdict:
        """True if it fits without unloading anything else."""
        return judge(self.need, self.pool)

    @property
    def lacks_memory(self) -> bool:
        """True if it needs more than is free for it."""
        return self.verdict in DOES_NOT_FIT

    @property
    def largest(self) -> int | None:
        """The largest context that fits with the cache type and slots that are asked."""
        if self.what.cache_type is None and self.what.slots is None:
            return self.fit.largest_context
        free = self.free.value
        if free is None:
            return None
        pool = self.memory.pool
        return largest_context(self.fit.architecture, weights_of(self.row), self.asked, pool, free)

    @property
    def unload(self) -> tuple[str, ...] | None:
        """Keys of the models to be unloaded first; empty if it fits, None if that does not help."""
        if self.what == AS_IT_IS:
            return self.fit.unload
        free = self.free.value
        if free is None or self.need.total.value is None:
            return ()
        held = held_by(self.memory.usages, self.memory.pool)
        return models_to_unload(self.need, free, [h for h in held if h.key != self.row.key])

    @property
    def way(self) -> tuple[tuple[str, ...], int | None]:
        """Models to unload, and the context to take instead, for it to fit as far as it can.

        A user who asked for something gets that, whether it fits or not.
        """
        unload, context = self.unload or (), self.what.context
        if self.what != AS_IT_IS:
            return unload, context
        if self.fit.smaller is not None:
            return self.fit.smaller
        if not unload and self.fit.lacks_memory:
            return unload, self.fit.largest_context
        return unload, context

    @property
    def hopeless(self) -> bool:
        """True if nothing that is known makes room for it."""
        smaller = self.what == AS_IT_IS and self.fit.smaller is not None
        return self.lacks_memory and not self.unload and not smaller

    def changed(self, what: WhatIf) -> WhatIf:
        """The differences from how the engine would be started anyway."""
        launch = self.fit.estimate.launch
        return WhatIf(
            None if what.context == launch.context else what.context,
            None if what.cache_type == launch.key_type == launch.value_type else what.cache_type,
            None if what.slots == launch.slots and not launch.unified else what.slots,
        )

    def with_context(self, context: int) -> WhatIf:
        """That context, as far as the model was trained for it."""
        most = self.row.context.trained or LONGEST
        return replace(self.what, context=max(SMALLEST, min(most, context)))

    def with_next_cache_type(self) -> WhatIf:
        """f16, q8_0, q4_0, and again."""
        now = self.asked.key_type
        place = CACHE_TYPES.index(now) + 1 if now in CACHE_TYPES else 0
        return replace(self.what, cache_type=CACHE_TYPES[place % len(CACHE_TYPES)])

    def with_slots(self, slots: int) -> WhatIf:
        """That many slots."""
        return replace(self.what, slots=max(1, min(MOST_SLOTS, slots)))


@dataclass(frozen=True, slots=True)
class LaunchForecast:
    """Forecast of a load with another configuration."""

    asked: LaunchConfig
    source: ContextSource
    """Origin of the context: a flag wins over the configured one."""
    need: MemoryEstimate
    verdict: Verdict
    trained: int | None = None
    """Trained context in tokens, if that is less than the context."""

    @property
    def lacks_memory(self) -> bool:
        """True if it needs more than is free for it."""
        return self.verdict in DOES_NOT_FIT


def forecast_launch(snapshot: Snapshot, row: ModelRow, config: Mapping[str, Any]) -> LaunchForecast:
    """Forecast a stored configuration; estimate and verdict may be unknown, with a reason."""
    memory = snapshot.memory
    fit = None if memory is None else memory.fits.get(row.key)
    size, flags = config.get("context-size"), config.get("runtime-flags")
    configured = size if isinstance(size, int) else None
    words = [str(flag) for flag in flags] if isinstance(flags, list) else []
    usual = None if fit is None or not fit.estimate.launch.unified else fit.estimate.launch.slots
    then = structs.replace(row, context=structs.replace(row.context, configured=configured))
    launch, source = default_launch(then, read_flags(words), usual)
    pool: Reading[MemoryPool] = Reading(None, "the machine was not read yet")
    architecture: Reading[Architecture] = Reading(None, pool.reason)
    if memory is not None and fit is not None:
        pool, architecture = WhatIfResult(row, fit, memory).pool, fit.architecture
    estimate = estimate_memory(architecture, weights_of(row), launch, pool)
    trained = row.context.trained
    beyond = trained is not None and launch.context > trained
    return LaunchForecast(
        launch, source, estimate, judge(estimate, pool), trained if beyond else None
    )
