"""Loads and their ends, as the log tells them."""

import pytest

from dmr_tui.monitor.history.timeline import Timeline
from dmr_tui.runner.logs.log_event import (
    EngineExited,
    ErrorLine,
    Listening,
    Loaded,
    LoadFailed,
    LoadStarted,
    NothingToUnload,
    OutOfMemory,
    RunnerStarted,
    SlotsReady,
)
from dmr_tui.text.events import event_cause, event_text
from tests.monitor.history.sample_lines import (
    A,
    B,
    T,
    kinds,
    load,
    only,
    started,
    texts,
    told,
    unloaded,
)


def test_a_load_is_one_event_from_start_to_end() -> None:
    start, slots, end = load(T)[1:]
    timeline = Timeline()
    timeline.take_log(start)
    event = only(timeline, "load started")
    assert (event_text(event), event.at) == ("on llama.cpp, context 8,192 asked for", T)
    timeline.take_log(slots)
    timeline.take_log(end)
    (loaded,) = timeline.events
    assert (loaded.kind, loaded.key, loaded.at) == ("loaded", event.key, T + 2.0)
    assert (loaded.seconds, loaded.severity) == (2.0, "good")
    assert event_text(loaded) == "context 8,192 in each of 4 slots"


def test_two_loads_at_once_are_told_apart_by_address_and_stopwatch() -> None:
    one, other = T + 0.05, T + 0.25
    timeline = told(
        started(T, A, address="runner-0.sock"),
        started(T + 0.2, B, address="runner-1.sock"),
        SlotsReady(T + 1.0, 4, 2048, one + 0.006),
        SlotsReady(T + 1.1, 1, 4096, other + 0.004),
        Loaded(T + 2.0, other),
        Listening(T + 2.0, "unix://x/runner-1.sock", other + 0.001),
        Loaded(T + 3.0, one),
        Listening(T + 3.0, "unix://x/runner-0.sock", one + 0.001),
    )
    assert [(e.digest, event_text(e), e.seconds) for e in timeline.events] == [
        (B, "context 4,096 in 1 slot", pytest.approx(1.8)),
        (A, "context 2,048 in each of 4 slots", pytest.approx(3.0)),
    ]


def test_two_loads_that_cannot_be_told_apart_say_nothing_of_slots() -> None:
    timeline = told(
        started(T, A, address="runner-0.sock"),
        started(T + 0.2, B, address="runner-1.sock"),
        SlotsReady(T + 1.0, 1, 4096),
        SlotsReady(T + 1.1, 4, 2048),
        Listening(T + 2.0, "unix://runner-1.sock"),
        Listening(T + 3.0, "unix://runner-0.sock"),
    )
    assert texts(timeline, "loaded") == ["on llama.cpp", "on llama.cpp"]


def test_a_failed_load_with_its_cause_is_one_event() -> None:
    error = "llama.cpp terminated unexpectedly: llama.cpp failed: not enough GPU memory to load"
    timeline = told(
        started(T),
        OutOfMemory(T + 1.0, "cudaMalloc failed: out of memory"),
        OutOfMemory(T + 1.1, "failed to allocate buffer for kv cache"),
        ErrorLine(T + 1.2, "srv load_model: failed to load model", engine=True),
        LoadFailed(T + 1.3),
        EngineExited(T + 1.4, "ai/x", error),
        LoadFailed(T + 1.5, A, "completion", error),
    )
    (event,) = timeline.events
    assert (event.kind, event.severity, event.digest) == ("out of memory", "error", A)
    assert event_text(event) == "The model does not fit into GPU memory"
    assert event.seconds == pytest.approx(1.5)
    assert "the longest that fits" in event_cause(event)


def test_a_load_that_a_caller_called_off() -> None:
    timeline = told(started(T), LoadFailed(T + 4.0, A, "completion", "context canceled"))
    event = only(timeline, "load failed")
    assert (event.severity, event_text(event)) == ("warning", "Loading the model was called off")


def test_memory_that_ran_out_and_the_load_went_on() -> None:
    timeline = told(
        *load(T)[:2], OutOfMemory(T + 0.5, "cudaMalloc failed: out of memory"), *load(T)[2:]
    )
    event = only(timeline, "out of memory")
    assert event.severity == "warning"
    assert event_text(event).endswith("the load went on without")
    assert "loaded" in kinds(timeline)


def test_an_engine_that_dies_at_work() -> None:
    error = "llama.cpp terminated unexpectedly: llama.cpp failed: 0.04 I slot launch_slot_"
    timeline = told(*load(T), EngineExited(T + 9.0, "ai/x", error), unloaded(T + 9.1))
    assert kinds(timeline) == ["loaded", "engine died", "unloaded"]
    died = only(timeline, "engine died")
    assert (died.model, died.severity) == ("ai/x", "error")
    assert event_text(only(timeline, "unloaded")) == "its engine had ended"


def test_an_engine_that_died_while_it_loaded_explains_no_later_unload() -> None:
    error = "llama.cpp terminated unexpectedly: llama.cpp exit status: 1"
    failed = [started(T - 9.0), EngineExited(T - 8.0, "ai/x", error)]
    failed.append(LoadFailed(T - 7.9, A, "completion", error))
    timeline = told(*failed, *load(T), unloaded(T + 9.0), NothingToUnload(T + 9.1, A))
    assert kinds(timeline) == ["load failed", "loaded", "unloaded"]
    assert event_text(only(timeline, "unloaded")) == "asked for"


def test_a_load_whose_end_was_lost_does_not_stand_in_the_way() -> None:
    timeline = told(
        started(T, A, address="runner-0.sock"),
        started(T + 9.0, B, address="runner-0.sock"),
        Listening(T + 12.0, "unix://runner-0.sock"),
    )
    assert [(event.kind, event.digest) for event in timeline.events] == [
        ("load started", A),
        ("loaded", B),
    ]
    gone = told(LoadStarted(T, "vllm", A, None), unloaded(T + 99.0))
    assert event_text(only(gone, "loaded")).endswith("the log does not tell")


def test_an_engine_that_the_system_killed() -> None:
    lines = [OutOfMemory(T + 8.8, "std::bad_alloc"), OutOfMemory(T + 8.9, "out of memory")]
    timeline = told(*load(T), *lines, EngineExited(T + 9.0, "ai/x", "llama.cpp exit status: x"))
    assert kinds(timeline) == ["loaded", "out of memory"]


def test_a_restart_of_the_runner() -> None:
    timeline = told(
        RunnerStarted(T - 9.0), *load(T), *load(T + 5.0, B)[:2], RunnerStarted(T + 20.0)
    )
    assert texts(timeline, "runner started") == [
        "the log begins here",
        "1 loaded model and all configurations are forgotten",
    ]
    assert event_text(only(timeline, "load failed")) == "the runner was started anew meanwhile"
