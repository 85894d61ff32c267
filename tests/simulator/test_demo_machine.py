"""The computer of the demo, beside the simulated runner that it follows."""

import time

import pytest

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.measure.pressure_level import judge
from dmr_tui.simulator.service.runner_config import RunnerConfig
from dmr_tui.simulator.service.runner_process import Key
from tests.simulator.conftest import Serve, Shared
from tests.simulator.steps import QWEN, keep_busy, log, wait_for


def figures(machine: SimulatedMachine) -> tuple[float, float, float]:
    gpu = machine.read_gpus().gpus[0]
    assert gpu.use.value is not None
    assert gpu.memory_used.value is not None
    assert gpu.power.value is not None
    return gpu.use.value, gpu.memory_used.value, gpu.power.value


def test_the_machine_follows_the_runner(fresh: Shared) -> None:
    simulator, client = fresh
    machine = SimulatedMachine(simulator)
    time.sleep(0.05)
    idle_use, empty, idle_power = figures(machine)
    assert idle_use < 10
    simulator.load(QWEN)
    model = simulator.world.store.catalogue.resolve(QWEN)
    _, full, _ = figures(machine)
    (runner,) = simulator.world.loader.runners.values()
    taken = simulator.world.loader.memory_of(runner)
    assert full - empty == taken.gpu > model.size
    keep_busy(simulator, client, QWEN)
    figures(machine)
    wait_for(lambda: figures(machine)[2] > 3 * idle_power)
    assert figures(machine)[0] > 80
    assert machine.read_gpus().source == "simulated"
    assert machine.read_host().cpu_count == 8
    simulator.restart()
    wait_for(lambda: figures(machine)[1] == empty)


def test_the_process_of_a_runner_holds_what_the_gpu_says(fresh: Shared) -> None:
    simulator, _ = fresh
    machine = SimulatedMachine(simulator)
    assert machine.read_engines().engines == ()
    simulator.load(QWEN)
    (engine,) = machine.read_engines().engines
    model = simulator.world.store.catalogue.resolve(QWEN)
    assert engine.digest == model.digest
    assert "--ctx-size" in engine.arguments
    gpu = machine.read_gpus().gpus[0]
    assert gpu.processes.value is not None
    held = {process.pid: process.memory.value for process in gpu.processes.value}
    (runner,) = simulator.world.loader.runners.values()
    assert held[engine.pid] == simulator.world.loader.memory_of(runner).gpu
    container = machine.read_container().container
    assert container is not None
    assert container.id == engine.container
    assert container.gpus


def test_cache_types_and_layers_change_what_is_taken(fresh: Shared) -> None:
    simulator, _ = fresh
    machine = SimulatedMachine(simulator)
    digest = simulator.world.store.catalogue.digest(QWEN)

    def taken(*flags: str) -> tuple[int, int]:
        simulator.unload_all()
        config = RunnerConfig(8192, flags)
        simulator.world.loader.configs[Key("llama.cpp", digest, "completion")] = config
        simulator.load(QWEN)
        (engine,) = machine.read_engines().engines
        (runner,) = simulator.world.loader.runners.values()
        gpu = simulator.world.gpu.holders[runner]
        return gpu, simulator.world.loader.memory_of(runner).own + (engine.mapped.value or 0)

    whole, beside = taken()
    quantized, _ = taken("-ctk", "q8_0", "-ctv", "q8_0")
    half, more = taken("-ngl", "18")
    cache = 36 * 8 * 128 * 2 * 2 * 8192
    assert whole - quantized == int(cache * (2 - 1.0625) / 2)
    assert half < 0.6 * whole
    assert more > beside


def test_where_the_gpu_is_not_used_it_holds_nothing(served: Serve) -> None:
    simulator, client = served("cpu")
    assert "latest-cpu" in client.get("/engines/status").json()["llama.cpp"]
    machine = SimulatedMachine(simulator)
    gpu = machine.read_gpus().gpus[0]
    assert gpu.processes.value is not None
    assert {process.name for process in gpu.processes.value} == {"Xorg", "gnome-shell"}
    (engine,) = machine.read_engines().engines
    assert (engine.mapped.value or 0) > 4 * 2**30


def test_engines_that_are_killed_for_memory_are_counted(served: Serve) -> None:
    simulator, client = served("quiet")
    machine = SimulatedMachine(simulator)
    (runner,) = simulator.world.loader.runners.values()
    simulator.world.loader.kill_for_memory(runner)
    container = machine.read_container().container
    assert container is not None
    assert container.oom_kills.value == 1
    assert machine.read_host().pressure.oom_kills.value == 1
    assert "terminated unexpectedly" in log(client)
    assert "signal: killed" in log(client)
    assert machine.read_engines().engines == ()
    simulator.restart()
    container = machine.read_container().container
    assert container is not None
    assert container.oom_kills.value == 0
    assert machine.read_host().pressure.oom_kills.value == 1


@pytest.mark.parametrize(("scenario", "word"), [("pressure", "high"), ("workflow", "none")])
def test_pressure_is_high_where_memory_is_full(served: Serve, scenario: str, word: str) -> None:
    simulator, _ = served(scenario)
    machine = SimulatedMachine(simulator)
    words = []

    def judged() -> bool:
        words.append(judge(machine.read_host()).word)
        return len(words) >= 20

    wait_for(judged)
    assert set(words) == {word}
