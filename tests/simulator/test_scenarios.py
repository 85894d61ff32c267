"""The scenarios, and the logs of their engines."""

import time

import pytest

from dmr_tui.simulator.scenarios.scenarios import SCENARIOS
from dmr_tui.simulator.service.runner_config import RunnerConfig
from dmr_tui.simulator.service.runner_process import Key
from tests.simulator.conftest import Serve, Shared
from tests.simulator.steps import QWEN, rows, wait_for


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_every_scenario_runs(served: Serve, scenario: str) -> None:
    assert SCENARIOS[scenario].description.endswith(".")
    simulator, client = served(scenario)
    assert simulator.world.loader.runners
    if scenario not in {"flaky", "mixed"}:
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
