"""The slot tasks of the engines' log, joined to the requests that they were."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from dmr_tui.runner.logs.log_event import (
    DISTINCT_S,
    SAME_ENGINE_S,
    DecodeTimed,
    LogEvent,
    PromptTimed,
    RunnerStarted,
    TaskCancelled,
    TaskLaunched,
    TaskReleased,
)
from dmr_tui.runner.request import Request

KEPT = 2000
EARLY_S = 0.002
"""Seconds by which a launch may seem to be before its request: the runner's clock stamps both."""
LATE_S = 1.0
"""Seconds by which a request's end, as it is heard, may differ from that of its task."""
ROUNDED_MS = 0.0051
"""The log has two decimals of the milliseconds that the timings have in full."""
LONGEST_WAIT_S = 3600.0
"""Most that a request waits for a slot, where its end is not known."""
_SPAN_S = 60.0
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True)
class SlotTask:
    """One request's time in a slot, as the log has it; times by the runner's clock."""

    launched_at: float
    """Time at which the engine began with it: until then it waited."""
    released_at: float | None
    tokens: int | None
    """Tokens that the slot's context held at its end."""
    cancelled: bool
    """The engine noticed that the caller had gone."""


@dataclass(slots=True, eq=False)
class _Task:
    slot: int
    number: int
    launched_at: float
    born: float | None
    released_at: float | None = None
    tokens: int | None = None
    cancelled: bool = False
    prompt: tuple[int, float] | None = None
    decode: tuple[int, float] | None = None
    mixed: bool = False
    """Lines of it may be of another engine's task."""
    request_id: str = ""
    """Id of the request that it was found to be."""

    @property
    def known(self) -> SlotTask:
        return SlotTask(self.launched_at, self.released_at, self.tokens, self.cancelled)


class SlotTasks:
    """The last tasks of all engines.

    The lines name no model, and every engine numbers slots and tasks from 0. Lines of one task are
    held together by when their engine began; where that does not tell them apart, the task joins
    no request.
    """

    def __init__(self) -> None:
        self._tasks: deque[_Task] = deque()
        self._open: dict[int, list[_Task]] = {}
        """By task number, those that hold a slot."""
        self._by_count: dict[tuple[int, int], list[_Task]] = {}
        """By prompt and decode tokens, those that ended by themselves."""
        self._by_time: dict[float, list[_Task]] = {}
        self._prints = False
        """A task has printed its timings in a form that can be read."""

    def take(self, event: LogEvent) -> None:
        """Add what one line says."""
        match event:
            case TaskLaunched(at, slot, number, born):
                self._launch(_Task(slot, number, at, born))
            case PromptTimed(_, slot, number, ms, tokens, born):
                for task in self._of_line(number, born, slot):
                    task.prompt = (tokens, ms)
            case DecodeTimed(_, slot, number, ms, tokens, born):
                for task in self._of_line(number, born, slot):
                    task.decode = (tokens, ms)
                    self._count(task)
            case TaskReleased(at, slot, number, tokens, born):
                for task in self._of_line(number, born, slot):
                    task.released_at, task.tokens = at, tokens
                    _remove(self._open, number, task)
            case TaskCancelled(_, number, born):
                for task in self._of_line(number, born):
                    task.cancelled = True
            case RunnerStarted():
                self._open.clear()
            case _:
                pass

    def of(self, request: Request) -> SlotTask | None:
        """Return the task that `request` was; None if none is, or more than one may be."""
        timings = request.timings
        if timings is not None and timings.prompt_n is not None and timings.predicted_n is not None:
            fitting = self._timed(request, timings.prompt_n, timings.predicted_n)
            if self._prints or fitting:
                return _only(fitting, request, sure=True)
        return _only(self._within(request), request, sure=False)

    def _timed(self, request: Request, prompt: int, decode: int) -> list[_Task]:
        timings = request.timings
        if timings is None or timings.prompt_ms is None or timings.predicted_ms is None:
            return []
        heard = request.finished_at
        end = request.started_at + LONGEST_WAIT_S if heard is None else heard + LATE_S
        return [
            task
            for task in self._by_count.get((prompt, decode), ())
            if task.prompt is not None
            and task.decode is not None
            and abs(task.prompt[1] - timings.prompt_ms) <= ROUNDED_MS
            and abs(task.decode[1] - timings.predicted_ms) <= ROUNDED_MS
            and task.launched_at >= request.started_at - EARLY_S
            and task.launched_at <= end
        ]

    def _within(self, request: Request) -> Iterator[_Task]:
        """Yield the tasks that began during the request and ended with it, as far as is known."""
        start, end = request.started_at, request.finished_at
        if end is None or request.outcome in {"in flight", "end unknown"}:
            return
        left = request.outcome == "client left"
        failed = request.outcome not in {"ok", "cut"}
        first, last = (start - EARLY_S) // _SPAN_S, (end + EARLY_S) // _SPAN_S
        for span in [span for span in self._by_time if first <= span <= last]:
            for task in self._by_time[span]:
                released = task.released_at
                if not start - EARLY_S <= task.launched_at <= end + EARLY_S:
                    continue
                if failed and task.decode is not None:
                    # Only those that end by themselves print timings.
                    continue
                if released is None or released >= end - LATE_S:
                    ended_too = released is not None and released <= end + LATE_S
                    if left or ended_too:
                        yield task

    def _launch(self, task: _Task) -> None:
        self._open.setdefault(task.number, []).append(task)
        self._by_time.setdefault(task.launched_at // _SPAN_S, []).append(task)
        self._tasks.append(task)
        if len(self._tasks) > KEPT:
            self._forget(self._tasks.popleft())

    def _of_line(self, number: int, born: float | None, slot: int | None = None) -> list[_Task]:
        """Return the one open task that a line is about; if several may be, none is trusted."""
        tasks = [t for t in self._open.get(number, ()) if slot is None or t.slot == slot]
        if len(tasks) < 2:
            return [task for task in tasks if _distance(task, born) <= SAME_ENGINE_S]
        near = sorted((_distance(task, born), place) for place, task in enumerate(tasks))
        if near[1][0] - near[0][0] < DISTINCT_S:
            for task in tasks:
                task.mixed = True
            return []
        return [tasks[near[0][1]]] if near[0][0] <= SAME_ENGINE_S else []

    def _count(self, task: _Task) -> None:
        if task.prompt is not None and task.decode is not None:
            self._prints = True
            self._by_count.setdefault((task.prompt[0], task.decode[0]), []).append(task)

    def _forget(self, task: _Task) -> None:
        _remove(self._open, task.number, task)
        _remove(self._by_time, task.launched_at // _SPAN_S, task)
        if task.prompt is not None and task.decode is not None:
            _remove(self._by_count, (task.prompt[0], task.decode[0]), task)


def _distance(task: _Task, born: float | None) -> float:
    return 0.0 if task.born is None or born is None else abs(task.born - born)


def _only(tasks: Iterable[_Task], request: Request, *, sure: bool) -> SlotTask | None:
    found = list(tasks)
    if len(found) != 1 or found[0].mixed:
        return None
    task = found[0]
    if not sure and task.request_id not in {"", request.id}:
        # Two requests cannot have been one task, and time alone does not tell which one was.
        return None
    task.request_id = request.id
    return task.known


def _remove(index: dict[_Key, list[_Task]], key: _Key, task: _Task) -> None:
    tasks = index.get(key, [])
    if task in tasks:
        tasks.remove(task)
        if not tasks:
            del index[key]
