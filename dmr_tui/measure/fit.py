"""The memory that a model needs, and whether it fits: estimates by formula, nothing measured."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from dmr_tui.machine.reading import Reading
from dmr_tui.measure.architecture import Architecture

PoolKind = Literal["VRAM", "RAM", "unified"]
Verdict = Literal["fits", "tight", "no room", "too big", "unknown"]
DOES_NOT_FIT = frozenset({"no room", "too big"})
CACHE_TYPES = ("f16", "q8_0", "q4_0")
"""The types that the user can try; every type of `BYTES` is understood."""
BYTES = {
    "f32": 4.0,
    "f16": 2.0,
    "bf16": 2.0,
    "q8_0": 34 / 32,
    "q5_1": 24 / 32,
    "q5_0": 22 / 32,
    "q4_1": 20 / 32,
    "q4_0": 18 / 32,
    "iq4_nl": 18 / 32,
}
"""Bytes of one element in the KV cache, the scales of its block included."""
PADDING = 256
SPARE, SPARE_BYTES = 1.10, 300 * 2**20
"""Memory left free beside a model that "fits": formulas miss by some per cent."""
USUAL_FEED_FORWARD = 4
"""Width of a feed-forward layer, in embeddings, where the header does not tell."""
LARGEST_VOCABULARY = 262_144
"""Assumed where the header does not tell: of the models in use, Gemma's is the largest."""


class LaunchConfig(Struct, frozen=True):
    """The options with which an engine is, or would be, started."""

    context: int
    """Tokens of all slots together."""
    slots: int = 1
    key_type: str = "f16"
    value_type: str = "f16"
    ubatch: int = 512
    flash: bool = True
    unified: bool = True
    """True if all slots share one KV cache, by which sliding windows are counted."""
    gpu_layers: int | None = None
    """Layers that go to the GPU; None for all."""


class MemoryPool(Struct, frozen=True):
    """The memory into which the next model would be loaded; bytes."""

    kind: PoolKind
    total: int
    free: int
    overhead: int = 0
    """Memory that an engine takes beside its model: the driver's context, on each GPU."""
    source: str = ""
    """The source of the numbers, as the screens name it."""


class MemoryEstimate(Struct, frozen=True):
    """The memory that a model needs, by parts that may be unknown; bytes."""

    launch: LaunchConfig
    weights: Reading[int]
    cache: Reading[int]
    """KV cache and recurrent state."""
    compute: Reading[int]
    overhead: int = 0
    source: Literal["estimate", "last load"] = "estimate"

    @property
    def total(self) -> Reading[int]:
        """The sum of all parts; unknown, with the reason, if one of them is."""
        for part in (self.weights, self.cache, self.compute):
            if part.value is None:
                return Reading(None, part.reason)
        return Reading(self.at_least)

    @property
    def at_least(self) -> int:
        """The sum of the known parts."""
        parts = (self.weights, self.cache, self.compute)
        return sum(part.value or 0 for part in parts) + self.overhead


class Reclaimable(Struct, frozen=True):
    """Memory that would be free if a loaded model were unloaded."""

    key: str
    size: int
    """Bytes."""
    busy: bool = False
    """A busy model cannot be unloaded."""


def estimate_memory(
    architecture: Reading[Architecture],
    weights: Reading[int],
    launch: LaunchConfig,
    pool: Reading[MemoryPool],
) -> MemoryEstimate:
    """Estimate the memory that a model takes in a pool, by the formulas of llama.cpp.

    Layers that stay off the GPU keep their share of weights and cache out of its memory.
    """
    on_gpu = pool.value is None or pool.value.kind != "RAM"
    overhead = pool.value.overhead if pool.value is not None else 0
    if architecture.value is None:
        unknown: Reading[int] = Reading(None, architecture.reason)
        return MemoryEstimate(launch, weights, unknown, unknown, overhead)
    share = _share(architecture.value, launch) if on_gpu else 1.0
    if weights.value is not None and share < 1.0:
        weights = Reading(int(weights.value * share))
    return MemoryEstimate(
        launch,
        weights,
        _cache(architecture.value, launch, share),
        _compute(architecture.value, launch, on_gpu),
        overhead,
    )


def _share(architecture: Architecture, launch: LaunchConfig) -> float:
    if launch.gpu_layers is None or not architecture.layers:
        return 1.0
    return min(1.0, max(0, launch.gpu_layers) / len(architecture.layers))


def cells(context: int) -> int:
    """Return the tokens that llama.cpp keeps cells for: the context, up to a multiple of 256."""
    return -(-context // PADDING) * PADDING


def _cache(architecture: Architecture, launch: LaunchConfig, share: float) -> Reading[int]:
    """Return the bytes of KV cache.

    Cells × KV heads × (key length × its bytes + value length × its bytes), over all layers.

    Layers with a sliding window keep the window of each sequence and one batch, if that is less.
    """
    key, value = BYTES.get(launch.key_type.lower()), BYTES.get(launch.value_type.lower())
    if key is None or value is None:
        unknown = launch.key_type if key is None else launch.value_type
        return Reading(None, f"no cache type is called {unknown[:20]!r}")
    streams = 1 if launch.unified else launch.slots
    size = 0.0
    kept = {
        window: _kept(window, launch) for window in {each.window for each in architecture.layers}
    }
    for layer in architecture.layers if architecture.causal else ():
        element = layer.key_length * key + layer.value_length * value
        size += kept[layer.window] * streams * layer.kv_heads * element
    return Reading(int((size + architecture.state * launch.slots) * share))


def _kept(window: int | None, launch: LaunchConfig) -> int:
    """Return the tokens that a layer with that window keeps in each cache."""
    whole = cells(-(-launch.context // (1 if launch.unified else launch.slots)))
    if window is None:
        return whole
    sequences = launch.slots if launch.unified else 1
    return min(whole, cells(window * sequences + launch.ubatch))


def _compute(architecture: Architecture, launch: LaunchConfig, on_gpu: bool) -> Reading[int]:
    """Return the bytes of the compute buffer: one batch through the widest layer, in f32.

    4 × ubatch × (5 × embedding + 3 × feed-forward), and the masks of attention: what llama.cpp
    b11549 prints on a processor, for networks of llama's kind with and without experts. Before
    its pull request 23861 (2026) it also kept a score for each word of the vocabulary there,
    4 × ubatch × (vocabulary + embedding): 304.75 MiB for Qwen's 151,936 and 4,096. The age
    of an engine is not known, and a GPU has no memory to spare: there the larger one counts.
    """
    ubatch = min(launch.ubatch, launch.context)
    size = _widest(architecture, launch, ubatch)
    if on_gpu and architecture.causal:
        vocabulary = architecture.vocabulary or LARGEST_VOCABULARY
        size = max(
            size,
            4 * ubatch * (vocabulary + architecture.embedding)
            + _scores(architecture, launch, ubatch),
        )
    return Reading(size)


def _widest(architecture: Architecture, launch: LaunchConfig, ubatch: int) -> int:
    feed = architecture.feed_forward or USUAL_FEED_FORWARD * architecture.embedding
    through = 4 * ubatch * max(8 * architecture.embedding, 5 * architecture.embedding + 3 * feed)
    attending = {layer.window for layer in architecture.layers if layer.kv_heads}
    masked = sum(_kept(window, launch) for window in attending) if architecture.causal else ubatch
    if launch.flash:
        return through + 2 * ubatch * masked
    # Without flash attention the mask is in f32, and the scores of all heads need memory.
    attended = _scores(architecture, launch, ubatch) + 4 * ubatch * 8 * architecture.embedding
    return max(through, attended) + 4 * ubatch * masked


def _scores(architecture: Architecture, launch: LaunchConfig, ubatch: int) -> int:
    """Return the bytes of all heads' scores for a batch: 4 × ubatch × context × heads, or 0."""
    if launch.flash:
        return 0
    attended = _kept(None, launch) if architecture.causal else ubatch
    return 4 * ubatch * attended * architecture.heads


def required_free(total: int) -> int:
    """Return the bytes that have to be free for a model of `total` bytes to fit well."""
    return math.ceil(total * SPARE) + SPARE_BYTES


def judge(needed: MemoryEstimate, pool: Reading[MemoryPool]) -> Verdict:
    """Judge whether a model fits into the free memory of a pool.

    "fits" leaves a tenth and 300 MiB, because formulas err; "tight" leaves less than that. "no
    room" is more than is free now, "too big" more than there is, so that no unload helps. Known
    parts that do not fit are enough for either, even if the other parts are unknown.
    """
    if pool.value is None:
        return "unknown"
    if needed.at_least > pool.value.total:
        return "too big"
    if needed.at_least > pool.value.free:
        return "no room"
    total = needed.total.value
    if total is None:
        return "unknown"
    return "fits" if required_free(total) <= pool.value.free else "tight"


def largest_context(
    architecture: Reading[Architecture],
    weights: Reading[int],
    launch: LaunchConfig,
    pool: Reading[MemoryPool],
    free: int,
) -> int | None:
    """Find the largest context (a multiple of 256, at most the trained one) that "fits".

    None if none does, or if that is not known.
    """
    if architecture.value is None or pool.value is None:
        return None
    with_free = Reading(replace(pool.value, free=free))
    most = architecture.value.trained or launch.context

    def fits(blocks: int) -> bool:
        tried = replace(launch, context=min(blocks * PADDING, most))
        return judge(estimate_memory(architecture, weights, tried, pool), with_free) == "fits"

    fitting, failing = 0, -(-most // PADDING) + 1
    while failing - fitting > 1:
        middle = (fitting + failing) // 2
        fitting, failing = (middle, failing) if fits(middle) else (fitting, middle)
    return min(fitting * PADDING, most) or None


def unload_for(missing: int, held: Sequence[Reclaimable]) -> tuple[Reclaimable, ...] | None:
    """Find the fewest models, and of those the smallest, that free `missing` bytes.

    None if all idle models together do not.
    """
    idle = [each for each in held if not each.busy]
    if sum(each.size for each in idle) < missing:
        return None
    for count in range(len(idle) + 1):
        enough = [
            chosen
            for chosen in combinations(idle, count)
            if sum(each.size for each in chosen) >= missing
        ]
        if enough:
            return min(enough, key=lambda chosen: sum(each.size for each in chosen))
    return None
