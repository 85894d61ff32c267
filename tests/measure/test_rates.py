"""Which numbers may be divided."""

import pytest

from dmr_tui.measure.rates import Rate, client_decode_rate, decode_rate, prefill_rate
from dmr_tui.runner.wire import Timings
from tests.recorded import client_records


def test_the_first_token_is_not_counted_as_decoded() -> None:
    # 16 tokens in 3.425 ms, as in the recording; its own predicted_per_second says 4379.56.
    assert decode_rate(Timings(predicted_n=16, predicted_ms=3.425)) == Rate(15000 / 3.425, "server")


def test_old_engines_divide_by_n_and_so_their_own_rate_is_not_used() -> None:
    timings = Timings(predicted_n=2, predicted_ms=10.0)
    rate = decode_rate(timings)
    assert rate is not None
    assert rate.value == 100.0, "not 200"


@pytest.mark.parametrize(
    "timings",
    [
        None,
        Timings(),
        Timings(predicted_n=1, predicted_ms=3.0),
        Timings(predicted_n=0, predicted_ms=0.0),
        Timings(predicted_n=10, predicted_ms=0.0),
        Timings(predicted_n=10, predicted_ms=-1.0),
        Timings(predicted_n=10),
    ],
)
def test_no_decode_rate_without_two_tokens_and_a_time(timings: Timings | None) -> None:
    assert decode_rate(timings) is None


def test_prefill_counts_new_tokens_only() -> None:
    # As recorded: 651 new and 8 cached prompt tokens in 17.031 ms.
    rate = prefill_rate(Timings(prompt_n=651, prompt_ms=17.031, cache_n=8))
    assert rate == Rate(651000 / 17.031, "server")


@pytest.mark.parametrize("new", [0, 1, 63])
def test_a_prefill_that_came_from_the_cache_has_no_rate(new: int) -> None:
    assert prefill_rate(Timings(prompt_n=new, prompt_ms=0.3, cache_n=4000)) is None


def test_client_rate_leaves_out_what_came_with_the_first() -> None:
    assert client_decode_rate(101, 2.0, with_first=1, arrivals=101) == Rate(50.0, "client")
    assert client_decode_rate(101, 2.0, with_first=3, arrivals=99) == Rate(49.0, "client")


def test_client_rate_of_as_many_tokens_an_arrival_as_are_believed() -> None:
    assert client_decode_rate(64, 1.0, with_first=1, arrivals=2) == Rate(63.0, "client")
    assert client_decode_rate(65, 1.0, with_first=1, arrivals=2) is None


@pytest.mark.parametrize(
    ("tokens", "seconds", "arrivals"),
    [
        (None, 1.0, 50),
        (15, 1.0, 15),
        (100, 1.0, 1),
        (100, 0.0, 2),
        # A proxy that saves up the answer delivers it in a blink.
        (1000, 0.002, 3),
    ],
)
def test_no_client_rate_from_too_little_or_too_bunched(
    tokens: int | None, seconds: float, arrivals: int
) -> None:
    assert client_decode_rate(tokens, seconds, with_first=1, arrivals=arrivals) is None


def test_recorded_calls_of_every_client_have_believable_rates() -> None:
    """The slow model of the recordings decodes at 40 to 70 tokens a second."""
    import msgspec

    from dmr_tui.runner import wire
    from dmr_tui.runner.records import read_record

    seen = 0
    for what, record in client_records():
        if "ai/mid:F32" not in record["model"]:
            continue
        request = read_record(msgspec.convert(record, wire.Record), wire.RecordGroup(model=""))
        rate = decode_rate(request.timings)
        if rate is not None:
            assert 30 < rate.value < 100, what
            seen += 1
    assert seen >= 10
