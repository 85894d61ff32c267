"""Pictures of the screens, from made-up Snapshots; look at each one before accepting a new one."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
import textual
from msgspec import structs
from textual.pilot import Pilot

from dmr_tui.machine.gpu.gpu import GpuReport
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.meter import Passage, Turn
from dmr_tui.measure.rates import Rate
from dmr_tui.runner.errors.explain import Explanation
from dmr_tui.runner.wire import Timings
from dmr_tui.state.requests import Throughput
from dmr_tui.state.snapshot import Runner, Snapshot
from dmr_tui.state.source_state import SourceState
from dmr_tui.ui.app import DashboardApp
from tests.ui.still import (
    MODELS,
    NOW,
    StillMonitor,
    gpu,
    judged,
    machine,
    model,
    request,
    rows,
    snapshot,
    without_runner,
)

PINNED = "8.2.8"
pytestmark = [
    pytest.mark.usefixtures("noon"),
    pytest.mark.skipif(
        textual.__version__ != PINNED, reason=f"the pictures are of Textual {PINNED}"
    ),
]
WIDE, NORMAL, SMALL = (140, 42), (100, 45), (80, 24)

Journey = Callable[[Pilot[None]], Awaitable[None]]

ANSWER = Turn(
    "ai/qwen3:8B-Q4_K_M",
    answer=Passage(
        [
            "A **KV cache** keeps the keys and values of every token that was read:\n\n",
            "- reading goes on where it ended\n- memory grows with the window\n\n",
            "```python\ncache = model.new_cache(tokens=8192)\n```\n",
        ]
    ),
    thoughts=Passage(["The person wants two sentences."]),
    ended=True,
    finish_reason="stop",
    cold=True,
    load_s=2.04,
    ttft_s=0.31,
    e2e_s=2.6,
    prompt_tokens=168,
    cached_tokens=40,
    completion_tokens=96,
    decode=Rate(42.13, "server"),
    prefill=Rate(812.4, "server"),
    timings=Timings(prompt_n=128, prompt_ms=157.0),
)
FAILED = structs.replace(
    Turn("ai/qwen3:8B-Q4_K_M", ended=True),
    failure=Explanation(
        "gemma3:4B does not fit into GPU memory",
        "Other models hold the memory, or its context window is larger than the memory allows.",
        "Unload another model, or take a shorter context: dmr-tui shows the longest that fits"
        " (3 Memory, or status).",
        "ggml_backend_cuda_buffer_type_alloc_buffer: cudaMalloc failed: out of memory",
    ),
)


def picture(
    snap_compare: Any,
    shown: Snapshot,
    size: tuple[int, int],
    journey: Journey | None = None,
    turns: tuple[Turn, ...] = (),
    theme: str = "dmr-dark",
) -> bool:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.pause()
        if journey is not None:
            await journey(pilot)
        await pilot.pause()

    app = DashboardApp(StillMonitor(shown, turns), theme=theme)
    return bool(snap_compare(app, terminal_size=size, run_before=before))


async def ask(pilot: Pilot[None]) -> None:
    await pilot.press("c", "h", "i", "enter")
    await pilot.pause()


def keys(*names: str) -> Journey:
    async def press(pilot: Pilot[None]) -> None:
        for name in names:
            await pilot.press(name)
            # A list that scrolls is asked for the next row only where it stands.
            await pilot.pause()

    return press


@pytest.mark.parametrize("size", [WIDE, NORMAL, SMALL])
def test_dashboard(snap_compare: Any, size: tuple[int, int]) -> None:
    assert picture(snap_compare, snapshot(), size)


@pytest.mark.parametrize("theme", ["dmr-light", "ansi-dark"])
def test_other_colours(snap_compare: Any, theme: str) -> None:
    assert picture(snap_compare, snapshot(), WIDE, theme=theme)


def test_an_answer(snap_compare: Any) -> None:
    assert picture(snap_compare, snapshot(), WIDE, ask, (ANSWER,))


def test_an_answer_in_a_small_window(snap_compare: Any) -> None:
    assert picture(snap_compare, snapshot(), SMALL, ask, (ANSWER,))


def test_a_failure(snap_compare: Any) -> None:
    assert picture(snap_compare, snapshot(), WIDE, ask, (FAILED,))


@pytest.mark.parametrize("size", [WIDE, SMALL])
def test_no_runner(snap_compare: Any, size: tuple[int, int]) -> None:
    assert picture(snap_compare, without_runner(), size)


def test_no_gpu_and_nothing_loaded(snap_compare: Any) -> None:
    shown = snapshot(
        models=tuple(structs.replace(row, runs=()) for row in rows()),
        in_flight=(),
        throughput=Throughput(300.0),
        machine=machine(GpuReport("NVML", (), "no NVIDIA driver on this machine")),
        runner=replace(snapshot().runner, slots_used=0),
    )
    assert picture(snap_compare, shown, WIDE)


def test_two_gpus_one_of_them_unified(snap_compare: Any) -> None:
    reason = "NVML: not supported on this GPU"
    unified = gpu(
        index=1,
        name="NVIDIA GB10",
        memory_used=Reading(None, reason),
        memory_total=Reading(None, reason),
        power_limit=Reading(None, reason),
    )
    shown = snapshot(machine=machine(GpuReport("NVML", (gpu(), unified))))
    assert picture(snap_compare, shown, WIDE)


def test_a_runner_that_went_away(snap_compare: Any) -> None:
    lost = "connection refused: nothing listens there"
    shown = snapshot(
        runner=replace(snapshot().runner, up=False, down_since=NOW - 12, down_reason=lost),
        sources=(SourceState("runners", "stale", lost, NOW - 13), SourceState("machine", "ok")),
    )
    assert picture(snap_compare, judged(shown), WIDE)


def test_names_that_are_meant_to_harm(snap_compare: Any) -> None:
    evil = model(9, "[red]x[/y]:\x1b[2J\u202eQ4", "ll[bold]ama", "1.02GB")
    shown = snapshot(
        models=rows([*MODELS, evil], busy=False),
        in_flight=(request(caller="[blink]\x07", model="ai/[/]"),),
        runner=replace(snapshot().runner, version="[v1]\x1b[0m"),
    )
    assert picture(snap_compare, shown, WIDE)


def test_details(snap_compare: Any) -> None:
    assert picture(snap_compare, snapshot(), WIDE, keys("i"))


def test_help(snap_compare: Any) -> None:
    assert picture(snap_compare, snapshot(), (120, 64), keys("question_mark"))


def test_options(snap_compare: Any) -> None:
    assert picture(snap_compare, snapshot(), WIDE, keys("c", "ctrl+o"))


def test_doctor(snap_compare: Any) -> None:
    stale = SourceState("disk", "stale", "answered 503: on strike", NOW - 90)
    absent = SourceState("log", "absent", "404: 404 page not found")
    shown = snapshot(sources=(*snapshot().sources, stale, absent))
    assert picture(snap_compare, judged(shown), WIDE, keys("6"))


def test_too_small(snap_compare: Any) -> None:
    assert picture(snap_compare, snapshot(), (40, 10))


def test_another_machine(snap_compare: Any) -> None:
    endpoint = replace(snapshot().runner.endpoint, url="http://gpu-box:12434", rule="--host")
    runner = Runner(**{**_fields(snapshot().runner), "endpoint": endpoint, "slots_total": None})
    assert picture(snap_compare, snapshot(runner=runner, read_only=True), WIDE)


def _fields(runner: Runner) -> dict[str, Any]:
    return {name: getattr(runner, name) for name in runner.__dataclass_fields__}
