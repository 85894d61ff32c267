"""Pictures of the timeline; look at each one before accepting a new one."""

from typing import Any

import pytest
import textual

from tests.ui.eventful import HARMFUL, event, no_log, still
from tests.ui.still import NOW
from tests.ui.test_pictures import NORMAL, PINNED, SMALL, WIDE, keys, picture

pytestmark = [
    pytest.mark.usefixtures("noon"),
    pytest.mark.skipif(
        textual.__version__ != PINNED, reason=f"the pictures are of Textual {PINNED}"
    ),
]


@pytest.mark.parametrize("size", [WIDE, NORMAL, SMALL, (60, 20)])
def test_timeline(snap_compare: Any, size: tuple[int, int]) -> None:
    assert picture(snap_compare, still(), size, keys("4"))


@pytest.mark.parametrize("theme", ["dmr-light", "ansi-dark"])
def test_other_colours(snap_compare: Any, theme: str) -> None:
    assert picture(snap_compare, still(), WIDE, keys("4"), theme=theme)


@pytest.mark.parametrize("size", [WIDE, SMALL])
def test_the_lines_of_an_event(snap_compare: Any, size: tuple[int, int]) -> None:
    assert picture(snap_compare, still(), size, keys("4", "end", "up", "up", "up", "enter"))


def test_a_search(snap_compare: Any) -> None:
    journey = keys("4", "tab", "slash", *"timing", "enter")
    assert picture(snap_compare, still(), WIDE, journey)


def test_a_whole_line(snap_compare: Any) -> None:
    assert picture(snap_compare, still(), SMALL, keys("4", "tab", "up", "up", "up", "up", "enter"))


@pytest.mark.parametrize("size", [WIDE, SMALL])
def test_nothing_happened(snap_compare: Any, size: tuple[int, int]) -> None:
    assert picture(snap_compare, still(events=(), log=()), size, keys("4"))


def test_a_runner_without_a_log(snap_compare: Any) -> None:
    assert picture(snap_compare, no_log(), SMALL, keys("4"))


def test_lines_that_are_meant_to_harm(snap_compare: Any) -> None:
    evil = event(10, NOW, "error", "[red]\x1b[2J", "log", severity="error", model="[b]\x07")
    assert picture(snap_compare, still(log=HARMFUL, events=(evil,)), SMALL, keys("4"))
