"""The memory of a simulated engine, beside the dashboard's estimate of it."""

import pytest

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.architecture import read_architecture
from dmr_tui.measure.fit import (
    LaunchConfig,
    MemoryEstimate,
    MemoryPool,
    estimate_memory,
    judge,
    largest_context,
)
from dmr_tui.simulator.engine.launch import CUDA_CONTEXT, engine_memory
from dmr_tui.simulator.models.library import INSTALLED, NOMIC
from dmr_tui.simulator.models.model import MIB, Model
from dmr_tui.simulator.server import Simulator
from dmr_tui.simulator.service.runner_config import RunnerConfig
from dmr_tui.simulator.service.runner_process import Key
from tests.simulator.conftest import Shared
from tests.simulator.steps import CHAT, GEMMA, OTHER, SMALL, chat

PRELOAD = {"X-Preload-Only": "true"}


def room(free: int = 0, total: int = 2**40) -> Reading[MemoryPool]:
    return Reading(MemoryPool("VRAM", total, free, CUDA_CONTEXT))


def estimated(model: Model, asked: LaunchConfig) -> MemoryEstimate:
    config = model.config()
    header = read_architecture(config["gguf"], model.architecture)
    return estimate_memory(header, Reading(model.size), asked, room())


ASKED = (
    ((), LaunchConfig(8192, unified=False)),
    (("-np", "4"), LaunchConfig(8192, slots=4, unified=False)),
    (("-ctk", "q8_0", "-ctv", "q8_0"), LaunchConfig(8192, 1, "q8_0", "q8_0", unified=False)),
    (("--cache-type-k=q4_0",), LaunchConfig(8192, key_type="q4_0", unified=False)),
    (("-ngl", "10"), LaunchConfig(8192, unified=False, gpu_layers=10)),
    (("-ngl", "0"), LaunchConfig(8192, unified=False, gpu_layers=0)),
    (("-c", "20001"), LaunchConfig(20_001, unified=False)),
)
CHATTING = [model for model in INSTALLED if not model.embedding]


@pytest.mark.parametrize(("flags", "asked"), ASKED, ids=[" ".join(flags) for flags, _ in ASKED])
@pytest.mark.parametrize("model", CHATTING, ids=[model.name for model in CHATTING])
def test_the_formulas_meet_it(model: Model, flags: tuple[str, ...], asked: LaunchConfig) -> None:
    taken = engine_memory(model, RunnerConfig(8192, flags).launch(model))
    total = estimated(model, asked).total.value
    assert total is not None
    assert abs(taken.gpu - total) < MIB


def test_an_encoder_keeps_no_cache_and_the_formulas_do_not_fall_short() -> None:
    taken = engine_memory(NOMIC, RunnerConfig(2048).launch(NOMIC))
    assert taken.cache == 0
    total = estimated(NOMIC, LaunchConfig(2048, unified=False)).total.value
    assert total is not None
    assert 0 <= total - taken.gpu < 64 * MIB


def preloads(fresh: Shared, name: str, context: int) -> tuple[int, str]:
    simulator, client = fresh
    model = simulator.world.store.catalogue.resolve(name)
    key = Key("llama.cpp", model.digest, "completion")
    simulator.world.loader.configs[key] = RunnerConfig(context)
    answer = client.post(CHAT, json=chat(name, max_tokens=1), headers=PRELOAD)
    return answer.status_code, answer.text


def shown_free(simulator: Simulator) -> int:
    gpu = SimulatedMachine(simulator).read_gpus().gpus[0]
    assert gpu.memory_total.value is not None
    assert gpu.memory_used.value is not None
    return gpu.memory_total.value - gpu.memory_used.value


@pytest.mark.parametrize("name", [SMALL, OTHER, GEMMA])
def test_the_verdicts_come_true(fresh: Shared, name: str) -> None:
    simulator, _ = fresh
    world = simulator.world
    model = world.store.catalogue.resolve(name)
    other = world.gpu.other
    header = read_architecture(model.config()["gguf"], model.architecture)
    try:
        world.gpu.other = world.gpu.total - model.size - 2500 * MIB
        free = shown_free(simulator)
        assert free == world.gpu.free
        most = largest_context(
            header, Reading(model.size), LaunchConfig(8192, unified=False), room(free), free
        )
        assert most is not None
        assert preloads(fresh, name, most)[0] == 200
        assert shown_free(simulator) == world.gpu.free
        simulator.unload_all()
        world.gpu.other = world.gpu.total - model.size - 100 * MIB
        needed = estimated(model, LaunchConfig(most, unified=False))
        assert judge(needed, room(shown_free(simulator))) == "no room"
        status, text = preloads(fresh, name, most)
        assert status == 500
        assert "not enough GPU memory to load the model (CUDA)" in text
        assert "cudaMalloc failed: out of memory" in text
    finally:
        world.gpu.other = other
