"""Unloads and their reasons: the log does not say why, but the lines around it do.

In DMR's source, an eviction to make room is announced; an unload by name says for each mode that
there is nothing (more) to unload; a new configuration follows the eviction that it needs; a dead
engine has said so before. What is left is the clock (idle) or `unload --all`, which evict in the
same words: the time since its last use tells which.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.monitor.history.reloads import Reloads
from dmr_tui.runner.logs.log_event import EvictingForRoom, Unloaded
from dmr_tui.runner.units import DEFAULT_KEEP_ALIVE_S, keep_alive_seconds
from dmr_tui.runner.wire import Configured, Running
from dmr_tui.state.event import Event, Severity, UnloadDetail, UnloadReason

DEFAULTS_S = (DEFAULT_KEEP_ALIVE_S, 28_800.0)
"""Five minutes; eight hours on Docker's GPU cloud."""
EARLY_S = 1.0
"""Seconds by which an idle model may seem to be unloaded before its time."""
ANNOUNCED_S = 1.0
"""Most that lies between an announcement and the eviction that it is about."""
REMEMBERED = 200
FOLLOWS_S = 60.0
"""Most that an engine takes to end, which is what the next line of the runner waits for."""

Key = tuple[str, str]
"""Digest and mode."""
LATE_S = 30.0
"""Seconds by which a machine that is busy may unload an idle model after its time."""
LOOKED_BEFORE_S = 10.0
"""Most that lies between two answers of `ps`."""
KEEP_ALIVES = 500


class KeepAlives:
    """The keep-alive of each model, and the time since when it is known."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, float]] = {}
        """By digest or name."""

    def take_ps(self, before: list[Running], now: list[Running], at: float) -> None:
        """Learn from two answers of `ps`, the second one at `at`."""
        for looked_at, runs in ((at - LOOKED_BEFORE_S, before), (at, now)):
            for run in runs:
                if not run.loading:
                    self._learn(run.model_name, run.keep_alive, looked_at)

    def take_configured(self, now: list[Configured], at: float) -> None:
        """Learn from all configurations."""
        for configured in now:
            self._learn(configured.model_id, configured.config.keep_alive, at)

    def seconds(self, digest: str, model: str, at: float) -> float | None:
        """The keep-alive at that time; None if it was not known then."""
        known = [k for name in (digest, model) if (k := self._known.get(name)) and k[0] <= at]
        return max(known)[1] if known else None

    def _learn(self, name: str, keep_alive: str | None, at: float) -> None:
        seconds = keep_alive_seconds(keep_alive) if keep_alive else DEFAULT_KEEP_ALIVE_S
        known = self._known.get(name)
        if seconds is None or (known is not None and known[1] == seconds and known[0] <= at):
            return
        self._known.pop(name, None)
        self._known[name] = at, seconds
        if len(self._known) > KEEP_ALIVES:
            del self._known[next(iter(self._known))]


@dataclass(slots=True)
class _Leaving:
    event: Event
    key: Key
    idle_s: float | None
    exact: bool
    """True if that is the time since its last request ended, not since it began."""


class Unloads:
    """Follows the evictions of a log, each until its reason is known."""

    def __init__(
        self,
        events: EventList,
        reloads: Reloads,
        keep_alive: Callable[[str, str, float], float | None],
    ) -> None:
        """`keep_alive` returns the seconds for which a digest, or a name, was kept at a time."""
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
        """Expect the same lines again."""
        self._used.clear()
        self._leaving.clear()
        self._evicted.clear()
        self._dead.clear()
        self._pool, self._stopping_at, self._configured = None, None, None

    def runner_started(self) -> None:
        """Begin without loaded models and configurations."""
        self.restart()
        self._configured = set()

    def wanted(self, key: Key, at: float) -> None:
        """Note that a request is about to use a model."""
        self._wanted = key[0]
        self._used[key] = at, False

    def used(self, key: Key, at: float, *, ended: bool) -> None:
        """Note that a model works, or has just ended to."""
        self._used[key] = at, ended

    def making_room(self, event: EvictingForRoom) -> None:
        """Note that every runner slot is taken."""
        self._pool, self._room_until = event, event.at + ANNOUNCED_S

    def engine_died(self, model: str) -> None:
        """Expect the eviction of an engine that ended by itself."""
        self._dead.add(_cut(model))

    def load_ended(self, model: str) -> None:
        """Forget an engine that died: another one has its model now."""
        self._dead.discard(_cut(model))

    def unloaded(self, event: Unloaded) -> None:
        """Add the eviction of a runner."""
        key = (event.digest or "", event.mode)
        used = self._used.pop(key, None)
        idle = None if used is None else max(0.0, event.at - used[0])
        exact = used is not None and used[1]
        entry = Event(
            f"unload:{event.digest}:{event.mode}:{event.at:.6f}",
            event.at,
            "unloaded",
            UnloadDetail(idle_s=idle if exact else None),
            "log",
            model=event.model,
            digest=event.digest,
            mode=event.mode,
        )
        leaving = _Leaving(entry, key, idle, exact)
        pool = self._pool
        if event.uninstalled:
            self._settle(leaving, UnloadDetail("uninstalled"))
        elif _cut(event.model) in self._dead:
            self._dead.discard(_cut(event.model))
            self._settle(leaving, UnloadDetail("died"))
        elif pool is not None and pool.at - ANNOUNCED_S <= event.at <= self._room_until:
            # The next one comes when the engine of this one has ended.
            self._room_until = event.at + FOLLOWS_S
            own_mode = bool(self._wanted) and self._wanted == leaving.key[0]
            self._settle(leaving, UnloadDetail("room", slots=pool.taken, own_mode=own_mode))
        else:
            self._leaving = [
                each for each in self._leaving if abs(event.at - each.event.at) <= FOLLOWS_S
            ]
            self._leaving.append(leaving)
            self._events.put_first(entry)

    def evicted(self, at: float) -> bool:
        """End a look at all models, and return whether it was asked for."""
        self._pool = None
        group, self._leaving = self._leaving, []
        stopped = self._stopping_at is not None and abs(at - self._stopping_at) <= FOLLOWS_S
        reasons = [self._reason(each) for each in group]
        for each, reason in zip(group, reasons, strict=True):
            if stopped or each.event.key in self._stopped:
                self._settle(each, UnloadDetail("stopped"))
            elif "asked" in reasons:
                # Only on request are models unloaded whose time is not up, and then all of them.
                self._settle(each, UnloadDetail("asked", every_idle=True))
            elif reason == "idle":
                self._settle(each, UnloadDetail("idle", each.idle_s))
            else:
                self._reloads.left(each.key[0], "unknown")
        self._evicted = group
        return "asked" in reasons and not stopped

    def nothing_to_unload(self, digest: str | None) -> bool:
        """End an unload by name, and return whether it unloaded something before."""
        return self._resolve(digest, "asked")

    def configuring(self, digest: str | None) -> None:
        """Note that a model has a new configuration."""
        if digest is not None and self._configured is not None:
            self._configured.add(digest)
        self._resolve(digest, "configure")

    def stopping(self, at: float) -> None:
        """Note that the runner ends; it may have begun to unload before it says so."""
        self._stopping_at = at
        for each in (*self._evicted, *self._leaving):
            if abs(at - each.event.at) <= ANNOUNCED_S:
                self._stopped[each.event.key] = None
                self._settle(each, UnloadDetail("stopped"))
        while len(self._stopped) > REMEMBERED:
            del self._stopped[next(iter(self._stopped))]

    def _resolve(self, digest: str | None, reason: UnloadReason) -> bool:
        mine = [each for each in self._leaving if digest and each.key[0] == digest]
        self._leaving = [each for each in self._leaving if each not in mine]
        for each in mine:
            self._settle(each, UnloadDetail(reason))
        return bool(mine)

    def _reason(self, leaving: _Leaving) -> UnloadReason:
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
        known = self._keep_alive(leaving.key[0], event.model, event.at)
        if known is not None:
            return DEFAULTS_S if known == DEFAULT_KEEP_ALIVE_S else (known,)
        never = self._configured is not None and leaving.key[0] not in self._configured
        return DEFAULTS_S if never else ()

    def _settle(self, leaving: _Leaving, detail: UnloadDetail) -> None:
        severity: Severity = "warning" if detail.reason in {"room", "died"} else "info"
        self._events.put(replace(leaving.event, detail=detail, severity=severity))
        self._reloads.left(leaving.key[0], detail.reason)


def _cut(model: str) -> str:
    # So the runner shortens names, but only in some of its lines.
    return model.removesuffix("...[truncated]")[:100]
