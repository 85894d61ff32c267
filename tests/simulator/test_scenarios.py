"""The scenarios, and the computer around them."""

import time

import pytest

from dmr_tui.machine.probe import Machine
from dmr_tui.simulator.machine import SimulatedMachine
from dmr_tui.simulator.scenarios import SCENARIOS
from tests.simulator.calls import QWEN, keep_busy, rows, wait_for
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


def figures(machine: Machine) -> tuple[float, float, float]:
    gpu = machine.gpu.gpus[0]
    assert gpu.use.value is not None
    assert gpu.memory_used.value is not None
    assert gpu.power.value is not None
    return gpu.use.value, gpu.memory_used.value, gpu.power.value


def test_the_machine_follows_the_runner(fresh: Shared) -> None:
    simulator, client = fresh
    machine = SimulatedMachine(simulator)
    time.sleep(0.05)
    idle_use, empty, idle_power = figures(machine.read())
    assert idle_use < 10
    simulator.load(QWEN)
    model = simulator.world.store.catalogue.resolve(QWEN)
    _, full, _ = figures(machine.read())
    assert full - empty == model.gpu_bytes(8192) > model.size
    keep_busy(simulator, client, QWEN)
    machine.read()
    wait_for(lambda: figures(machine.read())[2] > 3 * idle_power)
    assert figures(machine.read())[0] > 80
    report = machine.read()
    assert report.gpu.source == "simulated"
    assert report.host.cpu_count == 8
    simulator.restart()
    wait_for(lambda: figures(machine.read())[1] == empty)
