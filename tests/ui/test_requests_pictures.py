"""Pictures of the requests, of one request, and of a replay."""

from dataclasses import replace
from typing import Any

import pytest
import textual
from textual.pilot import Pilot

from dmr_tui.measure.meter import Passage, Turn
from dmr_tui.measure.rates import Rate
from dmr_tui.runner.wire import Timings
from dmr_tui.state.replies import Bodies
from dmr_tui.state.request_filter import RequestFilter
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.ui.app import DashboardApp
from tests.ui.calls import (
    BODIES,
    CHINESE,
    FINISHED,
    HARMFUL,
    IN_FLIGHT,
    UNKNOWN,
    many,
    with_calls,
)
from tests.ui.still import StillMonitor
from tests.ui.test_pictures import PINNED, Journey, keys

pytestmark = [
    pytest.mark.usefixtures("noon"),
    pytest.mark.skipif(
        textual.__version__ != PINNED, reason=f"the pictures are of Textual {PINNED}"
    ),
]
WIDE, SMALL, NARROW = (140, 42), (80, 24), (60, 20)
NAMES = {"LangChain JS (n8n AI nodes)": "n8n invoices"}

AGAIN = Turn(
    "ai/gemma3:4B-Q4_K_M",
    answer=Passage(["It keeps keys and values, so that nothing is read twice."]),
    ended=True,
    finish_reason="stop",
    ttft_s=0.42,
    e2e_s=3.1,
    prompt_tokens=171,
    cached_tokens=0,
    completion_tokens=210,
    decode=Rate(78.4, "server"),
    prefill=Rate(1512.0, "server"),
    timings=Timings(171, 113.0, 210, 2666.0, 0),
)


def picture(
    snap_compare: Any,
    shown: Snapshot,
    size: tuple[int, int],
    journey: Journey | None = None,
    *,
    turns: tuple[Turn, ...] = (),
    bodies: Bodies | None = None,
    theme: str = "dmr-dark",
) -> bool:
    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("2")
        await pilot.pause()
        if journey is not None:
            await journey(pilot)
        await pilot.pause()

    monitor = StillMonitor(shown, turns)
    if bodies is not None:
        monitor.known_bodies[bodies.id] = bodies
    app = DashboardApp(monitor, theme=theme)
    return bool(snap_compare(app, terminal_size=size, run_before=before))


def then(names: tuple[str, ...], shown: Snapshot) -> Journey:
    """Press the keys, then let the monitor answer."""

    async def go(pilot: Pilot[None]) -> None:
        await keys(*names)(pilot)
        pilot.app.monitor.show(shown)  # type: ignore[attr-defined]
        await pilot.pause()

    return go


@pytest.mark.parametrize("size", [WIDE, SMALL, NARROW])
def test_requests(snap_compare: Any, size: tuple[int, int]) -> None:
    shown = with_calls(FINISHED[:9] + many(60), matching=10_431, in_flight=IN_FLIGHT)
    assert picture(snap_compare, shown, size, keys("down", "down"))


def test_requests_in_a_very_wide_window(snap_compare: Any) -> None:
    assert picture(snap_compare, with_calls(caller_names=NAMES), (180, 24), keys(*["down"] * 3))


def test_requests_in_light_colours(snap_compare: Any) -> None:
    assert picture(snap_compare, with_calls(), WIDE, theme="dmr-light")


def test_nothing_yet(snap_compare: Any) -> None:
    assert picture(snap_compare, with_calls((), in_flight=()), SMALL)


@pytest.mark.parametrize("size", [WIDE, SMALL])
def test_by_caller(snap_compare: Any, size: tuple[int, int]) -> None:
    journey = then(("v", "down"), with_calls(groups=True))
    assert picture(snap_compare, with_calls(), size, journey)


def test_by_model(snap_compare: Any) -> None:
    journey = then(("v", "v"), with_calls(groups=True))
    assert picture(snap_compare, with_calls(), WIDE, journey)


@pytest.mark.parametrize("size", [WIDE, SMALL])
def test_a_filter(snap_compare: Any, size: tuple[int, int]) -> None:
    asked = RequestFilter(model="qwen3:8B-Q4_K_M", outcome="ok")
    few = tuple(row for row in FINISHED if "qwen3" in row.model and row.outcome == "ok")
    journey = then(("m", "o"), with_calls(few, asked=asked, matching=212))
    assert picture(snap_compare, with_calls(matching=10_431), size, journey)


def test_names_that_are_meant_to_harm(snap_compare: Any) -> None:
    rows = (HARMFUL, CHINESE, UNKNOWN, *FINISHED)
    flying = tuple(
        replace(row, outcome="in flight", started_at=IN_FLIGHT[1].started_at)
        for row in (HARMFUL, CHINESE, UNKNOWN)
    )
    assert picture(snap_compare, with_calls(rows, in_flight=flying), (120, 24))


@pytest.mark.parametrize("size", [(140, 72), WIDE, SMALL, NARROW])
def test_a_request(snap_compare: Any, size: tuple[int, int]) -> None:
    assert picture(snap_compare, with_calls(caller_names=NAMES), size, keys("enter"))


@pytest.mark.parametrize("place", [2, 3, 5])
def test_a_request_that_went_wrong(snap_compare: Any, place: int) -> None:
    assert picture(snap_compare, with_calls(), WIDE, keys(*["down"] * place, "enter"))


def test_a_request_of_which_nothing_is_known(snap_compare: Any) -> None:
    assert picture(snap_compare, with_calls((UNKNOWN,)), WIDE, keys("enter"))


def test_prompt_and_answer(snap_compare: Any) -> None:
    assert picture(snap_compare, with_calls(), WIDE, keys("enter", "b"), bodies=BODIES)


def test_naming_a_caller(snap_compare: Any) -> None:
    assert picture(snap_compare, with_calls(), SMALL, keys("n"))


def test_the_models_to_replay_with(snap_compare: Any) -> None:
    assert picture(snap_compare, with_calls(), SMALL, keys("enter", "r"))


@pytest.mark.parametrize("size", [WIDE, SMALL, NARROW])
def test_a_replay(snap_compare: Any, size: tuple[int, int]) -> None:
    journey = keys("enter", "b", "r", "down", "enter")
    assert picture(snap_compare, with_calls(), size, journey, turns=(AGAIN,), bodies=BODIES)
