"""How an engine is started: context, slots, type of the cache, layers on the GPU."""

from dataclasses import dataclass

from dmr_tui.simulator.configuration import RunnerConfig
from dmr_tui.simulator.model import Model

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


@dataclass(frozen=True, slots=True)
class Shape:
    """The context window and the slots that a runner is started with, and what its cache is."""

    context: int
    slots: int
    passed: int | None
    """What goes to the engine as --ctx-size; None if it is left to the engine."""
    key_bytes: float = 2.0
    value_bytes: float = 2.0
    gpu_layers: int | None = None
    """None for all."""


def shape(model: Model, config: RunnerConfig) -> Shape:
    """How a runner of `model` is started; without any context it is the trained one."""
    passed = config.context_size
    if passed is None or (passed <= 0 and passed != -1):
        passed = model.packaged_context
    wanted = config.flag("-c", "--ctx-size") or passed
    layers = config.flag("-ngl", "--gpu-layers", "--n-gpu-layers")
    return Shape(
        wanted if wanted is not None and wanted > 0 else model.trained_context,
        max(1, config.flag("-np", "--parallel") or model.slots),
        passed,
        CACHE_BYTES.get(config.word("-ctk", "--cache-type-k") or "f16", 2.0),
        CACHE_BYTES.get(config.word("-ctv", "--cache-type-v") or "f16", 2.0),
        layers if layers is not None and layers >= 0 else None,
    )
