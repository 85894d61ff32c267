"""The numbers of one call, by their formulas."""

from dataclasses import replace

import pytest

from dmr_tui.measure import request_numbers
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import Timings

TIMINGS = Timings(prompt_n=300, prompt_ms=600.0, predicted_n=101, predicted_ms=2000.0, cache_n=700)
CALL = Request(
    id="a_1",
    model="ai/x",
    digest=None,
    api="OpenAI chat",
    caller="curl",
    started_at=1000.0,
    outcome="ok",
    status=200,
    finished_at=1005.0,
    prompt_tokens=1000,
    cached_tokens=700,
    completion_tokens=101,
    timings=TIMINGS,
    streamed=True,
    context_size=8192,
)


def test_what_the_engine_did_not_do_was_waiting() -> None:
    assert request_numbers.processing_s(CALL) == pytest.approx(2.6)
    assert request_numbers.waited_s(CALL) == pytest.approx(2.4)
    assert request_numbers.ttft_s(CALL) == pytest.approx(3.0)


def test_the_log_knows_better_when_the_engine_began() -> None:
    told = replace(CALL, processing_at=1001.5)
    assert request_numbers.waited_s(told) == pytest.approx(1.5)
    assert request_numbers.ttft_s(told) == pytest.approx(2.1)


def test_a_timing_longer_than_the_call_is_no_negative_wait() -> None:
    assert request_numbers.waited_s(replace(CALL, finished_at=1001.0)) == 0.0


def test_without_an_end_or_without_timings_nothing_is_made_up() -> None:
    assert request_numbers.waited_s(replace(CALL, finished_at=None)) is None
    assert request_numbers.waited_s(replace(CALL, timings=None)) is None
    assert request_numbers.ttft_s(replace(CALL, timings=Timings(predicted_n=3))) is None


def test_an_answer_that_came_whole_has_no_first_token() -> None:
    assert request_numbers.ttft_s(replace(CALL, streamed=False)) is None
    assert request_numbers.ttft_s(replace(CALL, streamed=None)) is None


def test_tokens_and_context() -> None:
    assert request_numbers.new_tokens(CALL) == 300
    assert request_numbers.new_tokens(replace(CALL, timings=None)) == 300
    assert request_numbers.new_tokens(replace(CALL, timings=None, cached_tokens=None)) is None
    assert request_numbers.context_used(CALL) == 1101
    assert request_numbers.context_used(replace(CALL, prompt_tokens=None)) is None
    assert request_numbers.window(CALL) == 8192
    assert request_numbers.window(replace(CALL, window=4096)) == 4096, "the engine's word counts"
    assert request_numbers.window(replace(CALL, context_size=-1)) is None, "unlimited is no number"


def test_a_caller_that_left_at_its_limit_timed_out() -> None:
    left = replace(CALL, outcome="client left", limit=300.0, finished_at=1300.4)
    assert request_numbers.timed_out_after(left) == 300.0
    assert request_numbers.timed_out_after(replace(left, finished_at=1120.0)) is None
    assert request_numbers.timed_out_after(replace(left, outcome="ok")) is None
    assert request_numbers.timed_out_after(replace(left, limit=None)) is None
    assert request_numbers.timed_out_after(replace(left, finished_at=None)) is None


@pytest.mark.parametrize(
    ("seconds", "limit"),
    [(290.9, None), (291.1, 300.0), (308.9, 300.0), (309.1, None)],
)
def test_the_clocks_may_differ_by_three_per_cent_at_the_limit(
    seconds: float, limit: float | None
) -> None:
    left = replace(CALL, outcome="client left", limit=300.0, finished_at=1000.0 + seconds)
    assert request_numbers.timed_out_after(left) == limit


def test_the_share_of_the_cache_is_that_of_all_tokens() -> None:
    other = replace(CALL, prompt_tokens=3000, cached_tokens=0)
    unknown = replace(CALL, prompt_tokens=9000, cached_tokens=None)
    assert request_numbers.cache_share([CALL, other, unknown]) == pytest.approx(0.175)
    assert request_numbers.cache_share([unknown]) is None
    assert request_numbers.cache_share([]) is None
