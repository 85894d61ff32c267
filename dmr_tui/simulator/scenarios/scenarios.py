"""The scenarios of a simulated runner: each has a past, and drivers that go on from there."""

from collections.abc import Callable
from dataclasses import dataclass

from dmr_tui.simulator.golang import FOREVER
from dmr_tui.simulator.models.library import (
    INSTALLED,
    LLAMA32,
    NOMIC,
    PHI4,
    QWEN3,
    SLOW,
    VLLM_QWEN3,
)
from dmr_tui.simulator.models.model import GIB, Model
from dmr_tui.simulator.scenarios import drivers
from dmr_tui.simulator.scenarios.drivers import Driver, client
from dmr_tui.simulator.scenarios.past import Past
from dmr_tui.simulator.scenarios.sample_requests import (
    agent,
    curl,
    document,
    indexer,
    long_story,
    node,
    script,
)
from dmr_tui.simulator.service.release import NEWEST
from dmr_tui.simulator.service.runner_config import RunnerConfig
from dmr_tui.simulator.service.runner_process import Key
from dmr_tui.simulator.service.world import World

_MINUTE = 60.0
_SLOW_QWEN3 = SLOW[INSTALLED.index(QWEN3)]
_NOMIC_NAME = "nomic-embed-text-v1.5:F16"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario; `prepare` sets the past, the drivers are started with the server."""

    description: str
    prepare: Callable[[World, Past], None]
    drivers: tuple[Driver, ...] = ()
    version: str = NEWEST
    models: tuple[Model, ...] = INSTALLED
    vllm: bool = False
    busy_host: bool = False
    """Other programs take most of the computer's memory."""
    uses_gpu: bool = True
    """Engines compute with the GPU that is there."""


def _quiet(world: World, past: Past) -> None:
    past.loaded(3 * _MINUTE, QWEN3)
    past.answered((150,), QWEN3, curl)


def _idle(world: World, past: Past) -> None:
    _configure(world, QWEN3, keep_alive=30 * 60 * 10**9)
    _configure(world, NOMIC, "embedding", keep_alive=FOREVER)
    past.loaded(6 * _MINUTE, QWEN3)
    past.loaded(5 * _MINUTE, NOMIC, "embedding")


def _configure(
    world: World,
    model: Model,
    mode: str = "completion",
    *,
    keep_alive: int | None = None,
    flags: tuple[str, ...] = (),
) -> None:
    config = RunnerConfig(model.packaged_context, flags, keep_alive=keep_alive)
    world.loader.configs[Key(model.backend, model.digest, mode)] = config


def _workflow(world: World, past: Past) -> None:
    past.loaded(14 * _MINUTE, QWEN3)
    past.loaded(11 * _MINUTE, NOMIC, "embedding", _NOMIC_NAME)
    past.loaded(6 * _MINUTE, LLAMA32)
    past.answered((420, 371, 322, 268, 214, 159, 103, 52), QWEN3, agent)
    past.recorded(240, QWEN3, script(QWEN3.name, past.rng), answered=False)
    past.answered((340, 251, 130, 31), LLAMA32, node)
    past.answered((395, 300, 206, 110, 18), NOMIC, indexer, "embedding")


def _pressure(world: World, past: Past) -> None:
    world.gpu.other = int(9.4 * GIB)
    # An engine that prints all it knows tells the parts of its memory.
    _configure(world, PHI4, flags=("-v",))
    past.loaded(9 * _MINUTE, PHI4)
    past.answered((300, 210, 95), PHI4, agent)


def _old(world: World, past: Past) -> None:
    past.loaded(4 * _MINUTE, LLAMA32)
    past.answered((170, 80), LLAMA32, node)


def _vllm(world: World, past: Past) -> None:
    past.loaded(8 * _MINUTE, VLLM_QWEN3)
    past.loaded(7 * _MINUTE, NOMIC, "embedding")
    past.answered((280, 190, 75), VLLM_QWEN3, agent)


def _processor(world: World, past: Past) -> None:
    past.loaded(6 * _MINUTE, _SLOW_QWEN3)
    past.answered((240, 90), _SLOW_QWEN3, node)


def _killed(world: World, past: Past) -> None:
    past.loaded(6 * _MINUTE, QWEN3)
    past.loaded(4 * _MINUTE, LLAMA32)
    past.answered((150,), QWEN3, agent)


def _heavy(world: World, past: Past) -> None:
    past.loaded(4 * _MINUTE, QWEN3)
    text = "All work and no play makes a long document. " * 26_000
    for ago in range(10):
        past.recorded(60.0 - ago, QWEN3, document(QWEN3.name, text))


_AGENTS = client(agent, QWEN3.name, (1.5, 7))
_NODES = client(node, LLAMA32.name, (4, 11), first=(1, 3))
_INDEXERS = client(indexer, _NOMIC_NAME, (5, 14), first=(5, 14))
_VLLM_AGENTS = client(agent, VLLM_QWEN3.name, (1, 4))

SCENARIOS = {
    "quiet": Scenario("Models are installed, one is loaded and idle, no requests come.", _quiet),
    "workflow": Scenario(
        "n8n, scripts and an indexer share three models; some answers are cut, some clients leave.",
        _workflow,
        (_AGENTS, drivers.scripts, _NODES, drivers.by_hand, _INDEXERS),
    ),
    "pressure": Scenario(
        "GPU memory is nearly full: loads fail, clients retry, models are evicted.",
        _pressure,
        (drivers.memory_pressure, drivers.short_keep_alive),
        busy_host=True,
    ),
    "oom": Scenario(
        "RAM is short: the kernel kills an engine now and then, and clients load it again.",
        _killed,
        (_AGENTS, _NODES, drivers.kills),
        busy_host=True,
    ),
    "cpu": Scenario(
        "A GPU is there and engines do not use it: answers are slow, and the processor is full.",
        _processor,
        (client(node, _SLOW_QWEN3.name, (1, 4)),),
        models=SLOW,
        uses_gpu=False,
    ),
    "flaky": Scenario(
        "Errors, hangs, broken answers and restarts come and go.",
        _old,
        (_NODES, drivers.faults, drivers.restarts),
    ),
    "old": Scenario(
        "Version v1.0.12 with a little traffic: no version, no log, no preload.",
        _old,
        (_NODES,),
        version="v1.0.12",
    ),
    "vllm": Scenario(
        "A safetensors model on vLLM answers several clients at once, without timings.",
        _vllm,
        (_VLLM_AGENTS, _VLLM_AGENTS, _INDEXERS),
        models=(VLLM_QWEN3, *INSTALLED),
        vllm=True,
    ),
    "flood": Scenario(
        f"{drivers.FLOOD} short requests end in each second, for measuring.",
        _quiet,
        (drivers.flood,),
    ),
    "heavy": Scenario(
        "The records hold 10 MB of prompts while a model is busy, for measuring.",
        _heavy,
        (client(long_story, QWEN3.name),),
    ),
    "mixed": Scenario(
        "Clients, full memory, faults and restarts all at once, for measuring over hours.",
        _workflow,
        (
            *(_AGENTS, drivers.scripts, _NODES, drivers.by_hand, _INDEXERS, drivers.passers_by),
            *(drivers.memory_pressure, drivers.short_keep_alive, drivers.faults, drivers.restarts),
        ),
    ),
    "idle": Scenario("Two models are loaded and kept, and nothing ever happens.", _idle),
}
