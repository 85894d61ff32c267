"""A monitor beside a simulated runner: what it sees, how it bears faults, how kind it is."""

import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import httpx
import pytest

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.machine.probe import Part
from dmr_tui.monitor import poller
from dmr_tui.monitor.live import Monitor
from dmr_tui.monitor.requests import tracker
from dmr_tui.monitor.runner_monitor import RunnerMonitor
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.endpoint import Endpoint, parse_host
from dmr_tui.simulator.http.faults import Fault
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.simulator.service.runner_config import RunnerConfig
from dmr_tui.simulator.service.runner_process import Key
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.state.source_state import SourceState
from tests.monitor.conftest import NoMachine, Watch
from tests.waiting import until_true

QWEN = "ai/qwen3:8B-Q4_K_M"
SMALL = "ai/smollm2:360M-Q4_K_M"


def row(snapshot: Snapshot, name: str):  # type: ignore[no-untyped-def]
    return next((row for row in snapshot.models if row.name == name), None)


def settled(snapshot: Snapshot) -> bool:
    """Whether every source has answered that is asked without a reason."""
    waiting = [s for s in snapshot.sources if s.health == "waiting"]
    return bool(snapshot.models) and {s.name for s in waiting} <= {"requests in flight", "log"}


def test_everything_fills_in(watch: Watch) -> None:
    snapshot = watch("quiet").until(lambda s: settled(s) and s.source("log").health == "ok")
    runner = snapshot.runner
    assert runner.up
    assert runner.version == "v1.2.6"
    assert {b.name: b.state for b in runner.backends}["llama.cpp"] == "running"
    assert runner.models_bytes
    assert runner.slots_used == 1
    assert runner.latency_ms is not None
    assert {s.health for s in snapshot.sources if s.name != "requests in flight"} == {"ok"}
    qwen = row(snapshot, "qwen3:8B-Q4_K_M")
    assert qwen.runs[0].state == "idle"
    assert qwen.context.effective == 8192
    assert qwen.context.effective_source == "engine log"
    assert snapshot.models[0] == qwen, "loaded models come first"


def test_equal_rounds_make_equal_snapshots(watch: Watch) -> None:
    watched = watch("idle")
    watched.until(settled)
    seen = len(watched.snapshots)
    until_true(lambda: len(watched.snapshots) > seen + 12)
    # The machine's history grows, and a poll takes now one millisecond and now two.
    still = Snapshot().machine
    recent = [
        replace(s, machine=still, runner=replace(s.runner, latency_ms=None))
        for s in watched.snapshots[-8:]
    ]
    assert all(snapshot == recent[0] for snapshot in recent)


def test_the_list_of_models_is_not_asked_for_again_and_again(watch: Watch) -> None:
    watched = watch("idle", interval=0.25)
    watched.until(settled)
    seen = len(watched.snapshots)
    until_true(lambda: len(watched.snapshots) > seen + 20)
    endpoint = watched.now.runner.endpoint
    assert endpoint is not None
    log = httpx.get(f"{endpoint.url}/logs").text
    mine = log[log.rindex("Listing available models") :]
    assert log.count('msg="successfully listed models"') == 1
    assert len(mine.splitlines()) <= 3, "nothing else of ours is in the log either"


def test_a_model_is_idle_as_soon_as_its_last_call_has_ended(watch: Watch) -> None:
    watched = watch("quiet", interval=60.0)
    watched.until(settled)
    # Its answer takes longer than the shortest pause between two looks.
    body = {"model": SMALL, "messages": [{"role": "user", "content": "go on"}], "max_tokens": 400}
    call = watched.simulator.send(body)
    endpoint = watched.now.runner.endpoint
    assert endpoint is not None
    until_true(lambda: '"in_use":true' in httpx.get(f"{endpoint.url}/engines/ps").text)
    watched.monitor.kick()
    watched.until(lambda s: s.in_flight)
    call.result()
    after = watched.until(lambda s: not any(r.state == "busy" for m in s.models for r in m.runs))
    assert after.in_flight == ()


def test_a_call_is_in_flight_and_then_finished(watch: Watch) -> None:
    watched = watch("quiet")
    watched.until(settled)
    body = {"model": SMALL, "messages": [{"role": "user", "content": "go on"}], "max_tokens": 300}
    call = watched.simulator.send(body, headers={"user-agent": "n8n"})
    flying = watched.until(lambda s: s.in_flight)
    (request,) = flying.in_flight
    assert (request.caller, request.model, request.limit) == ("n8n", SMALL, 300.0)
    assert row(flying, "smollm2:360M-Q4_K_M").runs[0].state == "busy"
    assert call.result(20)[0] == 200
    landed = watched.until(lambda s: not s.in_flight and s.finished[-1].id == request.id)
    assert landed.finished[-1].duration is not None
    assert landed.throughput.last_decode is not None
    assert landed.throughput.decode is not None


def test_a_load_is_seen_with_its_clock(watch: Watch) -> None:
    watched = watch("quiet")
    watched.until(settled)
    watched.simulator.send({"model": QWEN.replace("qwen3:8B", "gemma3:4B"), "messages": []})
    loading = watched.until(
        lambda s: any(run.state == "loading" for m in s.models for run in m.runs), "loading"
    )
    (run,) = row(loading, "gemma3:4B-Q4_K_M").runs
    assert run.since is not None
    assert run.unloads_at is None


def test_one_source_that_fails_goes_stale_and_the_others_go_on(watch: Watch) -> None:
    watched = watch("quiet")
    watched.until(settled)
    watched.simulator.faults.add(Fault("garbage", "/engines/df"))
    watched.simulator.faults.add(Fault("status", "/engines/status", text="on strike"))
    watched.monitor.kick()
    stale = watched.until(
        lambda s: s.source("disk").health == s.source("backends").health == "stale"
    )
    assert stale.runner.up
    assert stale.runner.models_bytes, "the last value stays"
    assert stale.runner.backends
    assert "on strike" in stale.source("backends").reason
    assert stale.source("disk").good_at is not None
    watched.simulator.faults.clear()
    watched.monitor.kick()
    watched.until(lambda s: s.source("disk") == SourceState("disk", "ok"))


@pytest.mark.parametrize("kind", ["hang", "slow", "half", "wrong types", "html", "reset"])
def test_a_fault_of_one_call_does_not_stop_the_others(watch: Watch, kind: str) -> None:
    watched = watch("quiet")
    watched.until(settled)
    watched.simulator.faults.add(Fault(kind, "/engines/status", after=20, seconds=9.0))  # type: ignore[arg-type]
    watched.monitor.kick()
    seen = len(watched.snapshots)
    until_true(lambda: len(watched.snapshots) > seen + 8)
    assert watched.now.runner.up
    watched.until(lambda s: s.source("backends").health == "stale")


def test_a_list_of_requests_of_ten_megabytes_is_borne(watch: Watch) -> None:
    watched = watch("quiet")
    watched.until(settled)
    watched.simulator.faults.add(Fault("huge", "/engines/requests", count=3))
    body = {"model": SMALL, "messages": [{"role": "user", "content": "x"}], "max_tokens": 400}
    watched.simulator.send(body)
    watched.until(lambda s: s.source("requests in flight").health != "waiting")
    watched.until(lambda s: s.runner.up and s.throughput.finished)


def test_a_runner_that_goes_and_comes_back(watch: Watch) -> None:
    watched = watch("quiet")
    watched.until(settled)
    watched.simulator.stop_listening()
    watched.simulator.restart()
    gone = watched.until(lambda s: s.runner.down_since is not None)
    assert gone.runner.up is False
    assert "refused" in gone.runner.down_reason
    assert gone.models, "what was known stays"
    watched.simulator.listen_again()
    back = watched.until(lambda s: s.runner.up and settled(s) and not s.models[0].runs)
    assert back.runner.down_since is None


def test_a_runner_that_appears_later_is_found() -> None:
    simulator = Simulator("quiet")
    with serve(simulator) as url:
        simulator.stop_listening()
        snapshots: list[Snapshot] = []
        probe = NoMachine(SimulatedMachine(simulator))
        monitor = Monitor((parse_host(url, "--host"),), probe, interval=0.25)
        monitor.start(snapshots.append, lambda error: None)
        try:
            until_true(lambda: snapshots and snapshots[-1].runner.up is False)
            (attempt,) = snapshots[-1].attempts
            assert (attempt.ok, attempt.endpoint.label) == (False, url.removeprefix("http://"))
            assert "nothing listens there" in attempt.answer
            simulator.listen_again()
            until_true(lambda: snapshots[-1].runner.up and snapshots[-1].models)
        finally:
            monitor.stop()


def test_several_addresses_are_tried_in_their_order() -> None:
    simulator = Simulator("quiet")
    with serve(simulator) as url:
        nobody = Endpoint("http://127.0.0.1:9", "default")
        here = parse_host(url, "inside a container")
        snapshots: list[Snapshot] = []
        monitor = Monitor((nobody, here), NoMachine(SimulatedMachine(simulator)), interval=0.25)
        monitor.start(snapshots.append, lambda error: None)
        try:
            until_true(lambda: snapshots and snapshots[-1].runner.up)
        finally:
            monitor.stop()
        assert [attempt.ok for attempt in snapshots[-1].attempts] == [False, True]
        assert snapshots[-1].runner.endpoint == here


def test_finished_calls_survive_a_restart_of_the_runner_and_a_new_search(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(poller, "ELSEWHERE_AFTER_S", 0.3)
    simulator = Simulator("quiet")
    with serve(simulator) as url:
        nobody = Endpoint("http://127.0.0.1:9", "default")
        snapshots: list[Snapshot] = []
        machine = NoMachine(SimulatedMachine(simulator))
        monitor = Monitor((nobody, parse_host(url, "here")), machine, interval=0.25)
        monitor.start(snapshots.append, lambda error: None)
        try:
            until_true(lambda: snapshots and settled(snapshots[-1]))
            body = {"model": SMALL, "messages": [{"role": "user", "content": "x"}]}
            simulator.send(body).result()
            until_true(lambda: snapshots[-1].throughput.finished > 0)
            finished = snapshots[-1].throughput.finished
            simulator.stop_listening()
            simulator.restart()
            until_true(lambda: not any(attempt.ok for attempt in snapshots[-1].attempts))
            simulator.listen_again()
            until_true(lambda: snapshots[-1].runner.up and settled(snapshots[-1]))
        finally:
            monitor.stop()
        assert snapshots[-1].throughput.finished >= finished


async def test_a_runner_found_by_another_rule_is_the_same_one() -> None:
    def watching(host: str, rule: str, before: RunnerMonitor | None = None) -> RunnerMonitor:
        client = RunnerClient(parse_host(host, rule))
        return RunnerMonitor(client, 1.0, lambda: None, before=before)

    first = watching("localhost:9", "default")
    same = watching("localhost:9", "published by the container x", first)
    other = watching("localhost:10", "default", first)
    for watch in (first, same, other):
        await watch.client.aclose()
    assert same.configurations is first.configurations
    assert same.tracker is first.tracker
    assert other.tracker is not first.tracker


def test_a_lost_configuration_survives_a_new_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "ELSEWHERE_AFTER_S", 0.3)
    simulator = Simulator("quiet")
    model = simulator.world.store.catalogue.resolve(SMALL)
    key = Key("llama.cpp", model.digest, "completion")
    simulator.world.loader.configs[key] = RunnerConfig(4096)
    with serve(simulator) as url:
        snapshots: list[Snapshot] = []
        here = parse_host(url, "here")
        places = (Endpoint("http://127.0.0.1:9", "default"), here)
        machine = NoMachine(SimulatedMachine(simulator))
        monitor = Monitor(places, machine, interval=0.25)
        monitor.start(snapshots.append, lambda error: None)
        try:
            until_true(
                lambda: (
                    snapshots
                    and any(each.context.configured == 4096 for each in snapshots[-1].models)
                )
            )
            simulator.stop_listening()
            simulator.restart()
            until_true(lambda: not any(attempt.ok for attempt in snapshots[-1].attempts))
            simulator.listen_again()
            until_true(lambda: snapshots[-1].lost)
        finally:
            monitor.stop()
        (lost,) = snapshots[-1].lost
        assert (lost.digest, lost.config, lost.restarted) == (
            model.digest,
            {"context-size": 4096},
            True,
        )


@pytest.mark.parametrize(
    "fault",
    [Fault("html"), Fault("status", status=404, text="<!DOCTYPE HTML>\n<p>Error code: 404</p>")],
)
def test_something_else_that_answers_is_named_as_such(fault: Fault) -> None:
    simulator = Simulator("quiet")
    simulator.faults.add(fault)
    with serve(simulator) as url:
        snapshots: list[Snapshot] = []
        probe = NoMachine(SimulatedMachine(simulator))
        monitor = Monitor((parse_host(url, "--host"),), probe)
        monitor.start(snapshots.append, lambda error: None)
        try:
            until_true(lambda: snapshots and snapshots[-1].runner.up is False)
        finally:
            monitor.stop()
        assert "not Docker Model Runner" in snapshots[-1].attempts[0].answer
        assert "web page" in snapshots[-1].attempts[0].answer
        assert "<" not in snapshots[-1].attempts[0].answer


def test_an_old_runner_tells_less_and_that_is_said(watch: Watch) -> None:
    snapshot = watch("old").until(
        lambda s: s.models and s.source("log").health == "absent", "no log"
    )
    assert snapshot.runner.version is None
    assert snapshot.runner.banner == "Docker Model Runner is running"
    assert {b.name: b.state for b in snapshot.runner.backends}["llama.cpp"] == "running"


def test_a_backend_without_timings_has_calls_but_no_rates(watch: Watch) -> None:
    snapshot = watch("vllm").until(lambda s: s.throughput.untimed)
    assert snapshot.throughput.decode is None
    assert snapshot.throughput.last_decode is None


def test_a_model_that_is_pulled_appears_when_it_is_used(watch: Watch) -> None:
    watched = watch("quiet")
    count = len(watched.until(settled).models)
    endpoint = watched.now.runner.endpoint
    assert endpoint is not None
    with httpx.Client(base_url=endpoint.url, timeout=30) as client:
        pulled = client.get("/models").json()
        assert len(pulled) == count
        name = "ai/qwen3:0.6B-Q4_K_M"
        client.post("/models/create", json={"from": name})
        client.post("/engines/v1/completions", json={"model": name, "prompt": "x", "max_tokens": 1})
    watched.until(lambda s: len(s.models) == count + 1)


def test_a_unix_socket(tmp_path, watch: Watch) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "runner.sock"
    simulator = Simulator("quiet")
    with serve(simulator, uds=str(path)):
        snapshots: list[Snapshot] = []
        probe = NoMachine(SimulatedMachine(simulator))
        monitor = Monitor((parse_host(str(path), "--host"),), probe)
        monitor.start(snapshots.append, lambda error: None)
        try:
            until_true(lambda: snapshots and snapshots[-1].models)
        finally:
            monitor.stop()
        assert snapshots[-1].runner.slots_total == 8, "a socket is on this machine"


def test_a_thousand_models(watch: Watch) -> None:
    snapshot = watch(Simulator("quiet", models=1000)).until(settled)
    assert len(snapshot.models) > 1000


def test_nothing_is_left_after_the_end() -> None:
    before = set(threading.enumerate())
    simulator = Simulator("workflow")
    with serve(simulator) as url:
        snapshots: list[Snapshot] = []
        monitor = Monitor(
            (parse_host(url, "--host"),), NoMachine(SimulatedMachine(simulator)), interval=0.25
        )
        monitor.start(snapshots.append, lambda error: None)
        until_true(lambda: snapshots and settled(snapshots[-1]))
        monitor.stop()
        monitor.stop()
    until_true(lambda: set(threading.enumerate()) <= before)


def test_a_machine_that_does_not_answer_is_stale_and_delays_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dmr_tui.monitor.machine.part_reader.PATIENCE_S", 0.3)
    held = threading.Event()

    class Hanging(NoMachine):
        @property
        def parts(self) -> Sequence[Part]:
            return [replace(part, read=held.wait) for part in super().parts]

    simulator = Simulator("quiet")
    with serve(simulator) as url:
        snapshots: list[Snapshot] = []
        probe = Hanging(SimulatedMachine(simulator))
        monitor = Monitor((parse_host(url, "--host"),), probe, interval=0.25)
        monitor.start(snapshots.append, lambda error: None)
        try:
            until_true(lambda: snapshots and settled_but_machine(snapshots[-1]))
            until_true(lambda: snapshots[-1].source("machine").health == "stale")
            assert snapshots[-1].runner.up
        finally:
            monitor.stop()
            held.set()


def settled_but_machine(snapshot: Snapshot) -> bool:
    return bool(snapshot.models) and bool(re.match("v1", snapshot.runner.version or ""))


def test_a_feed_that_looks_open_and_says_nothing_is_opened_again(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracker, "FEED_LATE_S", 0.5)
    seen = watch("quiet")
    seen.until(lambda s: s.source("requests feed").health == "ok" and s.models)
    # The runner forgets who listens, and the connection stays.
    seen.simulator.world.recorder._feeds.clear()
    body = {"model": QWEN, "messages": [{"role": "user", "content": "go on"}], "max_tokens": 120}
    seen.simulator.send(body).result(30)
    first = seen.until(lambda s: len(s.finished) == 2)
    assert first.finished[-1].duration is not None, "the list told its end"
    seen.until(lambda s: s.source("requests feed").health == "stale")
    seen.until(lambda s: s.source("requests feed").health == "ok")
    seen.simulator.send(body).result(30)
    assert len(seen.until(lambda s: len(s.finished) == 3).finished) == 3


def test_an_engine_that_dies_under_an_answer_is_a_failure(watch: Watch) -> None:
    seen = watch("quiet")
    seen.until(lambda s: s.source("log").health == "ok" and s.models)
    body = {"model": QWEN, "messages": [{"role": "user", "content": "go on"}]}
    call = seen.simulator.send(body | {"stream": True, "max_tokens": 2000, "ignore_eos": True})
    seen.until(lambda s: s.in_flight)
    seen.simulator.kill_engine(QWEN)
    with suppress(Exception):
        call.result(30)
    ended = seen.until(lambda s: s.finished and s.finished[-1].outcome == "failed")
    assert ended.finished[-1].error


def test_what_was_known_of_engines_goes_with_the_runner(watch: Watch) -> None:
    seen = watch("quiet")
    body = {"model": QWEN, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}
    seen.until(lambda s: row(s, "qwen3:8B-Q4_K_M") and s.source("log").health == "ok")
    seen.simulator.send(body).result(30)
    seen.until(lambda s: s.finished and s.finished[-1].window == 8192)
    assert seen.monitor._poller is not None
    known = seen.monitor._poller.runner_monitor
    assert known is not None
    seen.simulator.stop_listening()
    seen.until(lambda s: s.runner.up is False)
    until_true(lambda: not known.tracker.configured_contexts)
