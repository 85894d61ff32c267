"""What happened, told once: from the log, from `ps`, from configurations and calls."""

import pytest

from dmr_tui.monitor.history.event_list import KEPT
from dmr_tui.monitor.history.timeline import Timeline
from dmr_tui.runner.logs.log_event import (
    Configuring,
    ErrorLine,
    Loaded,
    LoadStarted,
    LogEvent,
    NothingToUnload,
    OutOfMemory,
    RunnerStarted,
    SlotsReady,
    TaskLaunched,
)
from dmr_tui.runner.logs.log_line import read_line
from dmr_tui.runner.wire import Configured
from dmr_tui.text.events import event_cause, event_text
from tests.monitor.history.sample_lines import (
    MID,
    TINY,
    A,
    B,
    T,
    call,
    configured,
    kinds,
    load,
    only,
    run,
    started,
    texts,
    told,
    unloaded,
)
from tests.recorded import recorded


def test_a_recorded_log_tells_what_happened() -> None:
    lines = recorded("v1.2.6/logs-follow").body.split("\n")
    timeline = told(*[event for line in lines if (event := read_line(line)) is not None])
    assert [(event.kind, event.digest, event_text(event)) for event in timeline.events] == [
        ("runner started", None, "the log begins here"),
        ("error", None, "The model is not installed, 5 times within 51 s"),
        ("loaded", TINY, "context 2,048 in 1 slot"),
        (
            "error",
            None,
            "The prompt has 20,019 tokens, the context window only 2,048",
        ),
        ("loaded", MID, "context 4,096 in 1 slot"),
        ("unloaded", MID, "to be reconfigured"),
        ("reconfigured", MID, "context 4k → 2k"),
        ("loaded", MID, "context 2,048 in 1 slot"),
        ("reconfigured", None, "with another configuration"),
        ("unloaded", TINY, "to make room for another model"),
    ]
    slowest = max(timeline.events, key=lambda event: event.seconds or 0.0)
    assert slowest.digest == MID
    assert slowest.seconds == pytest.approx(0.198, abs=0.001)


@pytest.mark.parametrize(
    ("before", "now", "text"),
    [
        (configured(8192), configured(4096), "context 8k → 4k"),
        (configured(8192, "5m0s"), configured(8192, "1h30m0s"), "keep-alive 5m → 1h30m"),
        (
            configured(-1, "-1"),
            configured(),
            "context largest → default, keep-alive for ever → default",
        ),
        (
            configured(flags=["--parallel", "4"]),
            configured(flags=[]),
            "flags --parallel 4 → none",
        ),
        (None, configured(4096), "context default → 4k"),
        (None, configured(), "configured with defaults"),
        (configured(4096), None, "configuration removed, context 4k → default"),
        (None, configured(4096, mode="embedding"), "embedding: context default → 4k"),
    ],
)
def test_what_a_configuration_changed(
    before: Configured | None, now: Configured | None, text: str
) -> None:
    timeline = Timeline()
    timeline.take_configured([before] if before else [], [now] if now else [], T)
    event = only(timeline, "reconfigured")
    assert (event_text(event), event.source, event.digest) == (text, "config", A)
    unchanged = Timeline()
    unchanged.take_configured([now] if now else [], [now] if now else [], T)
    assert unchanged.events == ()


@pytest.mark.parametrize("first", ["log", "config"])
def test_a_configuration_that_two_sources_tell_is_one_event(first: str) -> None:
    timeline = Timeline()
    line = Configuring(T, A, "")

    def by_config() -> None:
        timeline.take_configured([configured(8192)], [configured(4096)], T + 4.0)

    if first == "config":
        by_config()
    timeline.take_log(line)
    if first == "log":
        by_config()
    for _ in range(2):
        event = only(timeline, "reconfigured")
        assert (event_text(event), event.source, event.at) == ("context 8k → 4k", "log", T)
        timeline.restart_log()
        timeline.take_log(line)


def test_without_a_log_ps_tells_loads_and_unloads() -> None:
    timeline = Timeline()
    looks = [
        [],
        [run("ai/x", loading=True)],
        [run("ai/x"), run("ai/y")],
        [
            run("ai/x", used=T),
            run("ai/y", used=T + 100.0, keep_alive="10m0s"),
            run("ai/z", loading=True),
        ],
        [run("ai/y", used=T + 100.0, keep_alive="10m0s")],
        [],
    ]
    for number in range(1, len(looks)):
        at = T + (number if number < 4 else 298.0 + number)
        timeline.take_ps(looks[number - 1], looks[number], at, log_readable=False)
    assert [(e.kind, e.model, event_text(e), e.seconds) for e in timeline.events] == [
        ("loaded", "ai/x", "as seen from outside", 1.0),
        ("loaded", "ai/y", "between two looks", None),
        (
            "load failed",
            "ai/z",
            "it was loading and is gone; why, only the log of the runner says",
            299.0,
        ),
        ("unloaded", "ai/x", "idle for 5 min", None),
        ("unloaded", "ai/y", "cause unknown", None),
    ]
    assert {event.source for event in timeline.events} == {"ps"}


def test_with_a_log_ps_tells_nothing_twice() -> None:
    timeline = Timeline()
    timeline.take_ps([], [run("ai/x", loading=True)], T + 0.5)
    assert timeline.events == ()
    loading, loaded = [run("ai/x", loading=True)], [run("ai/x")]
    timeline.take_ps([], loading, T + 0.5, log_readable=False)
    timeline.take_ps(loading, loaded, T + 2.5, log_readable=False)
    timeline.take_ps(loaded, [], T + 9.5, log_readable=False)
    assert kinds(timeline) == ["loaded", "unloaded"]
    for event in (*load(T), unloaded(T + 9.0), NothingToUnload(T + 9.1, A)):
        timeline.take_log(event)
    assert [(event.kind, event.source) for event in timeline.events] == [
        ("loaded", "log"),
        ("unloaded", "log"),
    ]


def test_ps_tells_the_end_of_a_load_that_the_log_does_not_tell() -> None:
    timeline = Timeline()
    start = LoadStarted(T, "vllm", A, None)
    timeline.take_log(start)
    timeline.take_ps(
        [run("ai/x", loading=True, backend="vllm")], [run("ai/x", backend="vllm")], T + 60
    )
    event = only(timeline, "loaded")
    assert (event.seconds, event_text(event)) == (60.0, "on vllm")
    timeline.restart_log()
    timeline.take_log(start)
    assert timeline.events == (event,)
    timeline.take_log(RunnerStarted(T + 90.0))
    assert event_text(only(timeline, "runner started")).startswith("1 loaded model")
    assert only(timeline, "loaded") == event


def test_calls_that_ended_badly() -> None:
    timeline = Timeline()
    timeline.take_request(call(T))
    timeline.take_request(call(T + 1, "client left", T + 13.4))
    timeline.take_request(call(T + 2, "client left", T + 302.1, caller="n8n", limit=300.0))
    gone = call(T + 3, "failed", T + 4, status=500, error="something new")
    timeline.take_request(gone)
    timeline.take_request(gone)
    assert [(e.kind, event_text(e), e.severity, e.seconds) for e in timeline.events] == [
        ("request failed", "The runner answered 500: something new", "error", 1.0),
        ("client left", "curl hung up after 12.4 s", "warning", pytest.approx(12.4)),
        ("client left", "n8n hung up after 300 s, its time limit", "warning", pytest.approx(300.1)),
    ]
    assert only(timeline, "request failed").request == gone.id
    assert timeline.events[0].digest == A


@pytest.mark.parametrize("first", ["log", "feed"])
def test_an_overflow_that_log_and_feed_tell_is_one_event(first: str) -> None:
    words = "request (20019 tokens) exceeds the available context size (2048 tokens)"
    line = ErrorLine(T + 0.5, f"srv send_error: task id = 53, error: {words}", engine=True)
    request = call(T, "context overflow", T + 0.6, status=400, error=words)
    timeline = Timeline()
    if first == "feed":
        timeline.take_request(request)
    timeline.take_log(line)
    if first == "log":
        assert kinds(timeline) == ["error"]
        timeline.take_request(request)
    for _ in range(2):
        event = only(timeline, "request failed")
        assert len(timeline.events) == 1
        assert event_text(event) == "The prompt has 20,019 tokens, the context window only 2,048"
        assert "docker model configure --context-size 25600 x" in event_cause(event)
        timeline.restart_log()
        timeline.take_log(line)


def test_the_same_error_again_and_again_is_one_event() -> None:
    lines = [
        ErrorLine(T + 10.0 * n, "failed to get model: model not found", "ai/no") for n in range(4)
    ]
    event = only(told(*lines), "error")
    assert (event_text(event), event.at) == ("The model is not installed, 4 times within 30 s", T)
    assert event_cause(event).endswith("docker model pull no")
    apart = [ErrorLine(T, "x"), ErrorLine(T + 61.0, "x"), ErrorLine(T + 62.0, "y")]
    assert texts(told(*apart), "error") == ["x", "x", "y"]


def test_errors_while_loading_are_told_if_the_load_went_well() -> None:
    wrong = ErrorLine(T + 0.5, "clip_init: something odd", engine=True)
    assert texts(told(*load(T)[:2], wrong, *load(T)[2:]), "error") == ["clip_init: something odd"]
    never_ends = LoadStarted(T - 400.0, "vllm", B, None)
    short = OutOfMemory(T + 0.6, "CUDA error: out of memory")
    timeline = told(never_ends, wrong, short)
    assert texts(timeline, "error") == ["clip_init: something odd"]
    assert only(timeline, "out of memory").severity == "error"


def test_a_runner_that_was_away() -> None:
    timeline = Timeline()
    timeline.runner_lost(T, "connection refused")
    timeline.runner_back(T + 9.0, 9.0)
    lost, back = timeline.events
    assert (lost.kind, lost.severity, event_text(lost)) == (
        "runner lost",
        "error",
        "connection refused",
    )
    assert (back.kind, back.severity, back.seconds) == ("runner back", "good", 9.0)


def test_events_are_the_same_object_until_something_changes() -> None:
    timeline = told(*load(T))
    events = timeline.events
    timeline.take_log(TaskLaunched(T + 3.0, 0, 0))
    timeline.take_request(call(T + 3.0))
    assert timeline.events is events
    timeline.runner_lost(T - 5.0, "")
    assert timeline.events is not events
    assert kinds(timeline) == ["runner lost", "loaded"], "sorted by time"


def test_a_clock_that_is_set_back_loses_and_doubles_nothing() -> None:
    timeline = told(
        *load(T),
        unloaded(T + 10.0),
        NothingToUnload(T + 10.1, A),
        *load(T - 3600.0, context=8192),
        unloaded(T - 3590.0),
        NothingToUnload(T - 3589.9, A),
        started(T + 100.0, B),
        SlotsReady(T - 7000.0, 1, 512),
        Loaded(T - 7000.0),
    )
    assert [(e.kind, e.digest, e.seconds) for e in timeline.events] == [
        ("loaded", B, None),
        ("loaded", A, 2.0),
        ("unloaded", A, None),
        ("loaded", A, 2.0),
        ("unloaded", A, None),
    ]


def test_lines_without_a_time_belong_to_the_line_before() -> None:
    timeline = told(RunnerStarted(T), OutOfMemory(0.0, "CUDA error: out of memory"))
    assert [event.at for event in timeline.events] == [T, T]


def filled(timeline: Timeline, count: int) -> list[LogEvent]:
    lines: list[LogEvent] = [Configuring(T + 100.0 * n, None, f"ai/{n}") for n in range(count)]
    for line in lines:
        timeline.take_log(line)
    return lines


def test_only_the_newest_are_kept_also_when_the_log_is_read_again() -> None:
    timeline = Timeline()
    lines = filled(timeline, KEPT + 300)
    events = timeline.events
    assert len(events) == KEPT
    assert events[0].at == T + 30_000.0
    timeline.restart_log()
    for line in lines:
        timeline.take_log(line)
        assert len(timeline.events) == KEPT
    assert timeline.events is events


def test_news_of_a_clock_that_was_set_back_far_is_not_lost() -> None:
    timeline = Timeline()
    lines = filled(timeline, KEPT)
    timeline.restart_log()
    for line in lines:
        timeline.take_log(line)
    timeline.take_log(Configuring(T - 9.0, None, "ai/news"))
    assert len(timeline.events) == KEPT
    assert timeline.events[0].model == "ai/news"


def test_another_log_after_the_first_one_adds_to_it() -> None:
    timeline = told(RunnerStarted(T), *load(T + 1.0))
    timeline.restart_log()
    for event in (RunnerStarted(T + 500.0), *load(T + 501.0, B)):
        timeline.take_log(event)
    assert kinds(timeline) == ["runner started", "loaded"] * 2
