"""The scenarios, and the computer around them."""

import time

import pytest

from dmr_tui.measure.pressure_level import judge
from dmr_tui.simulator.configuration import RunnerConfig
from dmr_tui.simulator.machine import SimulatedMachine
from dmr_tui.simulator.runner import Key
from dmr_tui.simulator.scenarios import SCENARIOS
from tests.simulator.calls import QWEN, keep_busy, log, rows, wait_for
from tests.simulator.conftest import Serve, Shared


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_every_scenario_runs(served: Serve, scenario: str) -> None:
    assert SCENARIOS[scenario].endswith(".")
    simulator, client = served(scenario)
    assert simulator.world.loader.runners
    if scenario != "flaky":
        assert client.get("/engines/ps").status_code == 200
    stamps = [line[:32] for line in simulator.world.log.text(True).decode().splitlines()]
    assert stamps == sorted(stamps)


def test_the_workflow_looks_lived_in_from_the_first_second(served: Serve) -> None:
    _, client = served("workflow")
    wait_for(lambda: any(row.get("in_use") for row in rows(client).values()))
    groups = client.get("/engines/requests").json()
    kept = [record for group in groups for record in group["records"]]
    assert len(groups) == 3
    assert len(kept) > 15
    assert any(record["status_code"] == 0 for record in kept)
    assert any(time.time() - record["timestamp"] > 60 for record in kept)
    agents = {record["user_agent"] for record in kept}
    assert "langchainjs-openai/1.0.0 ((node/v20.20.2; linux; x64))" in agents
    assert {"n8n", "OpenAI/Python 2.54.0"} <= agents


def test_many_models(served: Serve) -> None:
    _, client = served("quiet", models=1000)
    listed = client.get("/models").json()
    assert len(listed) == 1008
    tags = " ".join(tag for model in listed for tag in model["tags"])
    assert "[red]x[/y]" in tags
    assert "\x1b" in tags


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
    taken = simulator.world.loader.footprint(runner)
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
    assert held[engine.pid] == simulator.world.loader.footprint(runner).gpu
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
        return gpu, simulator.world.loader.footprint(runner).own + (engine.mapped.value or 0)

    whole, beside = taken()
    quantized, _ = taken("-ctk", "q8_0", "-ctv", "q8_0")
    half, more = taken("-ngl", "18")
    cache = 36 * 8 * 128 * 2 * 2 * 8192
    assert whole - quantized == int(cache * (2 - 1.0625) / 2)
    assert half < 0.6 * whole
    assert more > beside


def test_a_verbose_engine_tells_its_buffers(fresh: Shared) -> None:
    simulator, _ = fresh
    digest = simulator.world.store.catalogue.digest(QWEN)
    config = RunnerConfig(8192, ("-v",))
    simulator.world.loader.configs[Key("llama.cpp", digest, "completion")] = config
    simulator.load(QWEN)
    log = simulator.world.log.text(True).decode()
    assert " I load_tensors:        CUDA0 model buffer size =  4789.19 MiB" in log
    assert " I llama_kv_cache:      CUDA0 KV buffer size =  1152.00 MiB" in log
    assert " I sched_reserve:      CUDA0 compute buffer size =   304.75 MiB" in log
    assert " I load_tensors: offloaded 37/37 layers to GPU" in log


def test_an_engine_that_is_not_verbose_keeps_its_buffers_to_itself(fresh: Shared) -> None:
    simulator, _ = fresh
    simulator.load(QWEN)
    log = simulator.world.log.text(True).decode()
    assert "model loaded" in log
    assert "buffer size" not in log
    assert "offloaded" not in log


def test_layers_beside_the_gpu_are_told_apart(fresh: Shared) -> None:
    simulator, _ = fresh
    digest = simulator.world.store.catalogue.digest(QWEN)
    config = RunnerConfig(8192, ("-v", "-ngl", "18"))
    simulator.world.loader.configs[Key("llama.cpp", digest, "completion")] = config
    simulator.load(QWEN)
    log = simulator.world.log.text(True).decode()
    assert "load_tensors: offloaded 18/37 layers to GPU" in log
    assert "load_tensors:   CPU_Mapped model buffer size =  2394.60 MiB" in log
    assert "llama_kv_cache:        CPU KV buffer size =   576.00 MiB" in log
    assert "llama_kv_cache:      CUDA0 KV buffer size =   576.00 MiB" in log


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
