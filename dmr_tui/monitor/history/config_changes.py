"""Changes of configurations: the log has time and model, `_configure` has old and new values."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from msgspec import structs

from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.runner import wire
from dmr_tui.runner.logs.log_event import Configuring
from dmr_tui.state.event import ConfigDetail, ConfigTouch, ConfigValues, DriftDetail, Event

SEEN_AFTER_S = 15.0
"""Most that passes between a line of the log and the answer that shows what it was."""
EARLY_S = 1.0
"""Seconds by which that answer may seem to be before the line: our clock is not the runner's."""
SAME_REQUEST_S = 60.0
"""Most that passes between the options of an Ollama request and the configuration of them."""
REMEMBERED = 200


@dataclass(frozen=True, slots=True)
class _Change:
    detail: ConfigDetail
    mode: str = ""


@dataclass(frozen=True, slots=True)
class _Seen:
    key: str
    at: float
    change: _Change


class ConfigChanges:
    """Joins the two sources: one event for each configuration."""

    def __init__(self, events: EventList) -> None:
        self._events = events
        self._logged: dict[str, list[Event]] = {}
        """By digest, the last ones of the log."""
        self._seen: dict[str, list[_Seen]] = {}
        """By digest, what was seen and not yet found in the log."""
        self._changes: dict[str, _Change] = {}
        """By the key of the log's event, what was seen of it."""
        self._ollama_at: float | None = None

    def restart(self) -> None:
        """Expect the same lines again."""
        self._logged.clear()
        self._ollama_at = None

    def ollama(self, at: float) -> None:
        """Note that a request of the Ollama API came with options."""
        self._ollama_at = at

    def kept(self) -> None:
        """Forget the options of an Ollama request, which changed nothing."""
        self._ollama_at = None

    def logged(self, event: Configuring) -> bool:
        """Add a configuration of the log, and return whether an Ollama request made it."""
        ollama = self._ollama_at is not None and abs(event.at - self._ollama_at) <= SAME_REQUEST_S
        self._ollama_at = None
        model = event.digest or event.model
        key = f"configure:{model}:{event.at:.6f}"
        entry = Event(
            key,
            event.at,
            "reconfigured",
            ConfigDetail(by_ollama=ollama),
            "log",
            model=event.model,
            digest=event.digest,
        )
        self._logged[model] = [*self._logged.get(model, ())[-9:], entry]
        for seen in self._seen.get(model, ()):
            if self._is_of(seen.at, event.at):
                self._events.withdraw(seen.key)
                self._seen[model].remove(seen)
                self._put_with(entry, seen.change)
                break
        known = self._changes.get(key)
        self._events.put(entry if known is None else _with(entry, known))
        return ollama

    def loaded(self, digest: str, before: int | None, now: int | None) -> None:
        """Learn from the arguments of the next load what a configuration did to the context."""
        entries = self._logged.get(digest)
        if entries and entries[-1].key not in self._changes and before != now:
            detail = ConfigDetail(ConfigValues(before), ConfigValues(now))
            self._put_with(entries[-1], _Change(detail))

    def seen(
        self, before: Iterable[wire.Configured], now: Iterable[wire.Configured], at: float
    ) -> None:
        """Compare two answers of `_configure`."""
        old = {(c.backend, c.model_id, c.mode): c for c in before}
        new = {(c.backend, c.model_id, c.mode): c for c in now}
        for key in sorted(old.keys() | new.keys()):
            detail = ConfigDetail(_values(old.get(key)), _values(new.get(key)))
            if detail.before != detail.after:
                self._take(new.get(key) or old[key], detail, at)

    def _take(self, configured: wire.Configured, detail: ConfigDetail, at: float) -> None:
        digest, mode = configured.model_id, configured.mode
        removed, change = detail.after is None, _Change(detail, mode)
        logged = [] if removed else self._logged.get(digest, [])
        for entry in reversed(logged):
            if self._is_of(at, entry.at):
                self._put_with(entry, change)
                return
        key = f"config:{digest}:{mode}:{at:.6f}"
        self._events.put(
            Event(
                key,
                at,
                "reconfigured",
                detail,
                "config",
                model=configured.model,
                digest=digest,
                mode=mode,
            )
        )
        if not removed:
            self._seen[digest] = [*self._seen.get(digest, ())[-9:], _Seen(key, at, change)]

    def _is_of(self, seen_at: float, logged_at: float) -> bool:
        return -EARLY_S <= seen_at - logged_at <= SEEN_AFTER_S

    def _put_with(self, entry: Event, change: _Change) -> None:
        self._changes[entry.key] = change
        if len(self._changes) > REMEMBERED:
            del self._changes[next(iter(self._changes))]
        self._events.put(_with(entry, change))


def _with(entry: Event, change: _Change) -> Event:
    ollama = isinstance(entry.detail, ConfigDetail) and entry.detail.by_ollama
    return replace(entry, detail=structs.replace(change.detail, by_ollama=ollama), mode=change.mode)


def _values(configured: wire.Configured | None) -> ConfigValues | None:
    if configured is None:
        return None
    config = configured.config
    return ConfigValues(config.context_size, config.keep_alive, tuple(config.runtime_flags or ()))


@dataclass(frozen=True, slots=True)
class _Before:
    context: int
    asked: int | None


class Drift:
    """Compares each load of a model with the one before it."""

    def __init__(self, events: EventList) -> None:
        self._events = events
        self._before: dict[tuple[str, str], _Before] = {}
        self._touched: dict[tuple[str, str], ConfigTouch] = {}
        """The last change to the configuration of each since it was loaded."""

    def restart(self) -> None:
        """Expect the same loads again."""
        self._before.clear()
        self._touched.clear()

    def touch(self, digest: str | None, how: ConfigTouch) -> None:
        """Note that the configuration of one model changed, or without a name that of each."""
        for each in self._before:
            if digest is None or each[0] == digest:
                self._touched[each] = how

    def loaded(self, at: float, digest: str, mode: str, context: int, asked: int | None) -> None:
        """Compare a load that ended: `context` tokens in each slot, for `asked` by the runner."""
        before = self._before.get((digest, mode))
        touched = self._touched.pop((digest, mode), None)
        self._before[digest, mode] = _Before(context, asked)
        if before is None or before.context == context or touched == "user":
            return
        fitted = asked is None and before.asked is None
        detail = DriftDetail(before.context, context, touched, fitted)
        key = f"drift:{digest}:{mode}:{at:.6f}"
        self._events.put(Event(key, at, "config drift", detail, "log", "warning", digest=digest))
