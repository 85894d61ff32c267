"""What packages, registries and servers may say: one source goes stale for it, and no more."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import anyio
import anyio.to_thread
import pytest

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.measure.meter import Turn
from dmr_tui.monitor import poller
from dmr_tui.monitor.live import Monitor
from dmr_tui.monitor.model_rows import Installed
from dmr_tui.monitor.runner_monitor import RunnerMonitor
from dmr_tui.monitor.source import Polled, Streamed
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.decoding import decode
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.runner.errors.failures import BadAnswer, Unreachable
from dmr_tui.runner.units import parameter_count, size_bytes
from dmr_tui.runner.wire import Model, ModelConfig, Running
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.state.plan import Progress, UnloadPlan
from dmr_tui.state.prompt import Message, Prompt
from dmr_tui.state.replies import RemoteModel, StoredConfigResult
from dmr_tui.state.snapshot import Snapshot
from tests.waiting import until, until_true

LONG = "9" * 400


def test_numbers_without_end_are_none() -> None:
    assert (size_bytes(f"{LONG}GB"), parameter_count(f"{LONG} B")) == (None, None)
    gguf: dict[str, Any] = {"llama.context_length": LONG, "general.architecture": "llama"}
    config = ModelConfig(format="gguf", parameters=LONG, size=f"{LONG}GB", gguf=gguf)
    (row,) = Installed([Model("sha256:1", ["ai/x"], 0, config)]).rows()
    assert (row.size_bytes, row.parameters, row.context.trained) == (None, None, None)


def test_json_without_bottom_is_a_bad_answer() -> None:
    with pytest.raises(BadAnswer):
        decode(b'{"model_name":"x","zz":' + b"[" * 200_000 + b"]" * 200_000 + b"}", Running)


@pytest.mark.parametrize("error", [OverflowError("x"), ValueError("x"), RecursionError("x")])
async def test_what_nobody_thought_of_leaves_the_source_stale(error: Exception) -> None:
    async def fetch() -> int:
        raise error

    polled = Polled("models", 1.0, fetch, lambda: None, time.time)
    assert isinstance(await polled.poll(), BadAnswer)
    assert polled.state.health == "stale"
    assert type(error).__name__ in polled.state.reason

    async def consume() -> None:
        raise error

    async def ready() -> None:
        if streamed.failures:
            raise Unreachable("once is enough")

    streamed = Streamed("feed", consume, lambda: None, time.time)
    streamed.kick()
    with pytest.raises(Unreachable):
        with anyio.fail_after(20):
            await streamed.run(ready)
    assert streamed.state.health == "stale"


async def test_the_feed_is_opened_though_the_first_look_failed() -> None:
    simulator = Simulator("workflow")
    with serve(simulator) as url:
        client = RunnerClient(parse_host(url, "test"))
        looks, real = [False, True], client.ps

        async def ps() -> list[Running]:
            if looks and not looks.pop(0):
                await anyio.sleep(0.05)
                raise Unreachable("connection refused")
            return await real()

        client.ps = ps  # type: ignore[method-assign]
        watch = RunnerMonitor(client, 0.1, lambda: None)
        async with anyio.create_task_group() as group:
            group.start_soon(watch.run)
            await until(lambda: watch.feed.state.health == "ok")
            group.cancel_scope.cancel()
        await client.aclose()


def test_whatever_is_asked_of_a_lost_runner_ends_with_a_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poller, "ELSEWHERE_AFTER_S", 0.1)
    simulator, seen, failed = Simulator("quiet"), [], list[BaseException]()
    publish: Callable[[Snapshot], None] = seen.append
    with ExitStack() as stack:
        url = stack.enter_context(serve(simulator))
        places = (parse_host(url, "a"), parse_host("localhost:9", "b"))
        monitor = Monitor(places, SimulatedMachine(simulator), interval=0.1)
        monitor.start(publish, failed.append)
        try:
            until_true(lambda: seen and seen[-1].runner.up and seen[-1].models)
            row = seen[-1].models[0]
            stack.close()
            until_true(lambda: not any(each.ok for each in seen[-1].attempts))
            steps: list[Progress] = []
            turns: list[Turn] = []
            offers: list[RemoteModel] = []
            stored: list[StoredConfigResult] = []
            monitor.run_plan(UnloadPlan(row.name, row.key), steps.append)
            monitor.ask(Prompt(row.ref, (Message("user", "hi"),)), turns.append)
            monitor.look_up("ai/other", offers.append)
            monitor.stored_config(row.key, "completion", stored.append)
            monitor.pull("ai/other")
            until_true(lambda: steps and steps[-1].ended and steps[-1].failure)
            until_true(lambda: turns and turns[-1].ended and turns[-1].failure)
            until_true(lambda: offers and offers[-1].failure)
            until_true(lambda: stored and stored[-1].failure)
            until_true(lambda: [pull.state for pull in seen[-1].pulls] == ["failed"])
        finally:
            monitor.stop()
    assert failed == []


def test_a_runner_that_does_not_tell_what_is_configured_says_so() -> None:
    simulator, seen = Simulator("quiet", version="v1.0.0"), list[Snapshot]()
    with serve(simulator) as url:
        monitor = Monitor((parse_host(url, "test"),), SimulatedMachine(simulator), interval=0.1)
        monitor.start(seen.append, lambda error: None)
        try:
            until_true(lambda: seen and seen[-1].source("configuration").health == "absent")
        finally:
            monitor.stop()


@pytest.mark.parametrize(
    "date",
    ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00 +99999999999999"],
)
async def test_a_strange_date_only_leaves_the_clock_unknown(date: str) -> None:
    class Answers(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return date

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *args: object) -> None:
            return None

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = RunnerClient(parse_host(f"http://127.0.0.1:{server.server_port}", "test"))
        assert await client.ps() == []
        assert not client.clock.known
        await client.aclose()
        await anyio.to_thread.run_sync(server.shutdown)
