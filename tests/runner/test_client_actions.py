"""Unloading, configuring and loading, against the simulated runner."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.runner.errors.failures import ReadOnly, Rejected
from dmr_tui.simulator.server import Simulator, serve
from tests.waiting import until

QWEN = "ai/qwen3:8B-Q4_K_M"
SMALL = "ai/smollm2:360M-Q4_K_M"


def talk(
    simulator: Simulator, say: Callable[[RunnerClient], Awaitable[None]], *, read_only: bool = False
) -> None:
    async def run(url: str) -> None:
        client = RunnerClient(parse_host(url, "--host"), read_only=read_only)
        try:
            await say(client)
        finally:
            await client.aclose()

    with serve(simulator) as url:
        asyncio.run(run(url))


def digest_of(simulator: Simulator, name: str) -> str:
    return simulator.world.store.catalogue.digest(name)


@pytest.mark.parametrize("version", ["v1.0.0", "v1.0.12", "v1.1.20", "v1.2.6"])
def test_unloading_by_digest_leaves_what_is_configured(version: str) -> None:
    simulator = Simulator("idle", version=version)
    digest = digest_of(simulator, SMALL)

    async def say(client: RunnerClient) -> None:
        await client.configure(SMALL, "completion", {"context-size": 2048})
        await client.preload(SMALL)
        assert await client.unload(digest) == 1
        assert await client.unload(digest) == 0
        assert not [run for run in await client.ps() if run.model_name == SMALL]

    talk(simulator, say)
    assert digest in {key.digest for key in simulator.world.loader.configs}


def test_a_busy_model_is_not_unloaded() -> None:
    simulator = Simulator("idle")

    async def say(client: RunnerClient) -> None:
        messages = [{"role": "user", "content": "Count."}]
        request = simulator.send({"model": QWEN, "messages": messages, "max_tokens": 5000})
        await until(lambda: any(r.requests for r in simulator.world.loader.runners.values()))
        assert await client.unload(digest_of(simulator, QWEN)) == 0
        with pytest.raises(Rejected, match="already active") as caught:
            await client.configure(QWEN, "completion", {"context-size": 1024})
        assert caught.value.status == 409
        request.cancel()

    talk(simulator, say)


def test_a_stored_configuration_comes_back_whole() -> None:
    simulator = Simulator("idle")
    stored = {
        "context-size": 4096,
        "runtime-flags": ["--no-mmap", "-ngl", "10"],
        "keep_alive": "1h30m0s",
        "speculative": {"draft_model": "ai/smollm2"},
        "llamacpp": {"reasoning-budget": 0},
    }

    async def say(client: RunnerClient) -> None:
        digest = digest_of(simulator, SMALL)
        assert await client.stored_config(digest, "completion") == {}
        await client.configure(SMALL, "completion", stored)
        assert await client.stored_config(digest, "completion") == stored
        assert await client.stored_config(digest, "embedding") == {}

    talk(simulator, say)


def test_a_runner_that_does_not_tell_what_is_configured() -> None:
    simulator = Simulator("old", version="v1.0.0")

    async def say(client: RunnerClient) -> None:
        assert await client.stored_config(digest_of(simulator, SMALL), "completion") == {}

    talk(simulator, say)


def test_a_flag_that_is_not_allowed() -> None:
    async def say(client: RunnerClient) -> None:
        with pytest.raises(Rejected, match='"--model" is not allowed') as caught:
            await client.configure(SMALL, "completion", {"runtime-flags": ["--model", "x"]})
        assert caught.value.status == 500

    talk(Simulator("idle"), say)


def test_an_embedding_model_is_loaded_for_embeddings() -> None:
    simulator = Simulator("idle")

    async def say(client: RunnerClient) -> None:
        await client.preload("ai/nomic-embed-text-v1.5:F16", embedding=True)
        assert [run.mode for run in await client.ps()] == ["embedding"]

    simulator.unload_all()
    talk(simulator, say)


def test_nothing_is_sent_in_read_only_mode() -> None:
    simulator = Simulator("quiet")
    loader = simulator.world.loader
    before = set(loader.runners), dict(loader.configs)

    async def say(client: RunnerClient) -> None:
        for change in (
            client.unload(digest_of(simulator, QWEN)),
            client.configure(QWEN, "completion", {"context-size": 1024}),
            client.preload(SMALL),
        ):
            with pytest.raises(ReadOnly):
                await change

    talk(simulator, say, read_only=True)
    assert before[0]
    assert (set(loader.runners), dict(loader.configs)) == before
