"""Warnings: each with its numbers and a next step, and silent where nothing is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from dmr_tui.machine.host import Host
from dmr_tui.machine.pressure import Pressure
from dmr_tui.machine.probe import Machine
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import LaunchConfig, MemoryEstimate, MemoryPool
from dmr_tui.measure.pressure_level import PressureLevel
from dmr_tui.monitor.alerts import find
from dmr_tui.runner.backend import parse_status
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.runner.request import Request
from dmr_tui.state.alert import AlertLevel, SourceFails
from dmr_tui.state.event import ErrorDetail, Event
from dmr_tui.state.lost_config import LostConfig
from dmr_tui.state.memory import Fit, MemoryState, MemoryUsage
from dmr_tui.state.snapshot import MachineState, Runner, Snapshot
from dmr_tui.state.source_state import SourceState
from dmr_tui.text.alerts import alert_text
from dmr_tui.text.events import event_text
from dmr_tui.text.format import DEFAULT_UNITS
from tests.monitor.hardware import GEMMA, QWEN, SMOLLM, card, computer, container, engine
from tests.ui.still import GIB, HOST, NOW, request, rows, snapshot

MIB = 2**20
ROOM = Reading(MemoryPool("VRAM", 24 * GIB, int(5.8 * GIB), source="NVML"))


def held(key: str, name: str, gib: float, **more: object) -> MemoryUsage:
    return MemoryUsage(key, name, Reading(int(gib * GIB)), Reading(GIB // 2), **more)  # type: ignore[arg-type]


def fit(verdict: str, gib: float, context: int = 131072, **more: object) -> Fit:
    need = MemoryEstimate(LaunchConfig(context), Reading(int(gib * GIB)), Reading(0), Reading(0))
    return Fit(verdict, need, need, "packaged", **more)  # type: ignore[arg-type]


def memory(**more: object) -> MemoryState:
    values: dict[str, object] = {
        "pool": ROOM,
        "usages": (held(QWEN, "qwen3:8B-Q4_K_M", 6.1),),
        "pressure": PressureLevel("none"),
    }
    return MemoryState(**{**values, **more})  # type: ignore[arg-type]


def shown(
    memory: MemoryState,
    *,
    machine: Machine | None = None,
    use: Sequence[float] = (90.0,) * 10,
    **more: object,
) -> Snapshot:
    machine = machine or computer(card())
    state = MachineState(machine, gpu_use=tuple(tuple(use) for _ in machine.gpu.gpus))
    values: dict[str, object] = {"in_flight": (), "machine": state, "memory": memory}
    return replace(snapshot(), **{**values, **more})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Told:
    """A warning with its words."""

    key: str
    level: AlertLevel
    text: str
    step: str


def told(snapshot: Snapshot) -> tuple[Told, ...]:
    """All warnings in words."""
    return tuple(
        Told(alert.key, alert.level, *alert_text(alert, snapshot, DEFAULT_UNITS, snapshot.taken_at))
        for alert in find(snapshot)
    )


def one(snapshot: Snapshot) -> Told:
    (alert,) = told(snapshot)
    return alert


def test_nothing_is_wrong() -> None:
    assert find(shown(memory())) == ()
    assert find(replace(snapshot(), memory=None)) == ()


def test_a_model_that_was_called_and_does_not_fit() -> None:
    no_room = fit("no room", 14.0, largest_context=24576, unload=(QWEN,))
    call = request(digest=GEMMA, id=f"{GEMMA}_1")
    alert = one(shown(memory(fits={GEMMA: no_room}), in_flight=(call,)))
    assert alert.level == "warning"
    assert alert.text == (
        "gemma3:4B-Q4_K_M needs ~14.0 GiB at its packaged context of 128k, 5.8 GiB of VRAM are free"
    )
    assert alert.step == "unload qwen3:8B-Q4_K_M, or load it with 24k of context"


def test_a_model_that_nobody_calls_is_a_hint_if_it_can_never_fit() -> None:
    assert find(shown(memory(fits={GEMMA: fit("no room", 14.0)}))) == ()
    alert = one(shown(memory(fits={GEMMA: fit("too big", 30.0, largest_context=8192)})))
    assert alert.level == "hint"
    assert "of 24.0 GiB VRAM at its packaged context of" in alert.text
    assert alert.step == "load it with 8k of context"


def test_what_fits_nowhere_gets_another_step() -> None:
    alert = one(shown(memory(fits={GEMMA: fit("too big", 30.0)})))
    assert alert.step == "take a smaller quantization"
    both = fit("too big", 30.0, smaller=((QWEN,), 4096))
    assert (
        "unload qwen3:8B-Q4_K_M and load it with 4k" in one(shown(memory(fits={GEMMA: both}))).step
    )


def unused(**more: object) -> Snapshot:
    """qwen3 generates, and no GPU does anything."""
    values: dict[str, object] = {
        "memory": memory(usages=(held(QWEN, "qwen3:8B-Q4_K_M", 0.0),)),
        "use": (0.0, 2.0, 1.0, 3.0, 0.0, 1.0),
        "models": rows(),
    }
    return shown(**{**values, **more})  # type: ignore[arg-type]


def test_a_gpu_that_is_not_used_while_a_model_generates() -> None:
    alert = one(unused())
    assert alert.text.startswith("qwen3:8B-Q4_K_M runs on the processor")
    assert "RTX 4090 is used 3 %" in alert.text


def test_why_a_gpu_is_not_used_as_far_as_is_known() -> None:
    in_container = computer(card(), container=container(gpus=False))
    assert "its container has no GPU" in one(unused(machine=in_container)).text
    on_desktop = computer(card(), engines=(engine(10, QWEN, name="com.docker.llama-server"),))
    assert "Enable GPU-backed inference" in one(unused(machine=on_desktop)).step
    endpoint = parse_host("localhost", "test")
    backends = (parse_status("llama.cpp", "Running: llama.cpp latest-cpu b9879"),)
    runner = Runner(up=True, endpoint=endpoint, backends=backends)
    assert "built for processors" in one(unused(runner=runner)).text


def test_a_gpu_that_is_used_or_holds_the_model_or_was_seen_too_shortly() -> None:
    assert find(unused(use=(0.0, 2.0, 80.0, 3.0, 0.0, 1.0))) == ()
    assert find(unused(memory=memory())) == ()
    assert find(unused(use=(0.0, 1.0))) == ()
    assert find(unused(models=rows(busy=False))) == ()


def test_layers_beside_the_gpu() -> None:
    partial = held(QWEN, "qwen3:8B-Q4_K_M", 3.0, layers="20 of 33")
    alert = one(shown(memory(usages=(partial,))))
    assert "Only 20 of 33 layers of qwen3:8B-Q4_K_M are on the GPU" in alert.text
    whole = held(QWEN, "qwen3:8B-Q4_K_M", 3.0, layers="33 of 33")
    assert find(shown(memory(usages=(whole,)))) == ()


def test_gpu_memory_that_others_hold() -> None:
    usages = (held(QWEN, "qwen3:8B-Q4_K_M", 6.1), held("", "comfyui", 9.0))
    call = request(digest=GEMMA, id=f"{GEMMA}_1")
    state = memory(usages=usages, fits={GEMMA: fit("no room", 14.0)})
    texts = [alert.text for alert in told(shown(state, in_flight=(call,)))]
    assert any(
        "Other programs hold 9.0 GiB of VRAM (comfyui 9.0)" in text and "gemma3" in text
        for text in texts
    )
    never = memory(usages=usages, fits={GEMMA: fit("no room", 20.0)})
    texts = [alert.text for alert in told(shown(never, in_flight=(call,)))]
    assert not any("Other programs" in text for text in texts)


def moving(mib: float) -> Host:
    pressure = Pressure(swap_in=Reading(mib * MIB), swap_out=Reading(mib * MIB))
    return replace(HOST, pressure=pressure, swap_used=Reading(3 * GIB))


def test_swap_that_moves_while_a_model_generates() -> None:
    machine = computer(card(), host=moving(6.0))
    alert = one(shown(memory(), machine=machine, models=rows()))
    assert alert.text.startswith("12 MiB a second go to and from swap while qwen3:8B-Q4_K_M")
    assert "3.0 GiB lie there" in alert.text
    assert find(shown(memory(), machine=machine, models=rows(busy=False))) == ()
    still = computer(card(), host=moving(0.0))
    assert find(shown(memory(), machine=still, models=rows())) == ()


def test_a_container_near_its_limit() -> None:
    near = container(limit=Reading(8 * GIB), needed=Reading(int(7.4 * GIB)))
    alert = one(shown(memory(), machine=computer(card(), container=near)))
    assert alert.text == "The runner's container needs 7.4 of its 8.0 GiB"
    far = container(limit=Reading(8 * GIB), needed=Reading(4 * GIB))
    assert find(shown(memory(), machine=computer(card(), container=far))) == ()


def died(text: str, kind: str = "engine died", ago: float = 60.0) -> Event:
    return Event("e", NOW - ago, kind, ErrorDetail(text), "log", "error", digest=QWEN)  # type: ignore[arg-type]


def test_an_engine_that_was_killed_for_memory() -> None:
    event = died("The system killed the engine of the model")
    killed = computer(card(), container=container(oom_kills=Reading(2)))
    alert = one(shown(memory(), machine=killed, events=(event,)))
    assert alert.level == "critical"
    assert "killed the engine of qwen3:8B-Q4_K_M for memory 60 s ago" in alert.text
    assert alert.step.startswith("2 killed so far")
    unlimited = computer(card(), container=container())
    assert find(shown(memory(), machine=unlimited, events=(event,))) == ()
    old = died(event_text(event), ago=3600.0)
    assert find(shown(memory(), machine=killed, events=(old,))) == ()


def test_a_model_is_called_as_on_the_screens() -> None:
    event = replace(died("The system killed the engine"), digest=None, model="ai/qwen3:8B-Q4_K_M")
    killed = computer(card(), container=container(oom_kills=Reading(1)))
    text = one(shown(memory(), machine=killed, events=(event,))).text
    assert "engine of qwen3:8B-Q4_K_M for memory" in text


def test_a_load_that_ran_out_of_memory() -> None:
    event = replace(died("The model does not fit into GPU memory", "out of memory"), digest=GEMMA)
    alert = one(shown(memory(), events=(event,)))
    assert alert.level == "critical"
    assert alert.text.startswith("gemma3:4B-Q4_K_M, 60 s ago: The model does not fit")
    assert find(shown(memory(), events=(replace(event, digest=QWEN),))) == (), "it is loaded now"
    later = replace(event, key="l", kind="loaded", at=NOW - 30.0)
    assert find(shown(memory(), events=(event, later))) == (), "it was loaded since"
    anew = replace(event, key="r", kind="runner started", at=NOW - 30.0, digest=None)
    assert find(shown(memory(), events=(event, anew))) == (), "that was another runner"
    way = fit("no room", 14.0, unload=(QWEN,))
    full = shown(memory(fits={GEMMA: way}), events=(event,), finished=())
    assert told(full)[0].step == "unload qwen3:8B-Q4_K_M"


def test_pressure_and_the_order_of_warnings() -> None:
    some = find(shown(memory(pressure=PressureLevel("some", "x"))))
    assert some == ()
    event = replace(died("It does not fit into memory", "out of memory"), digest=SMOLLM)
    state = memory(pressure=PressureLevel("high", "tasks wait"), fits={GEMMA: fit("too big", 30.0)})
    levels = [alert.level for alert in told(shown(state, events=(event,)))]
    assert levels == ["critical", "warning", "hint"]
    critical = told(shown(memory(pressure=PressureLevel("critical", "all tasks wait"))))
    assert [(alert.level, alert.text) for alert in critical] == [
        ("critical", "Memory pressure is critical: all tasks wait")
    ]


def test_another_computer_is_not_judged() -> None:
    there = Runner(up=True, endpoint=parse_host("gpubox:12434", "test"))
    state = memory(pressure=PressureLevel("critical", "x"), fits={GEMMA: fit("too big", 30.0)})
    assert find(shown(state, runner=there)) == ()


def test_a_lost_configuration_is_told_of_a_runner_elsewhere_too() -> None:
    lost = LostConfig(QWEN, "completion", {"context-size": 16384, "keep_alive": "1h0m0s"})
    there = replace(snapshot().runner, endpoint=parse_host("gpu-box", "--host"))
    alert = one(shown(memory(), runner=there, lost=(lost,)))
    assert "qwen3:8B-Q4_K_M lost its configuration (context 16k, 1h0m0s)" in alert.text
    assert "it was replaced" in alert.text
    assert alert.step == "R sets it again"


def failed(number: int, *, ago: float = 60.0, **more: object) -> Request:
    values: dict[str, object] = {
        "id": f"{QWEN}_{number}",
        "digest": QWEN,
        "outcome": "context overflow",
        "status": 400,
        "error": "request (20019 tokens) exceeds the available context size (2048 tokens)",
        "finished_at": NOW - ago,
        "started_at": NOW - ago - 1.0,
    }
    return request(**{**values, **more})


def test_a_caller_whose_calls_fail_again_and_again() -> None:
    calls = tuple(failed(number, ago=60.0 - number) for number in range(4))
    caller = calls[0].caller
    alert = one(shown(memory(), finished=calls))
    assert alert.level == "warning"
    assert alert.text == (
        f"{caller}: its last 4 calls of qwen3:8B-Q4_K_M failed: "
        "The prompt has 20,019 tokens, the context window only 2,048"
    )
    assert alert.step == "see what to do"
    renamed = shown(memory(), finished=calls, caller_names={caller: "orders"})
    assert one(renamed).text.startswith("orders: its last 4")
    there = Runner(up=True, endpoint=parse_host("gpubox:12434", "test"))
    assert one(shown(memory(), finished=calls, runner=there)).key == alert.key


@pytest.mark.parametrize(
    "calls",
    [
        [failed(1), failed(2)],
        [failed(1), failed(2), failed(3), request(digest=QWEN, finished_at=NOW - 1.0)],
        [failed(1), failed(2), failed(3, caller="curl")],
        [failed(1), failed(2), failed(3, digest=GEMMA)],
        [failed(number, ago=700.0) for number in range(4)],
        [failed(number, caller="dmr-tui") for number in range(4)],
    ],
    ids=["two", "one that worked since", "another caller", "another model", "old", "our own"],
)
def test_calls_that_fail_now_and_then_are_no_warning(calls: Sequence[Request]) -> None:
    assert find(shown(memory(), finished=tuple(calls))) == ()


def test_a_caller_that_left_has_neither_failed_nor_succeeded() -> None:
    left = request(digest=QWEN, finished_at=NOW - 5.0, outcome="client left")
    calls = (failed(1), failed(2), left, failed(3, ago=1.0))
    assert "its last 3 calls" in one(shown(memory(), finished=calls)).text


def test_the_runners_own_troubles_come_first_and_stay() -> None:
    lost = Runner(up=True, endpoint=snapshot().runner.endpoint, down_since=NOW - 9.0)
    state = memory(pressure=PressureLevel("critical", "all tasks wait"))
    first, second = find(shown(state, runner=replace(lost, down_reason="refused")))
    assert (first.level, first.dismissable) == ("critical", False)
    assert second.dismissable
    assert told(shown(state, runner=lost))[0].text.startswith("The runner has not answered for 9 s")
    (nothing,) = told(Snapshot(runner=Runner(up=False)))
    assert nothing.text == "No runner answers"
    broken = Runner(up=True, backends=(parse_status("vllm", "Error: no CUDA"),))
    (backend,) = told(Snapshot(runner=broken))
    assert backend.text.startswith("vllm reports: ")


def test_a_source_that_fails_stands_behind_what_is_critical_and_before_other_warnings() -> None:
    stale = SourceState("disk", "stale", "answered 503", NOW - 90.0)
    archive = SourceState("archive", "ok", "its disk is full")
    sources = (stale, archive, SourceState("log", "absent", "404"))
    high = shown(memory(pressure=PressureLevel("high", "x")), sources=sources)
    assert [alert.text for alert in told(high)] == [
        "disk: answered 503, 90 s old",
        "archive: its disk is full",
        "Memory pressure is high: x",
    ]
    critical = find(shown(memory(pressure=PressureLevel("critical", "x")), sources=sources))
    assert [isinstance(alert.fact, SourceFails) for alert in critical] == [False, True, True]
