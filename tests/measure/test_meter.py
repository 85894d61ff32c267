"""A streamed answer measured, with the arrival times that were recorded."""

from collections.abc import Iterator

import msgspec
import pytest

from dmr_tui.measure.meter import Meter, Passage, Turn
from dmr_tui.measure.rates import Rate
from dmr_tui.runner.wire import Chunk
from tests.recorded import recorded


def arrivals(name: str) -> Iterator[tuple[int, Chunk]]:
    for piece in recorded(name).response["chunks"]:
        for line in piece["data"].split("\n"):
            if line.startswith("data: {"):
                yield round(piece["t"] * 1e9), msgspec.json.decode(line[6:], type=Chunk)


def measured(name: str) -> Turn:
    meter = Meter("ai/tiny:Q4", 0)
    for at, chunk in arrivals(name):
        meter.take(at, chunk)
    return meter.turn(10**10, ended=True)


def delta(text: str = "", **more: object) -> Chunk:
    body: dict[str, object] = {"choices": [{"delta": {"content": text, **more}}]}
    return msgspec.convert(body, Chunk)


def test_a_recorded_stream_with_usage() -> None:
    turn = measured("v1.2.6/chat-stream-cold")
    assert turn.text == " had do now timeqg two each in when will now they but he be"
    assert turn.finish_reason == "length"
    assert (turn.prompt_tokens, turn.cached_tokens, turn.completion_tokens) == (28, 0, 16)
    assert turn.ttft_s == pytest.approx(0.513955)
    assert turn.decode is not None
    assert turn.decode.source == "server"
    assert turn.decode.value == pytest.approx(15000 / 3.425)
    assert turn.prefill is None, "28 new tokens are too few"
    assert turn.wait_s == pytest.approx(0.513955 - 0.001497)


def test_a_recorded_stream_with_timings_in_every_chunk() -> None:
    turn = measured("v1.2.6/chat-stream-timings")
    assert (turn.prefill_done, turn.prefill_total) == (651, 651)
    assert turn.prefill == Rate(651000 / 17.031, "server")
    assert (turn.new_prompt_tokens, turn.cached_tokens) == (651, 8)
    assert turn.ttft_s == pytest.approx(0.021169), "progress and the role are no token"


def test_a_role_and_progress_are_not_the_first_token() -> None:
    meter = Meter("m", 0)
    meter.take(10**9, msgspec.convert({"choices": [{"delta": {"content": None}}]}, Chunk))
    meter.take(2 * 10**9, delta(""))
    assert not meter.started
    assert meter.turn(3 * 10**9).ttft_s is None
    meter.take(3 * 10**9, delta("x"))
    assert meter.turn(3 * 10**9).ttft_s == 3.0


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_the_first_token_but_not_the_first_visible(field: str) -> None:
    meter = Meter("m", 0)
    meter.take(10**9, delta(**{field: "hm"}))
    meter.take(4 * 10**9, delta("yes"))
    turn = meter.turn(5 * 10**9)
    assert (turn.ttft_s, turn.first_visible_s, turn.e2e_s) == (1.0, 4.0, 4.0)
    assert (turn.reasoning, turn.text) == ("hm", "yes")


def without_timings(tokens: int, gap_ns: int) -> Meter:
    meter = Meter("m", 0)
    for number in range(tokens):
        meter.take(10**9 + number * gap_ns, delta("a "))
    usage = {"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": tokens}}
    meter.take(10**9 + tokens * gap_ns, msgspec.convert(usage, Chunk))
    return meter


def test_a_backend_without_timings_is_measured_by_its_arrivals() -> None:
    turn = without_timings(51, 20_000_000).turn(10**10, ended=True)
    assert turn.decode == Rate(pytest.approx(50.0), "client")  # type: ignore[arg-type]
    assert turn.client_decode == pytest.approx(50.0)
    assert (turn.prefill, turn.cached_tokens, turn.wait_s) == (None, None, None)
    assert turn.e2e_s == pytest.approx(2.0), "the usage chunk is no token"


def test_a_short_answer_without_timings_has_no_rate() -> None:
    turn = without_timings(8, 20_000_000).turn(10**10, ended=True)
    assert turn.decode is None
    assert turn.completion_tokens == 8


def test_pieces_are_never_counted_as_tokens() -> None:
    meter = Meter("m", 0)
    for number in range(100):
        meter.take(10**9 + number * 10**7, delta("two tokens "))
    turn = meter.turn(10**10, ended=True)
    assert turn.completion_tokens is None
    assert turn.decode is None


def test_while_streaming_without_timings_the_rate_is_an_estimate() -> None:
    meter = Meter("m", 0)
    for number in range(100):
        meter.take(10**9 + number * 10**7, delta("x"))
    live = meter.turn(2 * 10**9).decode
    assert live is not None
    assert live.source == "~"
    assert live.value == pytest.approx(100.0, rel=0.02)


def test_a_stall_is_seen_in_the_live_estimate() -> None:
    meter = Meter("m", 0)
    for number in range(100):
        meter.take(10**9 + number * 10**7, delta("x"))
    stalled = meter.turn(12 * 10**9).decode
    assert stalled is not None
    assert stalled.value == 0.0


def test_while_streaming_with_timings_the_rate_is_the_engines() -> None:
    chunk = {
        "choices": [{"delta": {"content": "x"}}],
        "timings": {"predicted_n": 41, "predicted_ms": 1000.0, "prompt_n": 100, "prompt_ms": 50.0},
    }
    meter = Meter("m", 0)
    meter.take(10**9, msgspec.convert(chunk, Chunk))
    turn = meter.turn(2 * 10**9)
    assert turn.decode == Rate(40.0, "server")
    assert turn.prefill == Rate(2000.0, "server")


def test_several_pieces_in_one_arrival() -> None:
    meter = Meter("m", 0)
    for _ in range(5):
        meter.take(10**9, delta("x"))
    for number in range(1, 21):
        meter.take(10**9 + number * 10**8, delta("x"))
    usage = {"choices": [], "usage": {"completion_tokens": 25}}
    meter.take(4 * 10**9, msgspec.convert(usage, Chunk))
    turn = meter.turn(5 * 10**9, ended=True)
    assert turn.client_decode == pytest.approx(10.0), "the five that came first took no time"


def test_tool_calls_without_text() -> None:
    meter = Meter("m", 0)
    for arguments in ("", '{"city":', '"Rome"}'):
        meter.take(10**9, delta(tool_calls=[{"index": 0, "function": {"arguments": arguments}}]))
    meter.take(2 * 10**9, delta(tool_calls=[{"index": 1, "function": {"name": "weather"}}]))
    end = {"choices": [{"finish_reason": "tool_calls", "delta": {}}]}
    meter.take(3 * 10**9, msgspec.convert(end, Chunk))
    turn = meter.turn(4 * 10**9, ended=True)
    assert (turn.text, turn.tool_calls, turn.finish_reason) == ("", 2, "tool_calls")
    assert turn.ttft_s == 1.0


def test_an_answer_that_came_whole() -> None:
    whole = recorded("v1.2.6/chat-json").body
    meter = Meter("m", 0)
    meter.take(10**9, msgspec.json.decode(whole, type=Chunk))
    turn = meter.turn(2 * 10**9, ended=True)
    assert turn.text
    assert turn.decode is not None
    assert turn.decode.source == "server"
    assert turn.client_decode is None


def test_nothing_arrived() -> None:
    turn = Meter("m", 0).turn(10**9, ended=True)
    assert turn == Turn("m", ended=True)


def test_a_published_turn_stays_as_it_was_while_the_answer_grows() -> None:
    meter = Meter("m", 0)
    turns = []
    for number, text in enumerate(("one ", "", "two ", "three")):
        meter.take(10**9 + number, delta(text))
        turns.append(meter.turn(2 * 10**9))
    assert [turn.text for turn in turns] == ["one ", "one ", "one two ", "one two three"]
    assert [turn.answer.size for turn in turns] == [1, 1, 2, 3]
    assert turns[3].answer.since(turns[0].answer.size) == "two three"
    assert turns[0] == turns[1]
    assert turns[1].answer != turns[2].answer
    assert not turns[3].thoughts


def test_publishing_an_answer_does_not_join_it(monkeypatch: pytest.MonkeyPatch) -> None:
    meter = Meter("m", 0)
    with monkeypatch.context() as patched:
        patched.setattr(Passage, "since", lambda *_: pytest.fail("joined"))
        for number in range(1000):
            meter.take(10**9 + number, delta("a", reasoning="b"))
            turn = meter.turn(2 * 10**9)
            assert turn.answer
            assert turn.thoughts
    assert (turn.text, turn.reasoning) == ("a" * 1000, "b" * 1000)


def test_a_stopwatch_tells_the_new_tokens_even_if_nothing_tells_the_cached() -> None:
    body = {"usage": {"prompt_tokens": 90}, "timings": {"prompt_n": 80, "prompt_ms": 10.0}}
    meter = Meter("m", 0)
    meter.take(10**9, msgspec.convert(body, Chunk))
    turn = meter.turn(2 * 10**9)
    assert (turn.prompt_tokens, turn.new_prompt_tokens, turn.cached_tokens) == (90, 80, None)
