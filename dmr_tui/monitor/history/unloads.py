"""Why a model was unloaded: the log does not say it, but the lines around it do.

In DMR's source, an eviction to make room is announced; an unload by name says for each mode that
there is nothing (more) to unload; a new configuration follows the eviction that it needs; a dead
engine has said so before. What is left is the clock (idle) or `unload --all`, which evict in the
same words: the time since its last use tells which.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.monitor.history.event_text import idle_words, in_mode
from dmr_tui.monitor.history.reloads import Reason, Reloads
from dmr_tui.runner.logs.log_event import EvictingForRoom, Unloaded
from dmr_tui.state.event import Event, Severity
from dmr_tui.text import format

DEFAULT_KEEP_S = (300.0, 28_800.0)
"""Five minutes; eight hours on Docker's GPU cloud."""
EARLY_S = 1.0
LATE_S = 30.0
"""Seconds by which an idle model may be unloaded after its time, by a machine that is busy."""
ANNOUNCED_S = 1.0
REMEMBERED = 200
FOLLOWS_S = 60.0
"""Most that an engine takes to end, which is what the next line of the runner waits for."""

Key = tuple[str, str]
"""Digest and mode."""


@dataclass(slots=True)
class _Leaving:
    event: Event
    key: Key
    idle_s: float | None
    exact: bool
    """Whether that is the time since its last call ended, not since it began."""


class Unloads:
    """Follows the evictions of a log, each until its cause is known."""

    def __init__(
        self,
        events: EventList,
        reloads: Reloads,
        keep_alive: Callable[[str, str, float], float | None],
    ) -> None:
        """`keep_alive`: seconds for which a digest, or a name, was kept at some time."""
        self._events = events
        self._reloads = reloads
        self._keep_alive = keep_alive
        self._used: dict[Key, tuple[float, bool]] = {}
        self._leaving: list[_Leaving] = []
        self._evicted: list[_Leaving] = []
        """Those of the last look at all models, in case that the runner was stopping."""
        self._pool: EvictingForRoom | None = None
        self._room_until = 0.0
        self._wanted = ""
        self._dead: set[str] = set()
        self._stopping_at: float | None = None
        self._stopped: dict[str, None] = {}
        """Keys of events that the end of the runner explains, which the log says afterwards."""
        self._configured: set[str] | None = None
        """Models that were ever configured; None if the log begins after the runner did."""

    def restart(self) -> None:
        """The same lines are going to be told again."""
        self._used.clear()
        self._forget_calls()
        self._configured = None

    def _forget_calls(self) -> None:
        self._leaving.clear()
        self._evicted.clear()
        self._dead.clear()
        self._pool, self._stopping_at = None, None

    def runner_started(self) -> None:
        """Nothing is loaded, nothing configured."""
        self._used.clear()
        self._forget_calls()
        self._configured = set()

    def wanted(self, key: Key, at: float) -> None:
        """A call is about to use a model."""
        self._wanted = key[0]
        self._used[key] = at, False

    def used(self, key: Key, at: float, *, ended: bool) -> None:
        """A model works, or has just ended to."""
        self._used[key] = at, ended

    def making_room(self, event: EvictingForRoom) -> None:
        """Every runner slot is taken."""
        self._pool, self._room_until = event, event.at + ANNOUNCED_S

    def engine_died(self, model: str) -> None:
        """Its runner is evicted next."""
        self._dead.add(_cut(model))

    def load_ended(self, model: str) -> None:
        """Whatever died before, it is another engine now."""
        self._dead.discard(_cut(model))

    def unloaded(self, event: Unloaded) -> None:
        """A runner is evicted."""
        key = (event.digest or "", event.mode)
        used = self._used.pop(key, None)
        idle = None if used is None else max(0.0, event.at - used[0])
        unknown = "cause unknown"
        if idle is not None and used is not None and used[1]:
            unknown = f"cause unknown, {format.age(idle)} after its last use"
        entry = Event(
            f"unload:{event.digest}:{event.mode}:{event.at:.6f}",
            event.at,
            "unloaded",
            in_mode(unknown, event.mode),
            "log",
            model=event.model,
            digest=event.digest,
        )
        leaving = _Leaving(entry, key, idle, used is not None and used[1])
        pool = self._pool
        if event.uninstalled:
            self._tell(leaving, "uninstalled", "its backend is uninstalled")
        elif _cut(event.model) in self._dead:
            self._dead.discard(_cut(event.model))
            self._tell(leaving, "died", "its engine had ended")
        elif pool is not None and pool.at - ANNOUNCED_S <= event.at <= self._room_until:
            # The next one comes when the engine of this one has ended.
            self._room_until = event.at + FOLLOWS_S
            self._tell_room(leaving, pool)
        else:
            self._leaving = [
                each for each in self._leaving if abs(event.at - each.event.at) <= FOLLOWS_S
            ]
            self._leaving.append(leaving)
            self._events.put_first(entry)

    def evicted(self, at: float) -> bool:
        """The end of a look at all models; gives whether it was asked for."""
        self._pool = None
        group, self._leaving = self._leaving, []
        stopped = self._stopping_at is not None and abs(at - self._stopping_at) <= FOLLOWS_S
        reasons = [self._reason(each) for each in group]
        for each, reason in zip(group, reasons, strict=True):
            if stopped or each.event.key in self._stopped:
                self._tell(each, "stopped", "the runner was stopped")
            elif "asked" in reasons:
                # Only on request are models unloaded whose time is not up, and then all of them.
                self._tell(each, "asked", "asked for: every idle model was unloaded")
            elif reason == "idle":
                self._tell(each, "idle", idle_words(each.idle_s or 0.0))
            else:
                self._reloads.left(each.key[0], "unknown")
        self._evicted = group
        return "asked" in reasons and not stopped

    def nothing_to_unload(self, digest: str | None) -> bool:
        """An unload by name is done with one mode; whether it unloaded something before."""
        return self._resolve(digest, "asked", "asked for")

    def configuring(self, digest: str | None) -> None:
        """A model has a new configuration."""
        if digest is not None and self._configured is not None:
            self._configured.add(digest)
        self._resolve(digest, "configure", "to be reconfigured")

    def stopping(self, at: float) -> None:
        """The runner ends; it may have begun to unload before it says so."""
        self._stopping_at = at
        for each in (*self._evicted, *self._leaving):
            if abs(at - each.event.at) <= ANNOUNCED_S:
                self._stopped[each.event.key] = None
                self._tell(each, "stopped", "the runner was stopped")
        while len(self._stopped) > REMEMBERED:
            del self._stopped[next(iter(self._stopped))]

    def _resolve(self, digest: str | None, reason: Reason, text: str) -> bool:
        mine = [each for each in self._leaving if digest and each.key[0] == digest]
        self._leaving = [each for each in self._leaving if each not in mine]
        for each in mine:
            self._tell(each, reason, text)
        return bool(mine)

    def _reason(self, leaving: _Leaving) -> Reason:
        if leaving.idle_s is None:
            return "unknown"
        kept = self._kept(leaving)
        if any(-EARLY_S <= leaving.idle_s - keep <= LATE_S for keep in kept):
            return "idle"
        # One that is late proves nothing: while a machine sleeps, the runner's clock stands still.
        early = leaving.exact and kept and leaving.idle_s < min(kept) - EARLY_S
        return "asked" if early else "unknown"

    def _kept(self, leaving: _Leaving) -> tuple[float, ...]:
        event = leaving.event
        told = self._keep_alive(leaving.key[0], event.model, event.at)
        if told is not None:
            return DEFAULT_KEEP_S if told == DEFAULT_KEEP_S[0] else (told,)
        never = self._configured is not None and leaving.key[0] not in self._configured
        return DEFAULT_KEEP_S if never else ()

    def _tell_room(self, leaving: _Leaving, pool: EvictingForRoom) -> None:
        same = bool(self._wanted) and self._wanted == leaving.key[0]
        whom = "itself in another mode" if same else "another model"
        taken = "All" if pool.taken is None else f"All {pool.taken}"
        cause = (
            f"{taken} runner slots were taken, and then every idle model is unloaded. There is "
            "one for each CPU, at most 8."
        )
        self._tell(leaving, "room", f"to make room for {whom}", cause)

    def _tell(self, leaving: _Leaving, reason: Reason, text: str, cause: str = "") -> None:
        severity: Severity = "warning" if reason in {"room", "died"} else "info"
        said = in_mode(text, leaving.key[1])
        self._events.put(replace(leaving.event, text=said, severity=severity, cause=cause))
        self._reloads.left(leaving.key[0], reason)


def _cut(model: str) -> str:
    # So the runner shortens names, but only in some of its lines.
    return model.removesuffix("...[truncated]")[:100]
