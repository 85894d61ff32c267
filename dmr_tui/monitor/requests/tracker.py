"""The requests of every client: the recorder's feed and its list, joined by id, nothing twice."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from dmr_tui.measure.baseline import Baseline
from dmr_tui.measure.rates import decode_rate
from dmr_tui.measure.request_numbers import ended
from dmr_tui.measure.thresholds import DEFAULTS, Thresholds
from dmr_tui.monitor.requests.engine_state import EngineState
from dmr_tui.monitor.requests.retries import Retries
from dmr_tui.monitor.requests.rolling_window import RollingWindow
from dmr_tui.monitor.requests.slot_tasks import SlotTasks
from dmr_tui.runner.records import read_record
from dmr_tui.runner.request import Request, Slower, SlownessHint
from dmr_tui.runner.wire import Record, RecordGroup
from dmr_tui.state.request_filter import SHOWN_REQUESTS
from dmr_tui.state.requests import Throughput

KNOWN = 4 * SHOWN_REQUESTS
"""Ids that are remembered, so that the runner may offer a request again."""
FEED_LATE_S = 5.0
DIED_WITHIN_S = 2.0
"""Seconds between the end of an engine and that of a request, as its end may be noticed late."""
REFUSED_WITHIN_S = 0.05
"""No caller hangs up so soon: a request that ends earlier without an answer was refused."""
SLOW_KEPT = 20
"""Slow requests for which the reason may still come."""
LATEST = 200
"""Newest requests to which facts that come late may belong."""


class Listener(Protocol):
    """Receives the requests that end."""

    def request_ended(self, request: Request, record: Record | None) -> None:
        """A request ended; without its record: more is known of it now."""

    def request_superseded(self, id: str) -> None:
        """A later try stands for that one."""


class RequestTracker:
    """Requests in flight and requests that ended; all times by the runner's clock."""

    def __init__(
        self,
        hint: Callable[[float, float], SlownessHint] = lambda began, ended: "",
        thresholds: Thresholds = DEFAULTS,
    ) -> None:
        """`hint` says what about the computer explains a slow request between two times."""
        self._slow_below = thresholds.level("slow")
        self.in_flight: tuple[Request, ...] = ()
        self.listeners: list[Listener] = []
        self.limits: dict[str, float] = {}
        """Seconds after which a caller hangs up, as the user set it; see `set_limits`."""
        self._hint = hint
        self._finished: dict[str, Request] = {}
        self._known: dict[str, None] = {}
        self._flying: dict[str, Request] = {}
        self._unreported: dict[str, float] = {}
        """By id, when the list showed an end that the feed has not reported yet."""
        self._engines: dict[str, EngineState] = {}
        """By digest."""
        self._retries = Retries()
        self._window = RollingWindow()
        self._latest: deque[str] = deque(maxlen=LATEST)
        self._slow: dict[str, Slower] = {}
        """By id, how slow the latest slow requests were."""
        self._snapshot: tuple[Request, ...] | None = None

    @property
    def finished(self) -> tuple[Request, ...]:
        """The requests that ended, in the order in which that was heard."""
        if self._snapshot is None:
            self._snapshot = tuple(self._finished.values())
        return self._snapshot

    def listen(self, listener: Listener) -> None:
        """Report to `listener`, and to it alone, from now on."""
        self.listeners = [listener]

    def set_limits(self, limits: Mapping[str, float]) -> None:
        """Take over the time limits of callers, in seconds, for the requests from now on."""
        self.limits = dict(limits)

    @property
    def configured_contexts(self) -> dict[str, int]:
        """By digest, the context window that the runner configured for the newest request."""
        return {
            digest: engine.configured_context
            for digest, engine in self._engines.items()
            if engine.configured_context is not None
        }

    def take_event(self, name: str, groups: Iterable[RecordGroup], now: float) -> bool:
        """Add an event of the feed, heard at `now`; True if it brought anything new."""
        groups = list(groups)
        live = name == "new_request"
        for group in groups if self._unreported else ():
            for record in group.records or ():
                self._unreported.pop(record.id, None)
        return any([self._add(group, now if live else None) for group in groups])

    def take_list(self, groups: Iterable[RecordGroup], now: float) -> bool:
        """Add the recorder's list; requests that it shows without an end are what is in flight.

        A request that it does not show any more, and whose end was not reported, was pushed out by
        newer ones or dropped with its model. It stays in flight until its model is idle.
        """
        groups = list(groups)
        before = self.in_flight
        flying: dict[str, Request] = {}
        listed: set[str] = set()
        for group in groups:
            for record in group.records or ():
                listed.add(record.id)
                if record.status_code == 0 and record.id not in self._known:
                    flying[record.id] = self._flying.get(record.id) or self._retries.numbered(
                        self._completed(read_record(record, group))
                    )
        just_ended = self._flying.keys() - flying.keys()
        for id in just_ended & listed - self._known.keys():
            self._unreported[id] = now
        added = any([self._add(group, now, just_ended) for group in groups])
        for id in just_ended - listed - self._known.keys():
            flying[id] = self._flying[id]
        self._fly(flying)
        return added or before != self.in_flight

    def feed_is_late(self, now: float) -> bool:
        """Return whether the list showed an end so long ago that the feed will not report it."""
        late = [id for id, listed_at in self._unreported.items() if now - listed_at > FEED_LATE_S]
        for id in late:
            del self._unreported[id]
        return bool(late)

    def idle(self, busy: Iterable[str | None], asked_at: float) -> bool:
        """At `asked_at` the runner said that only these models are busy; True if that is news.

        What was in flight to another one has ended, and the list that was read since does not
        tell how.
        """
        busy = set(busy)
        over = [
            request
            for request in self._flying.values()
            if request.started_at < asked_at and request.digest not in busy and None not in busy
        ]
        for request in over:
            self._remember(replace(request, outcome="end unknown"), None)
        return bool(over)

    def restore(self, requests: Iterable[Request]) -> None:
        """Add requests that were archived before; the runner may offer some of them again."""
        for request in sorted(requests, key=ended):
            known = self._finished.get(request.id)
            if known is not None and known.finished_at is not None:
                continue
            self._learn(request)
            self._keep(request)
            if known is not None:
                self._tell(request, None)
        self._finished = {r.id: r for r in sorted(self._finished.values(), key=ended)}
        self._snapshot = None

    def tell_load(self, digest: str, began: float, ready: float, window: int | None) -> None:
        """An engine was started for `digest`; its log gives the times and the window of a slot."""
        engine = self._engine(digest)
        if window is not None:
            engine.window = window
        if engine.load != (began, ready):
            engine.load, engine.first = (began, ready), None
        for request in (*self._latest_finished(), *self._flying.values()):
            self._note_first(request)
        self._complete_latest()

    def tell_exit(self, digest: str, at: float, error: str) -> None:
        """An engine died: the callers that it was answering did not leave."""
        for request in self._latest_finished():
            mine = request.digest == digest and abs(ended(request) - at) <= DIED_WITHIN_S
            if mine and request.outcome == "client left":
                died = replace(request, outcome="failed", error=error, engine_failure="died")
                self._improve(died)

    def forget_engines(self) -> None:
        """The runner is gone, and with it everything that was loaded."""
        for engine in self._engines.values():
            engine.end()
            engine.load = engine.first = None

    def forget_engine(self, digest: str) -> None:
        """The engine of `digest` is gone; the next one may have another window."""
        if digest in self._engines:
            self._engines[digest].end()

    def _engine(self, digest: str) -> EngineState:
        if digest not in self._engines:
            self._engines[digest] = EngineState(Baseline(self._slow_below))
        return self._engines[digest]

    def tell_tasks(self, tasks: SlotTasks) -> None:
        """The log says when the engine began with which task."""
        for request in self._latest_finished():
            whole = request.processing_at is not None and request.finished_at is not None
            task = None if whole else tasks.of(request)
            if task is None:
                continue
            ended_at = request.finished_at if request.finished_at is not None else task.released_at
            timed = replace(request, processing_at=task.launched_at, finished_at=ended_at)
            if timed != request:
                self._improve(timed)

    def throughput(self, now: float) -> Throughput:
        """Return the speed of the requests that ended lately, at the runner's time `now`."""
        return self._window.throughput(now)

    def _add(
        self, group: RecordGroup, finished_at: float | None, just_ended: Iterable[str] | None = None
    ) -> bool:
        new = False
        for record in group.records or ():
            if record.status_code == 0 or self._is_known(record.id):
                continue
            # One that only the list shows ended at some time before the list was made.
            heard = just_ended is None or record.id in just_ended
            request = read_record(record, group, finished_at if heard else None)
            self._remember(self._completed(request), record)
            new = True
        return new

    def _is_known(self, id: str) -> bool:
        known = self._finished.get(id)
        return id in self._known and (known is None or known.outcome != "end unknown")

    def _remember(self, request: Request, record: Record | None) -> None:
        if (before := self._retries.replaced(request)) is not None:
            request = self._retries.numbered(request)
            self._drop(before)
        request = _refused(request)
        self._retries.ended(request)
        request = self._judged(request)
        self._keep(request)
        self._latest.append(request.id)
        self._explain_slow_ones(request)
        if request.digest and request.context_size:
            self._engine(request.digest).configured_context = request.context_size
        self._tell(request, record)

    def _keep(self, request: Request) -> None:
        self._finished[request.id] = request
        self._known[request.id] = None
        self._window.add(request)
        for kept, most in ((self._finished, SHOWN_REQUESTS), (self._known, KNOWN)):
            while len(kept) > most:
                del kept[next(iter(kept))]
        self._snapshot = None
        if request.id in self._flying:
            self._fly({id: r for id, r in self._flying.items() if id != request.id})

    def _drop(self, id: str) -> None:
        self._finished.pop(id, None)
        self._window.drop(id)
        self._snapshot = None
        for listener in self.listeners:
            listener.request_superseded(id)

    def _fly(self, flying: dict[str, Request]) -> None:
        self._flying = flying
        self.in_flight = tuple(sorted(flying.values(), key=lambda r: (r.started_at, r.id)))

    def _completed(self, request: Request) -> Request:
        """Add what is known beside its record: the load before it, window, time limit."""
        changes: dict[str, float | int] = {}
        limit = self.limits.get(request.caller)
        if limit is not None and limit != request.limit:
            changes["limit"] = limit
        engine = self._engines.get(request.digest or "")
        if engine is None:
            return replace(request, **changes) if changes else request  # type: ignore[arg-type]
        if engine.window is not None and (request.window is None or engine.serves(request)):
            changes["window"] = engine.window
        self._note_first(request)
        if (load_s := engine.load_s(request)) is not None:
            changes["load_s"] = load_s
        return replace(request, **changes) if changes else request  # type: ignore[arg-type]

    def _note_first(self, request: Request) -> None:
        engine = self._engines.get(request.digest or "")
        if engine is None or engine.load is None or not engine.begins_with(request):
            return
        engine.first = request
        # Later requests did not wait for the load that turned out to be that of this one.
        for other in self._latest_finished():
            # Of this load, not of one before.
            waited = other.load_s == other.started_at - engine.load[0]
            if other.digest == request.digest and waited and engine.load_s(other) is None:
                self._improve(replace(other, load_s=None))

    def _complete_latest(self) -> None:
        for request in self._latest_finished():
            completed = self._completed(request)
            if completed != request:
                self._improve(completed)
        self._fly({id: self._completed(request) for id, request in self._flying.items()})

    def _latest_finished(self) -> list[Request]:
        return [r for id in self._latest if (r := self._finished.get(id)) is not None]

    def _improve(self, request: Request) -> None:
        self._finished[request.id] = request
        self._window.add(request)
        self._snapshot = None
        self._tell(request, None)

    def _tell(self, request: Request, record: Record | None) -> None:
        for listener in self.listeners:
            listener.request_ended(request, record)

    def _learn(self, request: Request) -> Slower | None:
        rate = decode_rate(request.timings)
        if rate is None or request.digest is None or request.prompt_tokens is None:
            return None
        return self._engine(request.digest).baseline.judge(request.prompt_tokens, rate.value)

    def _judged(self, request: Request) -> Request:
        slower = self._learn(request)
        if slower is None:
            return request
        self._slow[request.id] = slower
        if len(self._slow) > SLOW_KEPT:
            del self._slow[next(iter(self._slow))]
        return replace(request, slow=self._with_reason(request, slower))

    def _with_reason(self, request: Request, slower: Slower) -> Slower:
        began, end = _decoding(request)
        others = sum(
            other.started_at < end and ended(other) > began
            for other in self._latest_finished()
            if other.id != request.id
        )
        others += sum(r.id != request.id and r.started_at < end for r in self._flying.values())
        hint: SlownessHint = "" if others else self._hint(began, end)
        return replace(slower, concurrent=others + 1, hint=hint)

    def _explain_slow_ones(self, request: Request) -> None:
        """A request ended that ran beside others: it may be why one of them was slow."""
        for id, slower in self._slow.items():
            slow = self._finished.get(id)
            if slow is None or id == request.id:
                continue
            began, end = _decoding(slow)
            if request.started_at < end and ended(request) > began:
                known = self._with_reason(slow, slower)
                if known != slow.slow:
                    self._improve(replace(slow, slow=known))


def _refused(request: Request) -> Request:
    """A request that the runner could not pass on looks as if its caller had left."""
    duration = request.duration
    soon = duration is not None and duration < REFUSED_WITHIN_S
    if request.outcome == "client left" and request.status == 502 and soon:
        return replace(request, outcome="failed", error="", engine_failure="unreachable")
    return request


def _decoding(request: Request) -> tuple[float, float]:
    """Return when its tokens were generated; the engine's timings count back from its end."""
    end = ended(request)
    timings = request.timings
    return end - (0.0 if timings is None else timings.predicted_ms or 0.0) / 1000.0, end
