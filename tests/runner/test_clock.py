"""The runner's clock, as far as whole seconds tell."""

import pytest

from dmr_tui.runner.client import ClockOffset


def test_clocks_that_may_agree_are_taken_to_agree() -> None:
    clock = ClockOffset()
    for tenth in range(30):
        at = 1000.0 + tenth / 10
        clock.add(float(int(at)), at, at + 0.002)
    assert clock.seconds == 0.0


@pytest.mark.parametrize("offset", [-7.3, 42.6, 3600.0])
def test_a_clock_that_is_off_is_found_to_within_a_second(offset: float) -> None:
    clock = ClockOffset()
    for tenth in range(40):
        at = 1000.0 + tenth / 10
        clock.add(float(int(at + offset)), at, at + 0.002)
    assert clock.seconds == pytest.approx(offset, abs=1.0)


def test_a_header_that_is_made_once_a_second_does_not_move_the_clock() -> None:
    clock = ClockOffset()
    for tenth in range(40):
        at = 1000.0 + tenth / 10
        clock.add(float(int(at - 0.7)), at, at + 0.002)
    assert clock.seconds == 0.0


def test_a_clock_that_was_set_is_learned_anew() -> None:
    clock = ClockOffset()
    clock.add(1000.0, 1000.5, 1000.5)
    clock.add(1100.0, 1001.5, 1001.5)
    assert clock.seconds == pytest.approx(99.5)
    clock.add(1105.0, 1005.0, 1005.0)
    assert clock.seconds == pytest.approx(100.25)


def test_before_any_answer_the_clocks_agree() -> None:
    assert ClockOffset().seconds == 0.0
