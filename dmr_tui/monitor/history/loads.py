"""Loads as the log reports them: start, end, slots, failure; engines that run or end."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace

from msgspec import structs

from dmr_tui.monitor.history.config_changes import Drift
from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.monitor.history.reloads import Reloads
from dmr_tui.runner.errors.explain import explain_quote
from dmr_tui.runner.logs.log_event import (
    DISTINCT_S,
    SAME_ENGINE_S,
    EngineExited,
    ErrorLine,
    Listening,
    Loaded,
    LoadFailed,
    LoadStarted,
    OutOfMemory,
    SlotsReady,
)
from dmr_tui.state.event import Detail, ErrorDetail, Event, EventKind, LoadDetail, Severity

GIVEN_UP_S = 330.0
"""DMR gives up on a load after 300 s; one that is older does not stand in another's way."""
FOLDED_S = 30.0
"""One failure prints several lines; those within this time are one event."""
LLAMA = "llama.cpp"
REMEMBERED = 200

Key = tuple[str, str]
"""Digest and mode."""


@dataclass(slots=True, eq=False)
class _Load:
    start: LoadStarted
    key: str
    slots: SlotsReady | None = None
    born: float | None = None

    @property
    def name(self) -> Key:
        return (self.start.digest or "", self.start.mode)


class Loads:
    """Follows the loads of a log, also of several models at once.

    Engine lines name no model. While one load is under way they are its own; of several, the
    address on which an engine listens tells which it was, and its stopwatch which slots are its.
    """

    def __init__(self, events: EventList, reloads: Reloads, drift: Drift) -> None:
        self._events = events
        self._reloads = reloads
        self._drift = drift
        self._under_way: list[_Load] = []
        self._running: dict[Key, _Load] = {}
        self._asked: dict[Key, int | None] = {}
        self._slots: list[SlotsReady] = []
        self._exits: deque[tuple[EngineExited, str]] = deque(maxlen=20)
        self._short: list[OutOfMemory] = []
        """Allocations that failed while something was loaded."""
        self._errors: deque[ErrorLine] = deque(maxlen=REMEMBERED)
        self._short_at: tuple[float, str] | None = None
        self._seen_ready: dict[str, float] = {}
        """Times at which `ps` showed that a load had ended, if its end is not in the log."""

    def restart(self) -> None:
        """Expect the same lines again."""
        self._under_way.clear()
        self._running.clear()
        self._asked.clear()
        self._exits.clear()
        self._forget_lines()
        self._short_at = None

    def asked(self, key: Key) -> int | None:
        """The context that the runner asked for at the last load of that."""
        return self._asked.get(key)

    def runner_started(self, at: float) -> int:
        """Forget every engine, and return how many models were loaded."""
        for load in self._under_way:
            self._put_failed(load, at, None)
        count = len(self._running)
        self._under_way.clear()
        self._running.clear()
        self._forget_lines()
        return count

    def started(self, event: LoadStarted) -> None:
        """Begin a load; an engine that had its address or its name before is gone."""
        self._under_way = [
            load
            for load in self._under_way
            if (load.start.digest, load.start.mode) != (event.digest, event.mode)
            and (not event.address or load.start.address != event.address)
        ]
        if not self._under_way:
            self._forget_lines()
        key = f"load:{event.digest}:{event.mode}:{event.at:.6f}"
        load = _Load(event, key)
        self._under_way.append(load)
        asked = event.context_size
        detail = LoadDetail(event.backend, asked)
        self._events.put_first(self._event(load, event.at, "load started", detail))
        self._asked[load.name] = asked
        if key in self._seen_ready:
            self._finish(load, self._seen_ready[key], None)
        if event.digest is not None:
            self._reloads.started(event.digest, event.at, "log", digest=event.digest, name="")

    def slots_ready(self, event: SlotsReady) -> None:
        """Note what the slots of an engine hold."""
        load = self._only(event.at)
        if load is not None:
            load.slots = event
        elif self._under_way:
            self._slots.append(event)

    def ended(self, event: Loaded | Listening) -> Key | None:
        """End the load of an engine that has read its model or listens, and return whose it is."""
        load = self._only(event.at) if isinstance(event, Loaded) else self._at_address(event)
        if load is None:
            return None
        self._finish(load, event.at, event.born)
        return load.name

    def _at_address(self, event: Listening) -> _Load | None:
        there = [
            load
            for load in self._under_way
            if (
                load.start.address and event.address.endswith(load.start.address)
                if event.address
                else load.start.backend != LLAMA
            )
        ]
        return there[0] if len(there) == 1 else None

    def failed(self, event: LoadFailed) -> str:
        """End a load that failed, and return the model's name if an engine ended with it."""
        if event.digest is None:
            # The engine's own words; those of the runner follow, and know which load it was.
            return ""
        named = (event.digest, event.mode)
        load = next((load for load in self._under_way if load.name == named), None)
        alone = load is not None and len(self._fresh(event.at)) <= 1
        if load is None:
            start = LoadStarted(event.at, "", event.digest, None, event.mode)
            load = _Load(start, f"load:{event.digest}:{event.mode}:failed:{event.at:.6f}")
        else:
            self._under_way.remove(load)
        exit_model = ""
        for exited, key in list(self._exits):
            if exited.error == event.error:
                self._events.withdraw(key)
                self._exits.remove((exited, key))
                exit_model = exited.model
        error = _error(event.error)
        if alone and self._short and error.kind != "out of memory":
            error = structs.replace(_error(self._short[0].text), kind="out of memory")
        name = exit_model or load.start.digest or ""
        self._put_failed(load, event.at, structs.replace(error, name=name))
        self._short.clear()
        self._errors.clear()
        self._settle(event.at)
        self._reloads.left(event.digest, "failed")
        return exit_model

    def exited(self, event: EngineExited) -> None:
        """Add the end of an engine by itself; if it was loading, that load fails next."""
        error = _error(event.error)
        kind: EventKind = "out of memory" if error.kind == "out of memory" else "engine died"
        if self._short_at is not None and abs(event.at - self._short_at[0]) <= FOLDED_S:
            self._events.withdraw(self._short_at[1])
            kind = "out of memory"
        key = f"exit:{event.model}:{event.at:.6f}"
        self._events.put_first(Event(key, event.at, kind, error, "log", "error", event.model))
        self._exits.append((event, key))

    def unloaded(self, key: Key) -> None:
        """End an engine that was evicted: it was loaded, even if no line said so."""
        self._running.pop(key, None)
        load = next((load for load in self._under_way if load.name == key), None)
        if load is not None:
            self._under_way.remove(load)
            detail = LoadDetail(load.start.backend, end_logged=False)
            self._events.put(self._event(load, load.start.at, "loaded", detail))

    def ready(self, backend: str, at: float) -> None:
        """End the load on a backend of which `ps`, and not the log, shows that it is ready."""
        loads = [load for load in self._under_way if load.start.backend == backend != LLAMA]
        if len(loads) == 1 and loads[0].start.at <= at:
            self._seen_ready[loads[0].key] = at
            if len(self._seen_ready) > REMEMBERED:
                del self._seen_ready[next(iter(self._seen_ready))]
            self._finish(loads[0], at, None)

    def lacks_memory(self, event: OutOfMemory) -> None:
        """Note that an engine got no memory; the next lines say what came of it."""
        if self._fresh(event.at):
            self._short.append(event)
        else:
            self._put_short(event, survived=False)

    def engine_error(self, event: ErrorLine) -> None:
        """Keep an error of an engine until it is known whether a load failed of it."""
        self._errors.append(event)

    def errors(self, at: float) -> list[ErrorLine]:
        """The errors that no failed load has explained, as soon as nothing is being loaded."""
        if self._fresh(at):
            return []
        errors = list(self._errors)
        self._errors.clear()
        return errors

    def engine_of(self, born: float | None) -> Key | None:
        """The engine of llama.cpp that began at `born`; None if it cannot be told from others."""
        running = [load for load in self._running.values() if load.start.backend == LLAMA]
        if len(running) == 1:
            return running[0].name
        if any(load.born is None for load in running):
            return None
        place = _nearest(born, [load.born for load in running])
        return None if place is None else running[place].name

    def _fresh(self, at: float) -> list[_Load]:
        return [load for load in self._under_way if abs(at - load.start.at) <= GIVEN_UP_S]

    def _only(self, at: float) -> _Load | None:
        loads = [load for load in self._under_way if load.start.backend == LLAMA]
        if len(loads) > 1:
            fresh = self._fresh(at)
            loads = [load for load in loads if load in fresh]
        return loads[0] if len(loads) == 1 else None

    def _finish(self, load: _Load, at: float, born: float | None) -> None:
        self._under_way.remove(load)
        load.born = born
        load.slots = load.slots or self._slots_of(born)
        seconds = at - load.start.at
        detail = LoadDetail(load.start.backend)
        if load.slots is not None:
            detail = structs.replace(detail, context=load.slots.context, slots=load.slots.slots)
        event = self._event(load, at, "loaded", detail)
        took = seconds if seconds >= 0.0 else None
        self._events.put(replace(event, severity="good", seconds=took))
        self._running[load.name] = load
        digest = load.start.digest
        if load.slots is not None and digest is not None:
            context, asked = load.slots.context, load.start.context_size
            self._drift.loaded(at, digest, load.start.mode, context, asked)
        self._settle(at)

    def _slots_of(self, born: float | None) -> SlotsReady | None:
        place = _nearest(born, [ready.born for ready in self._slots])
        return None if place is None else self._slots.pop(place)

    def _settle(self, at: float) -> None:
        """Report what went wrong and was survived, when nothing is being loaded any more."""
        if self._fresh(at):
            return
        self._slots.clear()
        short, self._short = self._short, []
        for event in short[:1]:
            self._put_short(event, survived=True)

    def _put_failed(self, load: _Load, at: float, error: ErrorDetail | None) -> None:
        lacked = error is not None and error.kind == "out of memory"
        called_off = error is not None and error.kind == "client left"
        event = self._event(load, at, "out of memory" if lacked else "load failed", error)
        took = at - load.start.at
        self._events.put(
            replace(
                event,
                severity="warning" if called_off else "error",
                seconds=took if took > 0.0 else None,
            )
        )

    def _put_short(self, event: OutOfMemory, *, survived: bool) -> None:
        if self._short_at is not None and abs(event.at - self._short_at[0]) <= FOLDED_S:
            return
        key = f"memory:{event.at:.6f}"
        if not survived:
            self._short_at = event.at, key
        error = structs.replace(_error(event.text), survived=survived)
        severity: Severity = "warning" if survived else "error"
        self._events.put_first(Event(key, event.at, "out of memory", error, "log", severity))

    def _forget_lines(self) -> None:
        self._slots.clear()
        self._short.clear()
        self._errors.clear()

    def _event(self, load: _Load, at: float, kind: EventKind, detail: Detail) -> Event:
        digest, mode = load.start.digest, load.start.mode
        return Event(load.key, at, kind, detail, "log", digest=digest, mode=mode)


def _nearest(born: float | None, others: Iterable[float | None]) -> int | None:
    """Place of the engine that began at `born`; None if none or more than one may be it."""
    if born is None:
        return None
    near = sorted((abs(other - born), n) for n, other in enumerate(others) if other is not None)
    if not near or near[0][0] > SAME_ENGINE_S:
        return None
    apart = len(near) < 2 or near[1][0] - near[0][0] >= DISTINCT_S
    return near[0][1] if apart else None


def _error(quote: str) -> ErrorDetail:
    return ErrorDetail(quote, explain_quote(quote).kind)
