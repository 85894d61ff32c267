"""What the memory of an engine goes to: weights, cache, compute, on the GPU and beside it."""

from dataclasses import dataclass, replace

from dmr_tui.simulator.model import GIB, MIB, UBATCH, Model
from dmr_tui.simulator.shape import Shape

CUDA_CONTEXT = 450 * MIB
PADDING = 256
SMALLEST_FITTED_CONTEXT = 4096
_PROGRAM = int(0.55 * GIB)
"""RAM of a process that has CUDA's libraries loaded."""
_PROGRAM_ALONE = int(0.18 * GIB)


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes of one engine."""

    weights: int
    cache: int
    compute: int
    on_gpu: float | None
    """The share of weights and cache that lies on the GPU, 0 to 1; None if it is not used."""

    @property
    def share(self) -> float:
        """The same as a number."""
        return self.on_gpu or 0.0

    @property
    def device(self) -> str:
        """Where it computes, as the engine calls it."""
        return "CPU" if self.on_gpu is None else "CUDA0"

    @property
    def gpu(self) -> int:
        """What it takes of the GPU."""
        if self.on_gpu is None:
            return 0
        return int((self.weights + self.cache) * self.on_gpu) + self.compute + CUDA_CONTEXT

    @property
    def own(self) -> int:
        """RAM that is its own."""
        beside = int(self.cache * (1.0 - self.share))
        if self.on_gpu is None:
            return beside + _PROGRAM_ALONE + self.compute
        return beside + _PROGRAM

    @property
    def mapped(self) -> int:
        """RAM with pages of its file: the weights that the processor works on."""
        return int(self.weights * (1.0 - self.share)) + 40 * MIB


def footprint(model: Model, shape: Shape, *, gpu: bool = True) -> Footprint:
    """What `model`, started like that, takes; without a `gpu` all of it is RAM."""
    layers = model.layers
    share = 1.0 if shape.gpu_layers is None else min(1.0, shape.gpu_layers / layers.blocks)
    return Footprint(
        model.size,
        0 if model.embedding else _cache(model, shape),
        4 * UBATCH * (layers.embedding + (0 if model.embedding else layers.vocabulary)),
        share if gpu else None,
    )


def _cache(model: Model, shape: Shape) -> int:
    """Each slot has its part of the context, in cells by the 256."""
    part = -(-shape.context // shape.slots // PADDING) * PADDING
    return shape.slots * model.layers.cache_bytes(part, shape.key_bytes, shape.value_bytes)


def fitted(model: Model, shape: Shape, free: int) -> Shape:
    """An engine that nobody told a context makes it smaller until it fits into `free` bytes."""
    context = shape.context
    while context > SMALLEST_FITTED_CONTEXT:
        tried = replace(shape, context=context)
        if footprint(model, tried).gpu <= free:
            return tried
        context //= 2
    return replace(shape, context=context)
