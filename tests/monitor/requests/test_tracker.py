"""Feed and list joined: nothing twice, nothing lost, a rate only where there are timings."""

import json
from typing import Any

import msgspec
import pytest

from dmr_tui.monitor.requests.slot_tasks import SlotTasks
from dmr_tui.monitor.requests.tracker import RequestTracker
from dmr_tui.runner.logs.log_line import read_line
from dmr_tui.runner.request import Request, Slower, SlownessHint
from dmr_tui.runner.wire import Record, RecordGroup
from dmr_tui.state.request_filter import SHOWN_REQUESTS
from tests.recorded import recorded

DIGEST = "sha256:" + "a" * 64
NOW = 2_000_000_000.0


def record(
    start: float, *, ms: float | None = None, tokens: int = 101, status: int = 200, **more: Any
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": f"{DIGEST}_{round(start * 1e9)}",
        "model": "ai/x",
        "status_code": status,
        "url": "/engines/v1/chat/completions",
        **more,
    }
    if ms is not None:
        timings = {"predicted_n": tokens, "predicted_ms": ms, "prompt_n": 100, "prompt_ms": 200.0}
        choices = [{"finish_reason": "stop"}]
        entry["response"] = json.dumps({"choices": choices, "timings": timings})
    return entry


def groups(*records: dict[str, Any]) -> list[RecordGroup]:
    return msgspec.convert([{"model": DIGEST, "records": list(records)}], list[RecordGroup])


def recorded_groups(name: str) -> list[RecordGroup]:
    return msgspec.json.decode(recorded(name).body, type=list[RecordGroup])


def test_a_call_seen_in_feed_and_list_counts_once() -> None:
    tracker = RequestTracker()
    call = groups(record(NOW - 3, ms=1000.0))
    assert tracker.take_event("new_request", call, NOW)
    assert not tracker.take_list(call, NOW)
    assert not tracker.take_event("existing_request", call, NOW)
    (request,) = tracker.finished
    assert request.duration == pytest.approx(3.0, abs=1e-6)


def test_what_ended_before_we_listened_has_no_end() -> None:
    tracker = RequestTracker()
    tracker.take_event("existing_request", groups(record(NOW - 60, ms=1000.0)), NOW)
    assert tracker.finished[0].duration is None


def test_in_flight_from_the_list_until_the_feed_tells_the_end() -> None:
    tracker = RequestTracker()
    tracker.take_list(groups(record(NOW - 2, status=0), record(NOW - 9, ms=50.0)), NOW)
    (running,) = tracker.in_flight
    assert running.started_at == pytest.approx(NOW - 2)
    tracker.take_event("new_request", groups(record(NOW - 2, ms=1500.0)), NOW + 1)
    assert tracker.in_flight == ()
    assert tracker.finished[-1].duration == pytest.approx(3.0, abs=1e-6)


def test_an_end_that_the_feed_lost_is_taken_from_the_list() -> None:
    tracker = RequestTracker()
    tracker.take_list(groups(record(NOW - 2, status=0)), NOW)
    tracker.take_list(groups(record(NOW - 2, ms=1500.0)), NOW + 1)
    assert tracker.in_flight == ()
    assert tracker.finished[-1].duration == pytest.approx(3.0, abs=1e-6)


class Heard:
    """Everything that is told of calls that ended."""

    def __init__(self, tracker: RequestTracker) -> None:
        self.calls: list[Request] = []
        self.superseded: list[str] = []
        tracker.listeners.append(self)

    def request_ended(self, request: Request, record: Record | None) -> None:
        self.calls.append(request)

    def request_superseded(self, id: str) -> None:
        self.superseded.append(id)


def test_a_call_that_the_runner_drops_has_an_unknown_end() -> None:
    tracker = RequestTracker()
    heard = Heard(tracker)
    tracker.take_list(groups(record(NOW - 2, status=0)), NOW)
    assert tracker.take_list([], NOW + 1) is False, "pushed out or unloaded: nobody knows yet"
    assert len(tracker.in_flight) == 1
    assert not tracker.idle({DIGEST}, NOW + 1), "its model is still busy"
    assert not tracker.idle(set(), NOW - 3), "that was asked before it began"
    assert not tracker.idle({None}, NOW + 2), "something is busy, and who that is is not known"
    assert tracker.idle(set(), NOW + 2)
    assert tracker.in_flight == ()
    assert [call.outcome for call in heard.calls] == ["end unknown"]
    assert not tracker.idle(set(), NOW + 3)


def test_an_end_that_is_told_late_replaces_the_unknown_one() -> None:
    tracker = RequestTracker()
    tracker.take_list(groups(record(NOW - 2, status=0)), NOW)
    tracker.idle(set(), NOW + 1)
    assert tracker.take_event("new_request", groups(record(NOW - 2, ms=900.0)), NOW + 2)
    assert [call.outcome for call in tracker.finished] == ["ok"]


def test_a_burst_of_more_than_ten_loses_nothing() -> None:
    """Ten records are listed; the feed told of the others."""
    tracker = RequestTracker()
    records = [record(NOW + number, ms=10.0) for number in range(25)]
    for number, one in enumerate(records[:15]):
        tracker.take_event("new_request", groups(one), NOW + number)
    tracker.take_list(groups(*records[15:]), NOW + 30)
    assert len({call.id for call in tracker.finished}) == len(tracker.finished) == 25


def test_a_feed_that_begins_anew_doubles_nothing() -> None:
    tracker = RequestTracker()
    for _ in range(3):
        for number in range(10):
            call = groups(record(NOW + number, ms=10.0))
            tracker.take_event("existing_request", call, NOW + 60)
    assert len(tracker.finished) == 10


def asked(start: float, *, text: str = "Hello", status: int = 502, **more: Any) -> dict[str, Any]:
    body = json.dumps({"messages": [{"role": "user", "content": text}]})
    error = {"error": '{"error": "unknown error"}'} if status == 502 else {}
    agent = "OpenAI/Python 2.54.0"
    return record(start, status=status, request=body, user_agent=agent, **error, **more)


def test_the_tries_of_one_call_are_one() -> None:
    """Three times the SDK, each after its time limit of a second, as recorded from it."""
    tracker = RequestTracker()
    heard = Heard(tracker)
    for start in (0.0, 1.5, 3.4):
        tracker.take_event("new_request", groups(asked(NOW + start)), NOW + start + 1.0)
    (call,) = tracker.finished
    assert call.tries == 3
    assert call.first_started_at == pytest.approx(NOW)
    assert len(heard.superseded) == 2
    assert tracker.throughput(NOW + 5).client_left == 1


def test_a_try_that_is_under_way_has_its_number() -> None:
    tracker = RequestTracker()
    tracker.take_event("new_request", groups(asked(NOW)), NOW + 1.0)
    tracker.take_list(groups(asked(NOW + 1.5, status=0)), NOW + 1.6)
    assert [call.tries for call in tracker.in_flight] == [2]
    assert len(tracker.finished) == 1, "until it has ended nobody knows"


@pytest.mark.parametrize(
    ("second", "end"),
    [
        (asked(NOW + 20.0), NOW + 21.0),
        (asked(NOW + 1.5, text="Another question"), NOW + 2.0),
        (asked(NOW + 0.7), NOW + 2.0),
    ],
    ids=["much later", "another body", "beside the first"],
)
def test_what_is_no_retry(second: dict[str, Any], end: float) -> None:
    tracker = RequestTracker()
    tracker.take_event("new_request", groups(asked(NOW)), NOW + 1.0)
    tracker.take_event("new_request", groups(second), end)
    assert [call.tries for call in tracker.finished] == [1, 1]


def test_a_try_may_begin_just_before_the_end_of_the_last_one_is_heard() -> None:
    tracker = RequestTracker()
    tracker.take_event("new_request", groups(asked(NOW)), NOW + 1.0)
    tracker.take_event("new_request", groups(asked(NOW + 0.8)), NOW + 2.0)
    assert [call.tries for call in tracker.finished] == [2]


def test_an_answered_question_asked_again_is_a_new_call() -> None:
    tracker = RequestTracker()
    for start in (0.0, 1.5):
        call = groups(asked(NOW + start, status=200, ms=500.0))
        tracker.take_event("new_request", call, NOW + start + 1.0)
    assert [call.tries for call in tracker.finished] == [1, 1]


def test_a_call_right_after_a_load_was_cold_and_has_its_window() -> None:
    tracker = RequestTracker()
    heard = Heard(tracker)
    tracker.take_event("new_request", groups(record(NOW + 0.4, ms=10.0)), NOW + 1)
    tracker.take_event("new_request", groups(record(NOW + 9.0, ms=10.0)), NOW + 10)
    tracker.tell_load(DIGEST, NOW - 5.0, NOW, 4096)
    first, second = tracker.finished
    assert first.load_s == pytest.approx(5.4)
    assert second.load_s is None
    assert (first.window, second.window) == (4096, 4096)
    assert len(heard.calls) == 4, "both are told again"
    tracker.take_event("new_request", groups(record(NOW + 20, ms=10.0)), NOW + 21)
    assert tracker.finished[-1].window == 4096


def test_only_those_are_cold_that_waited_for_the_load() -> None:
    tracker = RequestTracker()
    tracker.tell_load(DIGEST, NOW - 5.0, NOW, 4096)
    for start, end in ((0.95, 1.0), (0.41, 1.2), (0.40, 1.4)):
        call = groups(record(NOW + start, ms=10.0))
        tracker.take_event("new_request", call, NOW + end)
    cold = {round(call.started_at - NOW, 2): call.load_s for call in tracker.finished}
    assert cold == {0.95: None, 0.41: pytest.approx(5.41), 0.4: pytest.approx(5.4)}


def test_a_person_knows_the_limit_of_a_caller() -> None:
    tracker = RequestTracker()
    tracker.set_limits({"OpenAI Python": 60.0})
    tracker.take_event("new_request", groups(asked(NOW)), NOW + 60.2)
    assert tracker.finished[0].limit == 60.0


def test_a_call_slower_than_usual_says_so_and_why() -> None:
    asked: list[float] = []

    def hint(began: float, ended: float) -> SlownessHint:
        asked.append(ended - began)
        return "CPU full"

    tracker = RequestTracker(hint)
    for number in range(8):
        start = NOW + 10.0 * number
        tracker.take_event("new_request", groups(record(start, ms=1000.0)), start + 1.5)
    assert not any(call.slow for call in tracker.finished)
    start = NOW + 200
    tracker.take_event("new_request", groups(record(start, ms=2000.0)), start + 2.5)
    assert tracker.finished[-1].slow == Slower(100.0, 0.5, hint="CPU full")
    assert asked == [pytest.approx(2.0)]
    start = NOW + 300
    tracker.take_list(groups(record(start + 1, status=0)), start + 1.1)
    tracker.take_event("new_request", groups(record(start, ms=2000.0)), start + 2.5)
    assert tracker.finished[-1].slow == Slower(100.0, 0.5, concurrent=2)


def test_a_call_that_ends_later_explains_a_slow_one() -> None:
    tracker = RequestTracker()
    heard = Heard(tracker)
    for number in range(8):
        start = NOW + 10.0 * number
        tracker.take_event("new_request", groups(record(start, ms=1000.0)), start + 1.5)
    start = NOW + 200
    tracker.take_event("new_request", groups(record(start, ms=2000.0)), start + 2.5)
    assert tracker.finished[-1].slow == Slower(100.0, 0.5)
    tracker.take_event("new_request", groups(record(start + 1, ms=1100.0)), start + 9)
    slow = next(call for call in tracker.finished if round(call.started_at - start, 1) == 0.0)
    assert slow.slow == Slower(100.0, 0.5, concurrent=2)
    assert heard.calls[-2].slow == slow.slow, "whoever keeps it is told"


def test_restored_calls_are_not_counted_again_and_give_their_end() -> None:
    before = RequestTracker()
    for number in range(5):
        call = groups(record(NOW + number, ms=10.0))
        before.take_event("new_request", call, NOW + number + 2)
    after = RequestTracker()
    heard = Heard(after)
    again = groups(record(NOW + 3, ms=10.0), record(NOW + 4, ms=10.0), record(NOW + 5, ms=10.0))
    after.take_event("existing_request", again, NOW + 60)
    after.restore(before.finished)
    after.take_event("existing_request", again, NOW + 60)
    found = {round(call.started_at - NOW): call.duration for call in after.finished}
    assert found == {**dict.fromkeys(range(5), pytest.approx(2.0)), 5: None}
    assert len(after.finished) == 6
    told = [round(call.started_at - NOW) for call in heard.calls]
    assert told == [3, 4, 5, 3, 4], "only what is better known now is told again"


def test_the_log_tells_when_the_engine_began() -> None:
    log = recorded("v1.2.6/logs-follow").body.split("\n")
    tasks = SlotTasks()
    for line in log:
        event = read_line(line)
        if event is not None:
            tasks.take(event)
    tracker = RequestTracker()
    end = 1795387343.0
    tracker.take_list(recorded_groups("v1.2.6/requests"), end)
    tracker.tell_tasks(tasks)
    began = [call.processing_at for call in tracker.finished if call.timings is not None]
    assert began
    for call in tracker.finished:
        if call.processing_at is not None:
            assert 0.0 <= call.processing_at - call.started_at < 1.0
    assert any(at is not None for at in began)


def test_throughput_is_that_of_the_window() -> None:
    tracker = RequestTracker()
    for age, ms in ((400, 100.0), (200, 1000.0), (100, 2000.0), (5, 4000.0)):
        call = groups(record(NOW - age, ms=ms))
        tracker.take_event("new_request", call, NOW - age)
    throughput = tracker.throughput(NOW)
    assert throughput.decode is not None
    assert throughput.decode.count == 3
    assert throughput.decode.p50 == 50.0
    assert throughput.last_decode == 25.0
    assert throughput.prefill is not None
    assert throughput.prefill.p50 == 500.0
    assert [value for value in throughput.decode_series if value is not None] == [100.0, 50.0, 25.0]
    assert (throughput.finished, throughput.failed) == (3, 0)


def test_calls_without_timings_are_counted_and_have_no_rate() -> None:
    answer = {"choices": [{"finish_reason": "stop"}], "usage": {"completion_tokens": 90}}
    call = record(NOW - 4, response=json.dumps(answer))
    tracker = RequestTracker()
    tracker.take_event("new_request", groups(call), NOW)
    throughput = tracker.throughput(NOW)
    assert (throughput.finished, throughput.untimed, throughput.decode) == (1, 1, None)


def test_failures_and_callers_that_left_are_told_apart() -> None:
    tracker = RequestTracker()
    for name in ("requests-after-abort", "requests-after-timeout"):
        tracker.take_list(recorded_groups(f"v1.2.6/{name}"), 1795387400.0)
    throughput = tracker.throughput(1795387400.0)
    assert (throughput.failed, throughput.client_left) == (1, 2)


def test_a_recorded_feed() -> None:
    tracker = RequestTracker()
    for event in recorded("v1.2.6/requests-sse-live").body.split("\n\n"):
        name, _, data = event.partition("\ndata: ")
        if "new_request" in name:
            call = msgspec.json.decode(data, type=list[RecordGroup])
            tracker.take_event("new_request", call, 1795387483.0)
    assert len(tracker.finished) >= 2
    assert all(r.digest and r.digest.startswith("sha256:6b24") for r in tracker.finished)


def test_memory_is_bounded_and_forgotten_calls_are_not_counted_again() -> None:
    tracker = RequestTracker()
    for number in range(SHOWN_REQUESTS + 50):
        call = groups(record(NOW + number, ms=10.0))
        tracker.take_event("new_request", call, NOW + number)
    assert len(tracker.finished) == SHOWN_REQUESTS
    assert not tracker.take_list(groups(record(NOW, ms=10.0)), NOW + 99_999)


def test_a_feed_that_tells_no_more_is_noticed() -> None:
    tracker = RequestTracker()
    running, ended = groups(record(NOW - 2, status=0)), groups(record(NOW - 2, ms=900.0))
    tracker.take_list(running, NOW)
    tracker.take_list(ended, NOW + 1)
    assert not tracker.feed_is_late(NOW + 3), "it may still come"
    assert tracker.feed_is_late(NOW + 7)
    assert not tracker.feed_is_late(NOW + 8), "said once"


def test_a_feed_that_tells_after_the_list_is_well() -> None:
    tracker = RequestTracker()
    tracker.take_list(groups(record(NOW - 2, status=0)), NOW)
    ended = groups(record(NOW - 2, ms=900.0))
    tracker.take_list(ended, NOW + 1)
    assert not tracker.take_event("new_request", ended, NOW + 1.1)
    assert not tracker.feed_is_late(NOW + 60)


def test_a_clock_that_jumped_back_gives_no_duration() -> None:
    tracker = RequestTracker()
    tracker.take_event("new_request", groups(record(NOW, ms=100.0)), NOW - 3600.0)
    assert tracker.finished[0].duration is None
    assert tracker.throughput(NOW - 3600.0).finished == 1


def test_calls_one_after_another_did_not_all_wait_for_the_load() -> None:
    """A tiny model answers in milliseconds: the next call begins at once, and is warm."""
    tracker = RequestTracker()
    tracker.take_event("new_request", groups(record(NOW + 0.40, ms=2.0)), NOW + 0.41)
    tracker.take_event("new_request", groups(record(NOW + 0.42, ms=2.0)), NOW + 0.43)
    tracker.tell_load(DIGEST, NOW - 5.0, NOW, 4096)
    assert [call.load_s is not None for call in tracker.finished] == [True, False]


def test_the_window_is_that_of_the_engine_that_answered() -> None:
    tracker = RequestTracker()
    tracker.tell_load(DIGEST, NOW - 9.0, NOW - 8.0, 8192)
    tracker.take_event("new_request", groups(record(NOW - 7, ms=10.0)), NOW - 6)
    # Loaded anew by the second call, and the log is read only after that.
    tracker.take_event("new_request", groups(record(NOW + 0.4, ms=10.0)), NOW + 1)
    tracker.tell_load(DIGEST, NOW - 1.0, NOW, 3072)
    assert [call.window for call in tracker.finished] == [8192, 3072]


def test_after_a_restart_nothing_is_known_of_the_engines() -> None:
    tracker = RequestTracker()
    tracker.tell_load(DIGEST, NOW - 9.0, NOW - 8.0, 8192)
    tracker.forget_engines()
    tracker.take_event("new_request", groups(record(NOW - 7.9, ms=10.0)), NOW - 6)
    assert (tracker.finished[0].window, tracker.finished[0].load_s) == (None, None)


def test_whoever_was_cut_off_by_a_dying_engine_did_not_leave() -> None:
    tracker = RequestTracker()
    unanswered = json.dumps({"choices": [{"finish_reason": None}]})
    for start, end in ((0.0, 2.5), (0.5, 9.0)):
        call = groups(record(NOW + start, response=unanswered))
        tracker.take_event("new_request", call, NOW + end)
    assert [call.outcome for call in tracker.finished] == ["client left"] * 2
    tracker.tell_exit(DIGEST, NOW + 2.4, "signal: killed")
    assert [call.outcome for call in tracker.finished] == ["failed", "client left"]
    assert "signal: killed" in tracker.finished[0].error
    tracker.tell_exit("sha256:" + "b" * 64, NOW + 9.0, "")
    assert tracker.finished[1].outcome == "client left", "another model's engine died"


def test_nobody_hangs_up_within_milliseconds() -> None:
    tracker = RequestTracker()
    tracker.take_event("new_request", groups(asked(NOW)), NOW + 0.006)
    assert (tracker.finished[0].outcome, tracker.finished[0].status) == ("failed", 502)
    assert tracker.throughput(NOW + 1).failed == 1
