"""The loads of a log: start, end, slots, failure; engines that run or end."""

from collections import deque
from dataclasses import dataclass, replace

from dmr_tui.monitor.history.config_drift import Drift
from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.monitor.history.event_text import context_words, error_words, in_mode, slot_words
from dmr_tui.monitor.history.reloads import Reloads
from dmr_tui.runner.logs.log_event import (
    EngineExited,
    ErrorLine,
    Listening,
    Loaded,
    LoadFailed,
    LoadStarted,
    OutOfMemory,
    SlotsReady,
)
from dmr_tui.state.event import Event, EventKind

GIVEN_UP_S = 330.0
"""DMR gives up on a load after 300 s; one that is older does not stand in another's way."""
SAME_ENGINE_S = 1.0
TELLS_APART_S = 0.03
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
        """When `ps` showed that a load had ended, of those whose end the log does not tell."""

    def restart(self) -> None:
        """The same lines are going to be told again."""
        self._under_way.clear()
        self._running.clear()
        self._asked.clear()
        self._exits.clear()
        self._forget_lines()
        self._short_at = None

    def asked(self, key: Key) -> int | None:
        """The context that the runner asked for when it loaded that last."""
        return self._asked.get(key)

    def runner_started(self, at: float) -> int:
        """Every engine has gone; gives how many models were loaded."""
        for load in self._under_way:
            self._fail(load, at, "the runner was started anew meanwhile")
        count = len(self._running)
        self._under_way.clear()
        self._running.clear()
        self._forget_lines()
        return count

    def started(self, event: LoadStarted) -> None:
        """An engine is started; whoever had its address or its name before is gone."""
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
        on = f"on {event.backend}" if event.backend else ""
        words = [on, "" if asked is None else f"{context_words(asked)} asked for"]
        self._events.put_first(
            self._event(load, event.at, "load started", ", ".join(word for word in words if word))
        )
        self._asked[load.name] = asked
        if key in self._seen_ready:
            self._finish(load, self._seen_ready[key], None)
        if event.digest is not None:
            self._reloads.started(event.digest, event.at, "log", digest=event.digest, model="")

    def slots_ready(self, event: SlotsReady) -> None:
        """An engine says what its slots hold."""
        load = self._only(event.at)
        if load is not None:
            load.slots = event
        elif self._under_way:
            self._slots.append(event)

    def ended(self, event: Loaded | Listening) -> Key | None:
        """An engine has read its model, or takes calls; gives whose load that ended."""
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
        """A load ended badly; gives what the model was called, if an engine ended with it."""
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
        short = self._short[0].text if alone and self._short else ""
        self._fail(load, event.at, event.error, exit_model, short)
        self._short.clear()
        self._errors.clear()
        self._settle(event.at)
        self._reloads.left(event.digest, "failed")
        return exit_model

    def exited(self, event: EngineExited) -> None:
        """An engine ended by itself; if it was loading, that load fails next."""
        kind, text, cause = error_words(event.error, event.model)
        lacked = kind == "out of memory"
        if not lacked and self._short_at is not None:
            lacked = abs(event.at - self._short_at[0]) <= FOLDED_S
        if self._short_at is not None and abs(event.at - self._short_at[0]) <= FOLDED_S:
            self._events.withdraw(self._short_at[1])
        key = f"exit:{event.model}:{event.at:.6f}"
        self._events.put_first(
            Event(
                key,
                event.at,
                "out of memory" if lacked else "engine died",
                text or "the engine ended",
                "log",
                "error",
                event.model,
                cause=cause,
            )
        )
        self._exits.append((event, key))

    def unloaded(self, key: Key) -> None:
        """A runner was evicted; so it had been loaded, whether the log told it or not."""
        self._running.pop(key, None)
        load = next((load for load in self._under_way if load.name == key), None)
        if load is not None:
            self._under_way.remove(load)
            text = f"on {load.start.backend}; when it was ready, the log does not tell"
            self._events.put(self._event(load, load.start.at, "loaded", text))

    def ready(self, backend: str, at: float) -> None:
        """`ps` shows that a backend of which the log does not tell it takes calls."""
        loads = [load for load in self._under_way if load.start.backend == backend != LLAMA]
        if len(loads) == 1 and loads[0].start.at <= at:
            self._seen_ready[loads[0].key] = at
            if len(self._seen_ready) > REMEMBERED:
                del self._seen_ready[next(iter(self._seen_ready))]
            self._finish(loads[0], at, None)

    def lacks_memory(self, event: OutOfMemory) -> None:
        """An engine got no memory; what that leads to comes in the next lines."""
        if self._fresh(event.at):
            self._short.append(event)
        else:
            self._tell_short(event, went_on=False)

    def engine_error(self, event: ErrorLine) -> None:
        """An engine complains: while a load is under way, its end will tell what of."""
        self._errors.append(event)

    def errors(self, at: float) -> list[ErrorLine]:
        """The complaints that no failed load has explained, as soon as nothing is being loaded."""
        if self._fresh(at):
            return []
        errors = list(self._errors)
        self._errors.clear()
        return errors

    def engine_of(self, born: float | None) -> Key | None:
        """Which of the running engines of llama.cpp began then; None if nobody can tell."""
        running = [load for load in self._running.values() if load.start.backend == LLAMA]
        if len(running) == 1:
            return running[0].name
        if born is None:
            return None
        near = sorted(
            (abs(load.born - born), number)
            for number, load in enumerate(running)
            if load.born is not None
        )
        if len(near) != len(running) or not near or near[0][0] > SAME_ENGINE_S:
            return None
        apart = len(near) < 2 or near[1][0] - near[0][0] >= TELLS_APART_S
        return running[near[0][1]].name if apart else None

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
        text = "" if load.slots is None else slot_words(load.slots.context, load.slots.slots)
        event = self._event(load, at, "loaded", text or f"on {load.start.backend}")
        took = seconds if seconds >= 0.0 else None
        self._events.put(replace(event, severity="good", seconds=took))
        self._running[load.name] = load
        digest = load.start.digest
        if load.slots is not None and digest is not None:
            context, asked = load.slots.context, load.start.context_size
            self._drift.loaded(at, digest, load.start.mode, context, asked)
        self._settle(at)

    def _slots_of(self, born: float | None) -> SlotsReady | None:
        if born is None:
            return None
        near = sorted(
            (abs(ready.born - born), number)
            for number, ready in enumerate(self._slots)
            if ready.born is not None
        )
        if not near or near[0][0] > SAME_ENGINE_S:
            return None
        if len(near) > 1 and near[1][0] - near[0][0] < TELLS_APART_S:
            return None
        return self._slots.pop(near[0][1])

    def _settle(self, at: float) -> None:
        """When nothing is being loaded any more, what went wrong meanwhile was survived."""
        if self._fresh(at):
            return
        self._slots.clear()
        short, self._short = self._short, []
        for event in short[:1]:
            self._tell_short(event, went_on=True)

    def _fail(self, load: _Load, at: float, error: str, model: str = "", short: str = "") -> None:
        name = model or load.start.digest or ""
        kind, text, cause = error_words(error, name)
        if kind != "out of memory" and short:
            _, text, cause = error_words(short, name)
            kind = "out of memory"
        lacked, called_off = kind == "out of memory", kind == "client left"
        event = self._event(load, at, "out of memory" if lacked else "load failed", text)
        took = at - load.start.at
        self._events.put(
            replace(
                event,
                severity="warning" if called_off else "error",
                seconds=took if took > 0.0 else None,
                cause=cause,
            )
        )

    def _tell_short(self, event: OutOfMemory, *, went_on: bool) -> None:
        if self._short_at is not None and abs(event.at - self._short_at[0]) <= FOLDED_S:
            return
        key = f"memory:{event.at:.6f}"
        if not went_on:
            self._short_at = event.at, key
        _, text, cause = error_words(event.text, "")
        self._events.put_first(
            Event(
                key,
                event.at,
                "out of memory",
                f"{text}; the load went on without" if went_on else text,
                "log",
                "warning" if went_on else "error",
                cause=cause,
            )
        )

    def _forget_lines(self) -> None:
        self._slots.clear()
        self._short.clear()
        self._errors.clear()

    def _event(self, load: _Load, at: float, kind: EventKind, text: str) -> Event:
        said = in_mode(text, load.start.mode)
        return Event(load.key, at, kind, said, "log", digest=load.start.digest)
