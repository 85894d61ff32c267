"""What goes on in a simulated runner: each scenario prepares the world and then drives it."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from dmr_tui.simulator import traffic
from dmr_tui.simulator.configuration import RunnerConfig
from dmr_tui.simulator.faults import Fault
from dmr_tui.simulator.golang import FOREVER
from dmr_tui.simulator.library import (
    GEMMA3,
    INSTALLED,
    LLAMA32,
    NEMO,
    NOMIC,
    PHI4,
    QWEN3,
    SLOW,
    SMOLLM2,
    VLLM_QWEN3,
)
from dmr_tui.simulator.model import GIB, Model
from dmr_tui.simulator.release import NEWEST
from dmr_tui.simulator.runner import Key
from dmr_tui.simulator.stage import MINUTE, Driver, Past, Stage
from dmr_tui.simulator.world import World

_SLOW_QWEN3 = SLOW[INSTALLED.index(QWEN3)]
FLOOD = 200
"""Calls a second; the recorder's feed drops what a reader does not take in time."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario; `prepare` is told the past, the drivers are started with the server."""

    description: str
    prepare: Callable[[World, Past], None]
    drivers: tuple[Driver, ...] = ()
    version: str = NEWEST
    models: tuple[Model, ...] = INSTALLED
    vllm: bool = False
    busy_host: bool = False
    """Other programs take most of the computer's memory."""
    uses_gpu: bool = True
    """Whether engines compute with the GPU that is there."""


def _quiet(world: World, past: Past) -> None:
    past.loaded(3 * MINUTE, QWEN3)
    past.answered(2.5 * MINUTE, QWEN3, traffic.person(QWEN3, past.rng))


def _idle(world: World, past: Past) -> None:
    half_an_hour = 30 * 60 * 10**9
    _keep(world, QWEN3, "completion", half_an_hour)
    _keep(world, NOMIC, "embedding", FOREVER)
    past.loaded(6 * MINUTE, QWEN3)
    past.loaded(5 * MINUTE, NOMIC, "embedding")


def _keep(
    world: World, model: Model, mode: str, keep_alive: int | None, flags: tuple[str, ...] = ()
) -> None:
    config = RunnerConfig(model.packaged_context, flags, keep_alive=keep_alive)
    world.loader.configs[Key(model.backend, model.digest, mode)] = config


def _workflow(world: World, past: Past) -> None:
    past.loaded(14 * MINUTE, QWEN3)
    past.loaded(11 * MINUTE, NOMIC, "embedding", "nomic-embed-text-v1.5:F16")
    past.loaded(6 * MINUTE, LLAMA32)
    for ago in (420, 371, 322, 268, 214, 159, 103, 52):
        past.answered(ago, QWEN3, traffic.agent(QWEN3, past.rng))
    past.abandoned(240, QWEN3, traffic.script(QWEN3, past.rng))
    for ago in (340, 251, 130, 31):
        past.answered(ago, LLAMA32, traffic.node(LLAMA32, past.rng))
    for ago in (395, 300, 206, 110, 18):
        past.answered(ago, NOMIC, traffic.indexer(NOMIC, past.rng), "embedding")


async def _agents(stage: Stage) -> None:
    while True:
        await stage.play(traffic.agent(QWEN3, stage.rng))
        await stage.pause(1.5, 7)


async def _scripts(stage: Stage) -> None:
    await stage.pause(6, 9)
    while True:
        leaves = stage.rng.random() < 0.35
        call = traffic.script(QWEN3, stage.rng, f"docker.io/{QWEN3.name}")
        await stage.play(call, stage.rng.uniform(0.8, 2.5) if leaves else None)
        await stage.pause(12, 25)


async def _nodes(stage: Stage) -> None:
    await stage.pause(1, 3)
    while True:
        await stage.play(traffic.node(LLAMA32, stage.rng))
        await stage.pause(4, 11)


async def _people(stage: Stage) -> None:
    while True:
        await stage.pause(20, 40)
        await stage.play(traffic.person(LLAMA32, stage.rng, "llama3.2:1B-Q8_0"))
        await stage.pause(20, 40)
        await stage.play(traffic.too_long(QWEN3, stage.rng))


async def _indexers(stage: Stage) -> None:
    while True:
        await stage.pause(5, 14)
        await stage.play(traffic.indexer(NOMIC, stage.rng, "nomic-embed-text-v1.5:F16"))


def _pressure(world: World, past: Past) -> None:
    world.gpu.other = int(9.4 * GIB)
    # An engine that prints all it knows tells the parts of its memory.
    _keep(world, PHI4, "completion", None, ("-v",))
    past.loaded(9 * MINUTE, PHI4)
    for ago in (300, 210, 95):
        past.answered(ago, PHI4, traffic.agent(PHI4, past.rng))


async def _squeeze(stage: Stage) -> None:
    while True:
        await stage.play(traffic.agent(PHI4, stage.rng))
        await stage.pause(2, 4)
        for _ in range(3):
            await stage.play(traffic.script(NEMO, stage.rng))
            await stage.pause(1, 2)
        await stage.play(traffic.node(GEMMA3, stage.rng))
        await stage.pause(3, 5)
        _unload(stage, PHI4)
        await stage.play(traffic.node(GEMMA3, stage.rng))
        await stage.pause(1, 2)
        await stage.play(traffic.agent(GEMMA3, stage.rng))
        await stage.play(traffic.agent(PHI4, stage.rng))
        await stage.pause(4, 6)
        _unload(stage, GEMMA3)


async def _small_ones(stage: Stage) -> None:
    config = {"model": SMOLLM2.name, "keep_alive": "20s"}
    stage.world.configure(json.dumps(config).encode(), None, traffic.CURL)
    while True:
        await stage.pause(6, 30)
        await stage.play(traffic.person(SMOLLM2, stage.rng))


def _unload(stage: Stage, model: Model) -> None:
    stage.world.unload(json.dumps({"models": [model.name]}).encode())


async def _faults(stage: Stage) -> None:
    pages = ("/engines/ps", "/engines/requests", "/models", "/engines")
    while True:
        await stage.pause(4, 8)
        fault = stage.rng.choice(
            (
                Fault("status", stage.rng.choice(pages), 3, status=503),
                Fault("hang", stage.rng.choice(pages), 1),
                Fault("slow", stage.rng.choice(pages), 2, seconds=3.0),
                Fault("reset", "/engines/requests", 1, after=120),
                Fault("garbage", stage.rng.choice(pages), 2),
                Fault("half", stage.rng.choice(pages), 2),
                Fault("html", stage.rng.choice(pages), 1),
                Fault("refuse", count=4),
            )
        )
        stage.faults.add(fault)


async def _restarts(stage: Stage) -> None:
    while True:
        await stage.pause(40, 70)
        await stage.world.restart()


def _old(world: World, past: Past) -> None:
    past.loaded(4 * MINUTE, LLAMA32)
    for ago in (170, 80):
        past.answered(ago, LLAMA32, traffic.node(LLAMA32, past.rng))


def _vllm(world: World, past: Past) -> None:
    past.loaded(8 * MINUTE, VLLM_QWEN3)
    past.loaded(7 * MINUTE, NOMIC, "embedding")
    for ago in (280, 190, 75):
        past.answered(ago, VLLM_QWEN3, traffic.agent(VLLM_QWEN3, past.rng))


async def _batched(stage: Stage) -> None:
    while True:
        await stage.play(traffic.agent(VLLM_QWEN3, stage.rng))
        await stage.pause(1, 4)


async def _nodes_of_qwen(stage: Stage) -> None:
    while True:
        await stage.play(traffic.long_story(QWEN3, stage.rng))


def _processor(world: World, past: Past) -> None:
    past.loaded(6 * MINUTE, _SLOW_QWEN3)
    for ago in (240, 90):
        past.answered(ago, _SLOW_QWEN3, traffic.node(_SLOW_QWEN3, past.rng))


async def _patient(stage: Stage) -> None:
    while True:
        await stage.play(traffic.node(_SLOW_QWEN3, stage.rng))
        await stage.pause(1, 4)


def _killed(world: World, past: Past) -> None:
    past.loaded(6 * MINUTE, QWEN3)
    past.loaded(4 * MINUTE, LLAMA32)
    past.answered(150, QWEN3, traffic.agent(QWEN3, past.rng))


async def _killings(stage: Stage) -> None:
    while True:
        await stage.pause(8, 20)
        runners = [each for each in stage.world.loader.runners.values() if not each.dead]
        if runners:
            stage.world.loader.kill_for_memory(stage.rng.choice(runners))


def _heavy(world: World, past: Past) -> None:
    past.loaded(4 * MINUTE, QWEN3)
    document = "All work and no play makes a long document. " * 26_000
    for ago in range(10):
        past.recorded(60.0 - ago, QWEN3, traffic.document(QWEN3, document))


async def _flood(stage: Stage) -> None:
    told, began = 0, time.monotonic()
    while True:
        while told < (time.monotonic() - began) * FLOOD:
            told += 1
            stage.record(QWEN3, traffic.node(QWEN3, stage.rng))
        await asyncio.sleep(0.004)


PLAYS = {
    "quiet": Scenario("Models are installed, one is loaded and idle, nobody calls.", _quiet),
    "workflow": Scenario(
        "n8n, scripts and an indexer share three models; some answers are cut, some callers leave.",
        _workflow,
        (_agents, _scripts, _nodes, _people, _indexers),
    ),
    "pressure": Scenario(
        "GPU memory is nearly full: loads fail, callers retry, models are evicted.",
        _pressure,
        (_squeeze, _small_ones),
        busy_host=True,
    ),
    "oom": Scenario(
        "RAM is short: the kernel kills an engine now and then, and callers load it again.",
        _killed,
        (_agents, _nodes, _killings),
        busy_host=True,
    ),
    "cpu": Scenario(
        "A GPU is there and engines do not use it: answers are slow, and the processor is full.",
        _processor,
        (_patient,),
        models=SLOW,
        uses_gpu=False,
    ),
    "flaky": Scenario(
        "Errors, hangs, broken answers and restarts come and go.",
        _old,
        (_nodes, _faults, _restarts),
    ),
    "old": Scenario(
        "Version v1.0.12 with a little traffic: no version, no log, no preload.",
        _old,
        (_nodes,),
        version="v1.0.12",
    ),
    "vllm": Scenario(
        "A safetensors model on vLLM answers several callers at once, without timings.",
        _vllm,
        (_batched, _batched, _indexers),
        models=(VLLM_QWEN3, *INSTALLED),
        vllm=True,
    ),
    "flood": Scenario(f"{FLOOD} short calls end in each second, for measuring.", _quiet, (_flood,)),
    "heavy": Scenario(
        "The records hold 10 MB of prompts while a model is busy, for measuring.",
        _heavy,
        (_nodes_of_qwen,),
    ),
    "idle": Scenario("Two models are loaded and kept, and nothing ever happens.", _idle),
}

SCENARIOS: dict[str, str] = {name: scenario.description for name, scenario in PLAYS.items()}
