"""Fits of the installed models as they would be loaded now, and what to unload for them."""

from collections.abc import Sequence
from typing import Literal

from msgspec.structs import replace

from dmr_tui.machine.reading import Reading
from dmr_tui.measure.architecture import Architecture, read_architecture
from dmr_tui.measure.fit import (
    DOES_NOT_FIT,
    LaunchConfig,
    MemoryEstimate,
    MemoryPool,
    Reclaimable,
    estimate_memory,
    judge,
    largest_context,
    required_free,
    unload_for,
)
from dmr_tui.monitor.memory.engine_flags import ALL_LAYERS, Flags, read_flags
from dmr_tui.monitor.memory.footprints import Footprints
from dmr_tui.monitor.model_rows import configs_by_model
from dmr_tui.runner.wire import Configured
from dmr_tui.state.memory import ContextSource, Fit, Footprint, LoadConditions, MemoryUsage
from dmr_tui.state.model_row import ModelRow

AUTO_SLOTS = 4
"""Slots of llama-server by default, sharing one cache."""
USEFUL = 2048
"""Tokens below which a context holds no prompt that is worth a load."""
UNTRAINED = 4096
"""llama.cpp's context where neither package nor header names one."""


class Architectures:
    """The architectures of the installed models, read once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, Reading[Architecture]]] = {}

    def of(self, row: ModelRow) -> Reading[Architecture]:
        """The architecture that its package tells."""
        config = row.model.config if row.model else None
        known = self._known.get(row.key)
        if known is None or known[0] is not config:
            architecture = _architecture(row)
            self._known[row.key] = known = (config, architecture)
        return known[1]


def _architecture(row: ModelRow) -> Reading[Architecture]:
    config = row.model.config if row.model else None
    if config is None:
        return Reading(None, "the package tells nothing about the model")
    if config.format not in {None, "", "gguf"}:
        return Reading(None, f"a {config.format} package tells nothing about its layers")
    return read_architecture(config.gguf, row.architecture)


def find_fits(
    rows: Sequence[ModelRow],
    configured: Sequence[Configured],
    loading: LoadConditions,
    architectures: Architectures,
    footprints: Footprints,
) -> dict[str, Fit]:
    """The verdict for each installed model, by its key."""
    configs = configs_by_model(configured)
    found = {}
    for row in rows:
        if row.model is None:
            continue
        config = configs.get(row.key)
        flags = read_flags((config.config.runtime_flags if config else None) or ())
        launch, source = default_launch(row, flags, loading.slots)
        running = (loading.launches or {}).get(row.key) if row.runs else None
        found[row.key] = _fit(
            row, running or launch, source, loading, architectures.of(row), footprints
        )
    return found


def default_launch(
    row: ModelRow, flags: Flags, slots: int | None
) -> tuple[LaunchConfig, ContextSource]:
    """Launch config by which the runner would start the model now, and the origin of its context.

    A flag wins over the configured context, that over the packaged one; -1 is the trained one.
    """
    context = row.context
    candidates: tuple[tuple[int | None, ContextSource], ...] = (
        (flags.context, "flag"),
        (context.configured, "configured"),
        (context.packaged, "packaged"),
    )
    for wanted, source in candidates:
        if wanted is not None and wanted > 0:
            return launch_with(flags, wanted, slots), source
        if wanted:
            break
    if context.trained:
        return launch_with(flags, context.trained, slots), "trained"
    return launch_with(flags, UNTRAINED, slots), "default"


def launch_with(flags: Flags, context: int, slots: int | None) -> LaunchConfig:
    """Launch config of an engine with those flags and that context."""
    auto = flags.slots is None or flags.slots <= 0
    number = (slots or AUTO_SLOTS) if auto else flags.slots or 1
    all_layers = flags.layers is None or not 0 <= flags.layers < ALL_LAYERS
    return LaunchConfig(
        context=context,
        slots=number,
        key_type=flags.key_type or "f16",
        value_type=flags.value_type or "f16",
        ubatch=flags.ubatch if flags.ubatch and flags.ubatch > 0 else 512,
        flash=flags.flash is not False,
        unified=flags.unified if flags.unified is not None else auto,
        gpu_layers=None if all_layers else flags.layers,
    )


def _fit(
    row: ModelRow,
    launch: LaunchConfig,
    source: ContextSource,
    loading: LoadConditions,
    architecture: Reading[Architecture],
    footprints: Footprints,
) -> Fit:
    weights = weights_of(row)
    pool = loading.pool
    estimate = estimate_memory(architecture, weights, launch, pool)
    kind = "" if pool.value is None else pool.value.kind
    footprint = footprints.find(row.key, launch, kind)
    needed = estimate if footprint is None else _by_footprint(estimate, footprint)
    loaded = row.loaded
    if pool.value is None:
        word: Literal["loaded", "unknown"] = "loaded" if loaded else "unknown"
        return Fit(word, needed, estimate, source, reason=pool.reason, architecture=architecture)
    free = pool.value.free
    own = next((held.size for held in loading.held if held.key == row.key), 0)
    # A model that is being loaded has a part of its memory already, and is in no one's way.
    coming = bool(row.runs) and not loaded
    given = replace(pool.value, free=free + own) if coming else pool.value
    verdict = judge(needed, Reading(given))

    def longest(free: int) -> int | None:
        return largest_context(architecture, weights, launch, pool, free)

    largest = _useful(longest(free + own), architecture)
    if loaded:
        # It is there, whatever the formula says.
        largest = max(largest or 0, launch.context)
    unload = None if row.runs else models_to_unload(needed, free, loading.held)
    smaller = None
    if verdict in DOES_NOT_FIT and not row.runs and unload is None and largest is None:
        idle = tuple(held for held in loading.held if not held.busy)
        freed = free + sum(held.size for held in idle)
        if most := _useful(longest(freed), architecture):
            smaller = (tuple(held.key for held in idle), most)
    return Fit(
        "loaded" if loaded else verdict,
        needed,
        estimate,
        source,
        largest_context=largest,
        unload=unload,
        smaller=smaller,
        alone=longest(pool.value.total) if verdict == "too big" else None,
        footprint=footprint,
        reason=needed.total.reason,
        architecture=architecture,
    )


def too_short(context: int, trained: int | None) -> bool:
    """True if so many tokens are too few for prompts, and fewer than the model is trained for."""
    return context < min(USEFUL, trained or USEFUL)


def _useful(context: int | None, architecture: Reading[Architecture]) -> int | None:
    trained = architecture.value.trained if architecture.value is not None else None
    return None if not context or too_short(context, trained) else context


def weights_of(row: ModelRow) -> Reading[int]:
    """Bytes of the weights, as the runner tells them."""
    if row.size_bytes is None:
        return Reading(None, "the runner does not tell the size of the weights")
    return Reading(row.size_bytes)


def _by_footprint(estimate: MemoryEstimate, footprint: Footprint) -> MemoryEstimate:
    """The estimate as it was measured: by the parts in the engine's log, else in proportion."""
    logged = (footprint.weights, footprint.cache, footprint.compute)
    if None not in logged:
        parts = [size or 0 for size in logged]
    else:
        by_formula = (estimate.weights, estimate.cache, estimate.compute)
        parts = [part.value or 0 for part in by_formula]
    over = sum(parts) - footprint.total
    if over > 0:
        parts = [size * footprint.total // sum(parts) for size in parts]
    weights, cache, compute = (Reading(size) for size in parts)
    rest = footprint.total - sum(parts)
    return MemoryEstimate(estimate.launch, weights, cache, compute, rest, source="last load")


def models_to_unload(
    needed: MemoryEstimate, free: int, held: Sequence[Reclaimable]
) -> tuple[str, ...] | None:
    """Keys of the models to unload so that it fits, or if it never does, so that it is tight.

    Empty if it fits as it is; None if unloading does not help, or the estimate is unknown.
    """
    total = needed.total.value
    if total is None:
        return None
    if required_free(total) <= free:
        return ()
    for goal in (required_free(total), total):
        chosen = unload_for(goal - free, held)
        if chosen is not None:
            return tuple(each.key for each in chosen)
    return None


def held_by(usages: Sequence[MemoryUsage], pool: Reading[MemoryPool]) -> tuple[Reclaimable, ...]:
    """Bytes that each loaded model would give back to that pool."""
    if pool.value is None:
        return ()
    on_gpu = pool.value.kind == "VRAM"
    found = []
    for each in usages:
        size = each.vram.value if on_gpu else each.ram.value
        if each.key and size:
            found.append(Reclaimable(each.key, size, each.busy))
    return tuple(found)
