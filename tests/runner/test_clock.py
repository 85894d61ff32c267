"""The runner's clock, as far as whole seconds tell."""

import pytest

from dmr_tui.runner.clock import ClockOffset


def test_clocks_that_may_agree_are_taken_to_agree() -> None:
    clock = ClockOffset()
    for tenth in range(30):
        at = 1000.0 + tenth / 10
        clock.heard(float(int(at)), at, at + 0.002)
    assert clock.seconds == 0.0


@pytest.mark.parametrize("offset", [-7.3, 42.6, 3600.0])
def test_a_clock_that_is_off_is_found_to_within_the_steps_of_the_polls(offset: float) -> None:
    clock = ClockOffset()
    for tenth in range(40):
        at = 1000.0 + tenth / 10
        clock.heard(float(int(at + offset)), at, at + 0.002)
    assert clock.seconds == pytest.approx(offset, abs=0.2)


def test_a_clock_that_was_set_is_learned_anew() -> None:
    clock = ClockOffset()
    clock.heard(1000.0, 1000.5, 1000.5)
    clock.heard(1100.0, 1001.5, 1001.5)
    assert clock.seconds == pytest.approx(98.5)


def test_before_any_answer_the_clocks_agree() -> None:
    assert ClockOffset().seconds == 0.0
