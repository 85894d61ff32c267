"""The launch of an engine, and the memory that it then takes on the GPU and in RAM."""

from dataclasses import dataclass, replace

from dmr_tui.simulator.models.model import GIB, MIB, UBATCH, Model

CACHE_BYTES = {
    "f32": 4.0,
    "f16": 2.0,
    "bf16": 2.0,
    "q8_0": 1.0625,
    "q5_1": 0.75,
    "q5_0": 0.6875,
    "q4_1": 0.625,
    "q4_0": 0.5625,
}
"""Bytes of one element of the KV cache, by the engine's name for its type."""

CUDA_CONTEXT = 450 * MIB
PADDING = 256
"""A slot's part of the cache is a multiple of so many tokens."""
SMALLEST_FITTED_CONTEXT = 4096
_PROGRAM = int(0.55 * GIB)
"""RAM of a process that has CUDA's libraries loaded."""
_PROGRAM_ALONE = int(0.18 * GIB)


@dataclass(frozen=True, slots=True)
class Launch:
    """The context window and the slots that an engine is started with, and its KV cache."""

    context: int
    slots: int
    passed: int | None
    """The engine's --ctx-size; None if the context is left to the engine."""
    key_bytes: float = 2.0
    value_bytes: float = 2.0
    gpu_layers: int | None = None
    """None for all."""

    def fitted(self, model: Model, free: int) -> "Launch":
        """The same with the context halved until `model` fits into `free` bytes of the GPU."""
        context = self.context
        while context > SMALLEST_FITTED_CONTEXT:
            tried = replace(self, context=context)
            if engine_memory(model, tried).gpu <= free:
                return tried
            context //= 2
        return replace(self, context=context)


@dataclass(frozen=True, slots=True)
class EngineMemory:
    """Bytes that one engine takes."""

    weights: int
    cache: int
    compute: int
    on_gpu: float | None
    """The share of weights and cache that lies on the GPU, 0 to 1; None if it is not used."""

    @property
    def share(self) -> float:
        """As `on_gpu`, 0 where the GPU is not used."""
        return self.on_gpu or 0.0

    @property
    def device(self) -> str:
        """The engine's name for the device that computes."""
        return "CPU" if self.on_gpu is None else "CUDA0"

    @property
    def gpu(self) -> int:
        """Memory of the GPU."""
        if self.on_gpu is None:
            return 0
        return int((self.weights + self.cache) * self.on_gpu) + self.compute + CUDA_CONTEXT

    @property
    def own(self) -> int:
        """RAM that is the process's own."""
        beside = int(self.cache * (1.0 - self.share))
        if self.on_gpu is None:
            return beside + _PROGRAM_ALONE + self.compute
        return beside + _PROGRAM

    @property
    def mapped(self) -> int:
        """RAM with pages of its file: the weights that the processor works on."""
        return int(self.weights * (1.0 - self.share)) + 40 * MIB


def engine_memory(model: Model, launch: Launch, *, gpu: bool = True) -> EngineMemory:
    """The memory of `model` started as `launch` says; without a `gpu` all of it is RAM."""
    layers = model.layers
    share = 1.0 if launch.gpu_layers is None else min(1.0, launch.gpu_layers / layers.blocks)
    part = -(-launch.context // launch.slots // PADDING) * PADDING
    cache = launch.slots * layers.cache_bytes(part, launch.key_bytes, launch.value_bytes)
    return EngineMemory(
        model.size,
        0 if model.embedding else cache,
        4 * UBATCH * (layers.embedding + (0 if model.embedding else layers.vocabulary)),
        share if gpu else None,
    )
