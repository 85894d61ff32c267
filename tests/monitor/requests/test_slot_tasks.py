"""Slot tasks joined to calls: the right one, or none."""

import msgspec
import pytest

from dmr_tui.monitor.requests.slot_tasks import KEPT, SlotTask, SlotTasks
from dmr_tui.runner.logs.log_event import (
    DecodeTimed,
    PromptTimed,
    RunnerStarted,
    TaskCancelled,
    TaskLaunched,
    TaskReleased,
)
from dmr_tui.runner.logs.log_line import read_line
from dmr_tui.runner.records import read_record
from dmr_tui.runner.request import Outcome, Request
from dmr_tui.runner.wire import RecordGroup, Timings
from tests.recorded import recorded

T = 1_795_387_000.0
A, B = T - 100.0, T - 70.0
"""When two engines began."""


def call(
    start: float,
    end: float | None,
    timings: tuple[int, float, int, float] | None = None,
    outcome: Outcome = "ok",
    id: str = "x",
) -> Request:
    """A call; timings as prompt tokens and ms, decode tokens and ms."""
    own = None
    if timings is not None:
        own = Timings(timings[0], timings[1], timings[2], timings[3])
    return Request(
        id=id,
        model="ai/x",
        digest=None,
        api="OpenAI chat",
        caller="curl",
        started_at=start,
        outcome=outcome,
        status=200,
        finished_at=end,
        timings=own,
    )


def whole(
    tasks: SlotTasks,
    start: float,
    end: float,
    *,
    slot: int = 0,
    task: int = 0,
    born: float | None = A,
    timings: tuple[int, float, int, float] | None = (31, 64.27, 300, 4412.34),
) -> None:
    """One task from its launch to its release."""
    tasks.take(TaskLaunched(start, slot, task, born))
    finish(tasks, end, slot=slot, task=task, born=born, timings=timings)


def finish(
    tasks: SlotTasks,
    end: float,
    *,
    slot: int = 0,
    task: int = 0,
    born: float | None = A,
    timings: tuple[int, float, int, float] | None = (31, 64.27, 300, 4412.34),
) -> None:
    """The end of a task."""
    if timings is not None:
        tasks.take(PromptTimed(end, slot, task, timings[1], timings[0], born))
        tasks.take(DecodeTimed(end, slot, task, timings[3], timings[2], born))
    tasks.take(TaskReleased(end, slot, task, 330, born))


def test_every_recorded_call_of_the_engine_joins_its_own_task() -> None:
    tasks = SlotTasks()
    for line in recorded("v1.2.6/logs-follow").body.split("\n"):
        event = read_line(line)
        if event is not None:
            tasks.take(event)
    joined = {}
    for name in ("requests", "requests-after-abort", "requests-sse"):
        body = recorded(f"v1.2.6/{name}").body
        if body.startswith("["):
            groups = msgspec.json.decode(body, type=list[RecordGroup])
        else:
            datas = [line[5:] for line in body.split("\n") if line.startswith("data:[")]
            groups = [g for d in datas for g in msgspec.json.decode(d, type=list[RecordGroup])]
        for group in groups:
            for record in group.records or ():
                request = read_record(record, group)
                if request.timings is None:
                    continue
                task = tasks.of(request)
                if task is None:
                    continue
                assert -0.001 < task.launched_at - request.started_at < 0.1
                used = (request.prompt_tokens or 0) + (request.completion_tokens or 0)
                assert task.tokens == used - 1
                joined[request.id] = task
    assert len(joined) >= 4
    assert len({task.launched_at for task in joined.values()}) == len(joined)


def test_timings_are_compared_as_they_are_printed() -> None:
    tasks = SlotTasks()
    whole(tasks, T + 3.0, T + 7.5)
    task = tasks.of(call(T, T + 7.5, (31, 64.2687, 300, 4412.336)))
    assert task == SlotTask(T + 3.0, T + 7.5, 330, False)
    assert tasks.of(call(T, T + 7.5, (31, 64.29, 300, 4412.336))) is None
    assert tasks.of(call(T, T + 7.5, (32, 64.2687, 300, 4412.336))) is None


def test_a_task_outside_of_the_call_is_not_its_own() -> None:
    tasks = SlotTasks()
    whole(tasks, T + 3.0, T + 7.5)
    timings = (31, 64.27, 300, 4412.34)
    assert tasks.of(call(T + 3.2, T + 8.0, timings)) is None, "launched before it began"
    assert tasks.of(call(T - 9.0, T + 1.0, timings)) is None, "launched after it ended"
    assert tasks.of(call(T + 3.001, T + 7.5, timings)) is not None, "clocks are set"
    assert tasks.of(call(T, None, timings)) is not None, "its end was not heard"


def test_two_that_fit_are_none() -> None:
    tasks = SlotTasks()
    whole(tasks, T + 1.0, T + 2.0, task=1)
    whole(tasks, T + 2.0, T + 3.0, task=9)
    assert tasks.of(call(T, T + 3.0, (31, 64.27, 300, 4412.34))) is None


def test_equal_numbers_in_two_engines() -> None:
    tasks = SlotTasks()
    one, other = (10, 1.0, 20, 2.0), (11, 3.0, 21, 4.0)
    tasks.take(TaskLaunched(T, 0, 0, A))
    tasks.take(TaskLaunched(T + 0.5, 0, 0, B))
    # Lines come late by a few milliseconds, and so the beginning seems to be later.
    finish(tasks, T + 1.0, born=B + 0.012, timings=other)
    finish(tasks, T + 2.0, born=A + 0.009, timings=one)
    first = tasks.of(call(T - 0.1, T + 2.0, one))
    second = tasks.of(call(T + 0.4, T + 1.0, other))
    assert first is not None
    assert second is not None
    assert (first.launched_at, first.released_at) == (T, T + 2.0)
    assert (second.launched_at, second.released_at) == (T + 0.5, T + 1.0)


@pytest.mark.parametrize("borns", [(None, None), (A, A + 0.02)])
def test_what_cannot_be_told_apart_is_not_joined(borns: tuple[float | None, float | None]) -> None:
    tasks = SlotTasks()
    timings = (10, 1.0, 20, 2.0)
    tasks.take(TaskLaunched(T, 0, 0, borns[0]))
    tasks.take(TaskLaunched(T + 0.5, 0, 0, borns[1]))
    finish(tasks, T + 1.0, born=borns[1], timings=timings)
    assert tasks.of(call(T + 0.4, T + 1.0, timings)) is None
    assert tasks.of(call(T + 0.4, T + 1.0, None, "client left")) is None


def test_a_line_of_an_engine_whose_task_was_never_seen() -> None:
    tasks = SlotTasks()
    tasks.take(TaskLaunched(T, 0, 7, A))
    tasks.take(TaskReleased(T + 1.0, 0, 7, 99, B))
    task = tasks.of(call(T - 1.0, T + 2.0, None, "client left"))
    assert task is not None
    assert task.released_at is None
    tasks.take(TaskReleased(T + 2.0, 0, 7, 5, A))
    task = tasks.of(call(T - 1.0, T + 2.0, None, "client left"))
    assert task is not None
    assert (task.released_at, task.tokens) == (T + 2.0, 5)


def test_a_caller_that_left() -> None:
    tasks = SlotTasks()
    tasks.take(TaskLaunched(T + 1.0, 0, 301, A))
    tasks.take(TaskCancelled(T + 5.0, 301, A))
    tasks.take(TaskReleased(T + 5.1, 0, 301, 44, A))
    task = tasks.of(call(T, T + 5.0, None, "client left"))
    assert task == SlotTask(T + 1.0, T + 5.1, 44, True)
    assert tasks.of(call(T, None, None, "client left")) is None, "its end is not known"


def test_a_caller_that_left_before_its_turn_has_no_task() -> None:
    tasks = SlotTasks()
    tasks.take(TaskLaunched(T, 0, 240, A))
    tasks.take(TaskCancelled(T + 2.0, 242, A))
    finish(tasks, T + 3.0, task=240)
    waiting = call(T - 0.01, T + 2.0, None, "client left")
    assert tasks.of(waiting) is None, "that one ended by itself, so somebody waited for it"
    assert tasks.of(call(T - 0.01, T + 3.0, (31, 64.27, 300, 4412.34))) is not None


def test_a_call_without_timings_that_ended_well() -> None:
    tasks = SlotTasks()
    whole(tasks, T + 1.0, T + 4.0)
    anthropic = call(T, T + 4.1)
    assert tasks.of(anthropic) is not None
    assert tasks.of(call(T, T + 9.0)) is None, "that one ended long before"
    assert tasks.of(call(T, T + 2.0)) is None, "that one went on"
    whole(tasks, T + 1.5, T + 3.9, slot=1, task=5)
    assert tasks.of(anthropic) is None, "two fit"
    whole(tasks, T + 100.0, T + 101.0, task=9)
    assert tasks.of(call(T + 99.9, T + 109.0, None, "client left")) is None, "it was not that call"


def test_one_task_is_not_two_calls() -> None:
    tasks = SlotTasks()
    tasks.take(TaskLaunched(T + 1.0, 0, 5, A))
    tasks.take(TaskReleased(T + 5.1, 0, 5, 44, A))
    first = call(T, T + 5.0, None, "client left", "first")
    assert tasks.of(first) is not None
    assert tasks.of(call(T + 0.5, T + 5.0, None, "client left", "second")) is None
    assert tasks.of(first) is not None
    whole(tasks, T + 10.0, T + 12.0, task=9)
    assert tasks.of(call(T + 9.9, T + 12.0, None, "ok", "anthropic")) is not None
    sure = call(T + 9.9, T + 12.0, (31, 64.27, 300, 4412.34), "ok", "timed")
    assert tasks.of(sure) is not None


def test_an_overflow_is_released_at_once_and_is_not_cancelled() -> None:
    tasks = SlotTasks()
    tasks.take(TaskLaunched(T, 0, 53, A))
    tasks.take(TaskReleased(T + 0.001, 0, 53, 31, A))
    tasks.take(TaskCancelled(T + 0.002, 53, A))
    task = tasks.of(call(T - 0.003, T + 0.004, None, "context overflow"))
    assert task is not None
    assert not task.cancelled


def test_an_engine_that_prints_its_timings_in_another_form() -> None:
    tasks = SlotTasks()
    whole(tasks, T + 1.0, T + 4.0, timings=None)
    timed = call(T, T + 4.1, (31, 64.27, 300, 4412.34))
    assert tasks.of(timed) is not None
    whole(tasks, T + 100.0, T + 104.0, task=9)
    assert tasks.of(timed) is None, "it does print them: the task of before was another call's"


def test_a_runner_that_starts_anew_ends_every_task() -> None:
    tasks = SlotTasks()
    tasks.take(TaskLaunched(T, 0, 0, A))
    tasks.take(RunnerStarted(T + 1.0))
    whole(tasks, T + 5.0, T + 6.0, born=None)
    assert tasks.of(call(T + 4.9, T + 6.0, (31, 64.27, 300, 4412.34))) is not None


def test_memory_is_bounded_and_ids_of_another_shape_are_harmless() -> None:
    tasks = SlotTasks()
    for number in range(KEPT + 500):
        at = T + number
        whole(tasks, at, at + 0.5, task=number, timings=(number, 1.0, 7, 2.0))
    assert tasks.of(call(T + 499, T + 499.5, (499, 1.0, 7, 2.0))) is None
    assert tasks.of(call(T + 500, T + 500.5, (500, 1.0, 7, 2.0))) is not None
    sizes = [len(tasks._tasks), sum(map(len, tasks._by_count.values())), len(tasks._open)]
    assert sizes == [KEPT, KEPT, 0]
    assert sum(map(len, tasks._by_time.values())) == KEPT
    assert tasks.of(call(0.0, 1e300)) is None
    assert tasks.of(call(T, T - 500.0)) is None


def test_a_clock_that_jumps_back_makes_no_wrong_pair() -> None:
    tasks = SlotTasks()
    one, other = (10, 1.0, 20, 2.0), (11, 3.0, 21, 4.0)
    tasks.take(TaskLaunched(T, 0, 0, A))
    # The stopwatch runs on while the stamps are an hour behind.
    finish(tasks, T - 3598.0, born=A - 3600.0, timings=one)
    whole(tasks, T - 3590.0, T - 3580.0, task=5, born=A - 3600.0, timings=other)
    assert tasks.of(call(T - 0.1, T - 3598.0, one)) is None
    task = tasks.of(call(T - 3590.1, T - 3580.0, other))
    assert task is not None
    assert task.launched_at == T - 3590.0
