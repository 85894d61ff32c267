"""Why a model was unloaded, by the lines around it and by the clock."""

import pytest

from dmr_tui.monitor.history.timeline import Timeline
from dmr_tui.runner.logs.log_event import (
    Configuring,
    Evicted,
    EvictingForRoom,
    LogEvent,
    ModelRequested,
    NothingToUnload,
    RunnerStarted,
    RunnerStopping,
    TaskLaunched,
    TaskReleased,
)
from dmr_tui.text.events import event_cause, event_text
from tests.monitor.history.sample_lines import (
    TINY,
    A,
    B,
    T,
    configured,
    load,
    only,
    run,
    texts,
    told,
    unloaded,
)


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ([EvictingForRoom(T + 20.0, 2)], [Evicted(T + 20.1, 1)], "to make room for another model"),
        ([], [NothingToUnload(T + 20.1, A)] * 3, "asked for"),
        ([], [Configuring(T + 20.1, A, "")], "to be reconfigured"),
        ([], [Evicted(T + 20.1, 1)], "asked for: every idle model was unloaded"),
        ([RunnerStopping(T + 19.9)], [Evicted(T + 20.1, 1)], "the runner was stopped"),
        ([], [RunnerStopping(T + 20.05), Evicted(T + 20.1, 1)], "the runner was stopped"),
        ([], [Evicted(T + 20.1, 1), RunnerStopping(T + 20.2)], "the runner was stopped"),
        ([], [], "cause unknown, 18 s after its last use"),
        ([], [NothingToUnload(T + 20.1, B)], "cause unknown, 18 s after its last use"),
    ],
)
def test_why_a_model_was_unloaded(before: list[LogEvent], after: list[LogEvent], text: str) -> None:
    wanted = ModelRequested(T + 19.0, B, "completion")
    timeline = told(RunnerStarted(T - 9.0), *load(T), wanted, *before, unloaded(T + 20.0), *after)
    assert event_text(only(timeline, "unloaded")) == text


def test_a_room_that_nothing_was_evicted_for_explains_no_later_unload() -> None:
    pool = EvictingForRoom(T + 5.0, 2)
    timeline = told(
        RunnerStarted(T - 9.0), *load(T), pool, unloaded(T + 20.0), Evicted(T + 20.1, 1)
    )
    assert "room" not in event_text(only(timeline, "unloaded"))


def test_room_is_made_by_evicting_one_after_the_other() -> None:
    timeline = told(
        RunnerStarted(T - 9.0),
        *load(T),
        *load(T + 5.0, B),
        ModelRequested(T + 20.0, TINY, "completion"),
        EvictingForRoom(T + 20.0, 2),
        unloaded(T + 20.0),
        # The engine of the first one took its time to end.
        unloaded(T + 45.0, B, "ai/y"),
        Evicted(T + 46.0, 2),
        *load(T + 46.1),
        unloaded(T + 50.0),
        NothingToUnload(T + 50.1, A),
    )
    pool = "to make room for another model"
    assert texts(timeline, "unloaded") == [pool, pool, "asked for"]


def test_room_for_another_mode_of_the_same_model() -> None:
    timeline = told(
        *load(T),
        ModelRequested(T + 9.0, A, "embedding"),
        EvictingForRoom(T + 9.0, 2),
        unloaded(T + 9.0),
        Evicted(T + 9.1, 1),
    )
    event = only(timeline, "unloaded")
    assert event_text(event) == "to make room for itself in another mode"
    assert event.severity == "warning"
    assert "All 2 runner slots were taken" in event_cause(event)


def use(at: float) -> list[LogEvent]:
    """A call that ends at `at`."""
    return [
        ModelRequested(at - 3.0, A, "completion"),
        TaskLaunched(at - 2.9, 0, 0),
        TaskReleased(at, 0, 0, 100),
    ]


@pytest.mark.parametrize(
    ("idle", "text"),
    [
        (300.1, "idle for 5 min"),
        (28_800.2, "idle for 8 h"),
        (200.0, "asked for: every idle model was unloaded"),
        (290.0, "asked for: every idle model was unloaded"),
        # A machine that slept: nobody can tell.
        (4000.0, "cause unknown, 67 min after its last use"),
    ],
)
def test_idle_is_known_by_the_clock(idle: float, text: str) -> None:
    end = T + 60.0
    lines = [*load(T), *use(end), unloaded(end + idle), Evicted(end + idle, 1)]
    assert event_text(only(told(RunnerStarted(T - 9.0), *lines), "unloaded")) == text


def test_a_use_whose_end_is_not_known_proves_no_request() -> None:
    lines = [RunnerStarted(T - 9.0), *load(T), *use(T + 60.0)[:2], unloaded(T + 90.0)]
    assert event_text(only(told(*lines, Evicted(T + 90.0, 1)), "unloaded")) == "cause unknown"
    lines = [RunnerStarted(T - 9.0), *load(T), *use(T + 60.0)[:1], unloaded(T + 90.0)]
    assert event_text(only(told(*lines, Evicted(T + 90.0, 1)), "unloaded")) == "cause unknown"


def test_a_keep_alive_that_is_known_by_ps_or_by_configuration() -> None:
    lines = [*load(T), *use(T + 60.0), unloaded(T + 70.1), Evicted(T + 70.1, 1)]
    running = [run("ai/x", keep_alive="10s")]
    by_ps, by_configuration, late = Timeline(), Timeline(), Timeline()
    by_ps.take_ps(running, [], T + 72.0)
    by_configuration.take_configured([], [configured(keep_alive="10s")], T + 10.0)
    late.take_ps(running, [], T + 900.0)
    for timeline in (by_ps, by_configuration, late):
        for event in lines:
            timeline.take_log(event)
    assert event_text(only(by_ps, "unloaded")) == "idle for 10 s"
    assert event_text(only(by_configuration, "unloaded")) == "idle for 10 s"
    assert event_text(only(late, "unloaded")) == "cause unknown, 10 s after its last use"


def test_whoever_was_ever_configured_may_have_any_keep_alive() -> None:
    lines = [RunnerStarted(T - 9.0), Configuring(T - 5.0, A, ""), *load(T), *use(T + 60.0)]
    timeline = told(*lines, unloaded(T + 70.1), Evicted(T + 70.1, 1))
    assert event_text(only(timeline, "unloaded")) == "cause unknown, 10 s after its last use"


def test_all_models_at_once_were_unloaded_on_request() -> None:
    lines = [RunnerStarted(T - 9.0), *load(T), *load(T + 250.0, B)]
    timeline = told(
        *lines, unloaded(T + 302.0), unloaded(T + 302.1, B, "ai/y"), Evicted(T + 302.2, 2)
    )
    assert texts(timeline, "unloaded") == ["asked for: every idle model was unloaded"] * 2
