"""Rates are added up only while calls decode at the same time."""

from dmr_tui.measure.request_numbers import combined_rate
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import Timings


def call(number: int, began: float, ended: float | None, rate: float = 50.0) -> Request:
    seconds = 10.0 if ended is None else ended - began
    timings = Timings(predicted_n=round(rate * seconds) + 1, predicted_ms=seconds * 1000.0)
    return Request(
        id=str(number),
        model="ai/x",
        digest=None,
        api="OpenAI chat",
        caller="curl",
        started_at=0.0,
        outcome="ok",
        status=200,
        finished_at=ended,
        timings=timings,
    )


def test_one_slot_gives_each_its_turn_and_nothing_is_added() -> None:
    """Four calls at once on one slot: every record claims full speed, one after the other."""
    queue = [call(n, 10.0 * n, 10.0 * (n + 1), 60.0) for n in range(4)]
    assert combined_rate(queue) is None


def test_what_overlaps_is_added() -> None:
    both = [call(1, 0.0, 10.0, 40.0), call(2, 5.0, 15.0, 30.0)]
    assert combined_rate(both) == 70.0
    assert combined_rate([*both, call(3, 9.0, 12.0, 20.0)]) == 90.0
    assert combined_rate([*both, call(3, 11.0, 30.0, 20.0)]) == 70.0


def test_an_end_that_is_heard_late_is_no_overlap() -> None:
    assert combined_rate([call(1, 0.0, 2.2), call(2, 2.0, 4.0)]) is None
    assert combined_rate([call(1, 0.0, 2.4), call(2, 2.0, 4.0)]) is not None
    short = [call(1, 0.0, 0.1, 500.0), call(2, 0.04, 0.14, 500.0)]
    assert combined_rate(short) is not None, "no more than a quarter of a short one"
    short = [call(1, 0.0, 0.1, 500.0), call(2, 0.06, 0.16, 500.0)]
    assert combined_rate(short) is not None, "so that 15 of these 40 ms count"


def test_without_an_end_nobody_knows_what_overlapped() -> None:
    assert combined_rate([call(1, 0.0, 10.0), call(2, 0.0, None)]) is None
    assert combined_rate([]) is None
