"""Feed and list joined: nothing twice, nothing lost, a rate only where there are timings."""

import json
from typing import Any

import msgspec
import pytest

from dmr_tui.monitor.traffic import KEPT, Traffic
from dmr_tui.runner.wire import RecordGroup
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
    traffic = Traffic()
    call = groups(record(NOW - 3, ms=1000.0))
    assert traffic.take_event("new_request", call, NOW)
    assert not traffic.take_list(call, NOW)
    assert not traffic.take_event("existing_request", call, NOW)
    (request,) = traffic.finished
    assert request.duration == pytest.approx(3.0, abs=1e-6)


def test_what_ended_before_we_listened_has_no_end() -> None:
    traffic = Traffic()
    traffic.take_event("existing_request", groups(record(NOW - 60, ms=1000.0)), NOW)
    assert traffic.finished[0].duration is None


def test_in_flight_from_the_list_until_the_feed_tells_the_end() -> None:
    traffic = Traffic()
    traffic.take_list(groups(record(NOW - 2, status=0), record(NOW - 9, ms=50.0)), NOW)
    (running,) = traffic.in_flight
    assert running.started_at == pytest.approx(NOW - 2)
    traffic.take_event("new_request", groups(record(NOW - 2, ms=1500.0)), NOW + 1)
    assert traffic.in_flight == ()
    assert traffic.finished[-1].duration == pytest.approx(3.0, abs=1e-6)


def test_an_end_that_the_feed_lost_is_taken_from_the_list() -> None:
    traffic = Traffic()
    traffic.take_list(groups(record(NOW - 2, status=0)), NOW)
    traffic.take_list(groups(record(NOW - 2, ms=1500.0)), NOW + 1)
    assert traffic.in_flight == ()
    assert traffic.finished[-1].duration == pytest.approx(3.0, abs=1e-6)


def test_when_nothing_is_busy_nothing_is_in_flight() -> None:
    traffic = Traffic()
    traffic.take_list(groups(record(NOW - 2, status=0)), NOW)
    assert traffic.all_idle()
    assert traffic.in_flight == ()
    assert not traffic.all_idle()


def test_throughput_is_that_of_the_window() -> None:
    traffic = Traffic()
    for age, ms in ((400, 100.0), (200, 1000.0), (100, 2000.0), (5, 4000.0)):
        call = groups(record(NOW - age, ms=ms))
        traffic.take_event("new_request", call, NOW - age)
    throughput = traffic.throughput(NOW)
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
    traffic = Traffic()
    traffic.take_event("new_request", groups(call), NOW)
    throughput = traffic.throughput(NOW)
    assert (throughput.finished, throughput.untimed, throughput.decode) == (1, 1, None)


def test_failures_and_callers_that_left_are_told_apart() -> None:
    traffic = Traffic()
    for name in ("requests-after-abort", "requests-after-timeout"):
        traffic.take_list(recorded_groups(f"v1.2.6/{name}"), 1795387400.0)
    throughput = traffic.throughput(1795387400.0)
    assert (throughput.failed, throughput.client_left) == (1, 2)


def test_a_recorded_feed() -> None:
    traffic = Traffic()
    for event in recorded("v1.2.6/requests-sse-live").body.split("\n\n"):
        name, _, data = event.partition("\ndata: ")
        if "new_request" in name:
            call = msgspec.json.decode(data, type=list[RecordGroup])
            traffic.take_event("new_request", call, 1795387483.0)
    assert len(traffic.finished) >= 2
    assert all(r.digest and r.digest.startswith("sha256:6b24") for r in traffic.finished)


def test_memory_is_bounded_and_forgotten_calls_are_not_counted_again() -> None:
    traffic = Traffic()
    for number in range(KEPT + 50):
        call = groups(record(NOW + number, ms=10.0))
        traffic.take_event("new_request", call, NOW + number)
    assert len(traffic.finished) == KEPT
