"""Pictures of the memory screen; look at each one before accepting a new one."""

from typing import Any

import pytest
import textual

from tests.ui.memory_still import PRESSED, beside_blender, no_gpu, rows, still, two_gpus
from tests.ui.test_pictures import NORMAL, PINNED, SMALL, WIDE, keys, picture

pytestmark = [
    pytest.mark.usefixtures("noon"),
    pytest.mark.skipif(
        textual.__version__ != PINNED, reason=f"the pictures are of Textual {PINNED}"
    ),
]
TO_PHI4 = ("3", "down", "down", "down", "down")


@pytest.mark.parametrize("size", [WIDE, NORMAL, SMALL, (60, 20)])
def test_memory(snap_compare: Any, size: tuple[int, int]) -> None:
    assert picture(snap_compare, still(), size, keys("3"))


def test_on_a_light_ground(snap_compare: Any) -> None:
    assert picture(snap_compare, still(), WIDE, keys("3"), theme="dmr-light")


@pytest.mark.parametrize("size", [WIDE, SMALL, (60, 20)])
def test_too_big(snap_compare: Any, size: tuple[int, int]) -> None:
    shown = still(beside_blender(PRESSED))
    assert picture(snap_compare, shown, size, keys(*TO_PHI4))


@pytest.mark.parametrize("size", [WIDE, SMALL])
def test_a_changed_question(snap_compare: Any, size: tuple[int, int]) -> None:
    assert picture(snap_compare, still(), size, keys(*TO_PHI4, "minus", "t", "p"))


@pytest.mark.parametrize("size", [WIDE, SMALL])
def test_two_gpus(snap_compare: Any, size: tuple[int, int]) -> None:
    assert picture(snap_compare, still(two_gpus()), size, keys("3"))


def test_without_a_gpu(snap_compare: Any) -> None:
    assert picture(snap_compare, still(no_gpu()), WIDE, keys("3"))


def test_a_runner_elsewhere(snap_compare: Any) -> None:
    assert picture(snap_compare, still(host="gpubox:12434"), WIDE, keys("3"))


@pytest.mark.parametrize("size", [WIDE, SMALL])
def test_no_models(snap_compare: Any, size: tuple[int, int]) -> None:
    assert picture(snap_compare, still(models=()), size, keys("3"))


def test_not_read_yet(snap_compare: Any) -> None:
    assert picture(snap_compare, still(models=rows(), memory=None), SMALL, keys("3"))


def test_read_only(snap_compare: Any) -> None:
    assert picture(snap_compare, still(read_only=True), WIDE, keys(*TO_PHI4))
