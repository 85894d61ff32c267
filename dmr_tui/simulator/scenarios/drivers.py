"""The drivers of the scenarios: clients that send requests, faults, unloads and restarts."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from dmr_tui.simulator.connection import InferenceRequest
from dmr_tui.simulator.http.faults import Fault, Faults
from dmr_tui.simulator.models.library import GEMMA3, NEMO, PHI4, QWEN3, SMOLLM2
from dmr_tui.simulator.models.model import Model
from dmr_tui.simulator.scenarios import sample_requests
from dmr_tui.simulator.scenarios.past import record
from dmr_tui.simulator.scenarios.sample_requests import Make
from dmr_tui.simulator.service.world import World

FLOOD = 200
"""Requests a second; the recorder's feed drops what a reader does not take in time."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The parts that a driver may touch."""

    world: World
    faults: Faults
    rng: random.Random

    async def send(self, request: InferenceRequest, leave_after: float | None = None) -> None:
        """Send a request and wait for its end, or leave after so many seconds."""
        task = self.world.run_in_background(self.world.answer(request))
        try:
            await asyncio.wait({task}, timeout=leave_after)
        finally:
            task.cancel()
        if task.done() and not task.cancelled():
            # An answer that breaks off is part of the scenario, and nothing to warn of.
            task.exception()

    async def pause(self, shortest: float, longest: float) -> None:
        """Wait for some seconds between the two."""
        await asyncio.sleep(self.rng.uniform(shortest, longest))


Driver = Callable[[Stage], Coroutine[Any, Any, None]]


def client(
    make: Make,
    model: str,
    pause: tuple[float, float] | None = None,
    *,
    first: tuple[float, float] | None = None,
) -> Driver:
    """A client that sends one request of `make` after the other, seconds of `pause` apart.

    `first` is the pause before the first one.
    """

    async def drive(stage: Stage) -> None:
        if first is not None:
            await stage.pause(*first)
        while True:
            await stage.send(make(model, stage.rng))
            if pause is not None:
                await stage.pause(*pause)

    return drive


async def scripts(stage: Stage) -> None:
    """A program, some of whose requests are given up."""
    await stage.pause(6, 9)
    while True:
        leaves = stage.rng.random() < 0.35
        request = sample_requests.script(f"docker.io/{QWEN3.name}", stage.rng)
        await stage.send(request, stage.rng.uniform(0.8, 2.5) if leaves else None)
        await stage.pause(12, 25)


async def by_hand(stage: Stage) -> None:
    """Single requests by hand, every other one too long for the context."""
    while True:
        await stage.pause(20, 40)
        await stage.send(sample_requests.curl("llama3.2:1B-Q8_0", stage.rng))
        await stage.pause(20, 40)
        await stage.send(sample_requests.too_long(QWEN3.name, stage.rng))


async def passers_by(stage: Stage) -> None:
    """Callers that come once, each with a User-Agent of its own."""
    number = 0
    while True:
        await stage.pause(1, 4)
        number += 1
        request = sample_requests.curl("llama3.2:1B-Q8_0", stage.rng)
        await stage.send(replace(request, headers={"user-agent": f"job-{number}/1.0"}))


async def memory_pressure(stage: Stage) -> None:
    """Requests for models that do not fit beside each other, retried and then given room."""
    while True:
        await stage.send(sample_requests.agent(PHI4.name, stage.rng))
        await stage.pause(2, 4)
        for _ in range(3):
            await stage.send(sample_requests.script(NEMO.name, stage.rng))
            await stage.pause(1, 2)
        await stage.send(sample_requests.node(GEMMA3.name, stage.rng))
        await stage.pause(3, 5)
        _unload(stage, PHI4)
        await stage.send(sample_requests.node(GEMMA3.name, stage.rng))
        await stage.pause(1, 2)
        await stage.send(sample_requests.agent(GEMMA3.name, stage.rng))
        await stage.send(sample_requests.agent(PHI4.name, stage.rng))
        await stage.pause(4, 6)
        _unload(stage, GEMMA3)


async def short_keep_alive(stage: Stage) -> None:
    """A small model that is unloaded between most of its requests."""
    config = {"model": SMOLLM2.name, "keep_alive": "20s"}
    stage.world.configure(json.dumps(config).encode(), None, sample_requests.CURL)
    while True:
        await stage.pause(6, 30)
        await stage.send(sample_requests.curl(SMOLLM2.name, stage.rng))


def _unload(stage: Stage, model: Model) -> None:
    stage.world.unload(json.dumps({"models": [model.name]}).encode())


async def faults(stage: Stage) -> None:
    """Faults of all kinds, a new one every few seconds; the one before is over then."""
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
        # What no client asks for would pile up, and no client that comes later would get an answer.
        stage.faults.clear()
        stage.faults.add(fault)


async def restarts(stage: Stage) -> None:
    """A restart of the container every minute or so."""
    while True:
        await stage.pause(40, 70)
        await stage.world.restart()


async def kills(stage: Stage) -> None:
    """An engine that is killed for memory now and then."""
    while True:
        await stage.pause(8, 20)
        runners = [each for each in stage.world.loader.runners.values() if not each.dead]
        if runners:
            stage.world.loader.kill_for_memory(stage.rng.choice(runners))


async def flood(stage: Stage) -> None:
    """Records of FLOOD requests a second, without an engine."""
    recorded, began = 0, time.monotonic()
    while True:
        while recorded < (time.monotonic() - began) * FLOOD:
            recorded += 1
            record(stage.world, QWEN3, sample_requests.node(QWEN3.name, stage.rng))
        await asyncio.sleep(0.004)
