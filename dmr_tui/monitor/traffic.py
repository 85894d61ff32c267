"""Everyone's calls: the recorder's feed and its list, joined by id, nothing twice."""

from collections import deque
from collections.abc import Iterable

from dmr_tui.measure.rates import decode_rate, prefill_rate
from dmr_tui.measure.stats import binned, summary
from dmr_tui.monitor.snapshot import Throughput
from dmr_tui.runner.requests import Request, read_record
from dmr_tui.runner.wire import RecordGroup

KEPT = 500
"""Finished calls that are remembered; the runner itself keeps ten for each model."""
WINDOW_S = 300.0
BINS = 60


class Traffic:
    """Calls in flight and calls that ended; all times by the runner's clock."""

    def __init__(self) -> None:
        self.in_flight: tuple[Request, ...] = ()
        self._finished: deque[Request] = deque(maxlen=KEPT)
        self._known: set[str] = set()
        self._contexts: dict[str, int] = {}
        self._snapshot: tuple[Request, ...] | None = None

    @property
    def finished(self) -> tuple[Request, ...]:
        """The calls that ended, in the order of their end as far as it is known."""
        if self._snapshot is None:
            self._snapshot = tuple(self._finished)
        return self._snapshot

    @property
    def configured_contexts(self) -> dict[str, int]:
        """By digest, the context window that the runner configured for the newest call."""
        return self._contexts

    def take_event(self, name: str, groups: Iterable[RecordGroup], now: float) -> bool:
        """Add an event of the feed, heard at `now`; True if it brought anything new."""
        live = name == "new_request"
        return any([self._add(group, now if live else None) for group in groups])

    def take_list(self, groups: Iterable[RecordGroup], now: float) -> bool:
        """Add the recorder's list; calls that it shows without an end are what is in flight."""
        groups = list(groups)
        before = self.in_flight
        running = [
            read_record(record, group)
            for group in groups
            for record in group.records or ()
            if record.status_code == 0
        ]
        self.in_flight = tuple(sorted(running, key=lambda request: request.started_at))
        ended = {request.id for request in before} - {request.id for request in running}
        added = any([self._add(group, now, ended) for group in groups])
        return added or before != self.in_flight

    def all_idle(self) -> bool:
        """The runner says that no model is busy; True if that is news."""
        news = bool(self.in_flight)
        self.in_flight = ()
        return news

    def _add(
        self, group: RecordGroup, finished_at: float | None, just_ended: Iterable[str] | None = None
    ) -> bool:
        new = False
        for record in group.records or ():
            if record.status_code == 0 or record.id in self._known:
                continue
            heard = finished_at
            if just_ended is not None and record.id not in just_ended:
                # It ended at some time before this list was made.
                heard = None
            request = read_record(record, group, heard)
            self._remember(request)
            new = True
        return new

    def _remember(self, request: Request) -> None:
        if len(self._finished) == KEPT:
            self._known.discard(self._finished[0].id)
        self._known.add(request.id)
        self._finished.append(request)
        self._snapshot = None
        self.in_flight = tuple(r for r in self.in_flight if r.id != request.id)
        if request.digest and request.context_size:
            self._contexts[request.digest] = request.context_size

    def throughput(self, now: float) -> Throughput:
        """What the calls that ended within the window say, at the runner's time `now`."""
        recent = [r for r in self._finished if ended_at(r) >= now - WINDOW_S]
        decode = [
            (ended_at(r), rate.value)
            for r in recent
            if (rate := decode_rate(r.timings)) is not None
        ]
        prefill = [
            (ended_at(r), rate.value)
            for r in recent
            if (rate := prefill_rate(r.timings)) is not None
        ]
        width = WINDOW_S / BINS
        end = int(now // width) if decode or prefill else 0
        return Throughput(
            window_s=WINDOW_S,
            decode=summary(value for _, value in decode),
            prefill=summary(value for _, value in prefill),
            last_decode=max(decode)[1] if decode else None,
            last_prefill=max(prefill)[1] if prefill else None,
            series_end=end,
            decode_series=binned(decode, now, bins=BINS, width=width),
            prefill_series=binned(prefill, now, bins=BINS, width=width),
            finished=len(recent),
            failed=sum(r.outcome in {"failed", "context overflow"} for r in recent),
            client_left=sum(r.outcome == "client left" for r in recent),
            untimed=sum(
                r.outcome in {"ok", "cut"} and r.timings is None and r.completion_tokens is not None
                for r in recent
            ),
        )


def ended_at(request: Request) -> float:
    """When a call ended; for one that ended before we listened, its start and its own timings."""
    if request.finished_at is not None:
        return request.finished_at
    timings = request.timings
    spent = 0.0 if timings is None else (timings.prompt_ms or 0.0) + (timings.predicted_ms or 0.0)
    return request.started_at + spent / 1000.0
