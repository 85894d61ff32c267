"""New configurations: the log says when and for which model, `_configure` says what changed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.monitor.history.event_text import in_mode
from dmr_tui.runner import wire
from dmr_tui.runner.logs.log_event import Configuring
from dmr_tui.state.event import Event
from dmr_tui.text import format

SEEN_AFTER_S = 15.0
"""Most that passes between a line of the log and the answer that shows what it was."""
EARLY_S = 1.0
SAME_CALL_S = 60.0
"""Most that passes between the options of an Ollama call and the configuration made of them."""
REMEMBERED = 200

_ZERO_PARTS = re.compile(r"(?<=[hm])0[ms]")


@dataclass(frozen=True, slots=True)
class _Seen:
    key: str
    at: float
    text: str


class ConfigChanges:
    """Joins the two sources: one event for each configuration."""

    def __init__(self, events: EventList) -> None:
        self._events = events
        self._logged: dict[str, list[Event]] = {}
        """By digest, the last ones that the log told."""
        self._seen: dict[str, list[_Seen]] = {}
        """By digest, what was seen and not yet found in the log."""
        self._details: dict[str, str] = {}
        self._ollama_at: float | None = None

    def restart(self) -> None:
        """The same lines are going to be told again."""
        self._logged.clear()
        self._ollama_at = None

    def ollama(self, at: float) -> None:
        """A call of the Ollama API came with options."""
        self._ollama_at = at

    def kept(self) -> None:
        """Nothing came of it."""
        self._ollama_at = None

    def logged(self, event: Configuring) -> bool:
        """The log tells of a configuration; gives whether an Ollama call made it."""
        ollama = self._ollama_at is not None and abs(event.at - self._ollama_at) <= SAME_CALL_S
        self._ollama_at = None
        who = event.digest or event.model
        key = f"configure:{who}:{event.at:.6f}"
        by = "by a call of the Ollama API" if ollama else ""
        entry = Event(
            key,
            event.at,
            "reconfigured",
            by or "with another configuration",
            "log",
            model=event.model,
            digest=event.digest,
        )
        self._logged[who] = [*self._logged.get(who, ())[-9:], entry]
        for seen in self._seen.get(who, ()):
            if self._is_of(seen.at, event.at):
                self._events.withdraw(seen.key)
                self._seen[who].remove(seen)
                self._detail(entry, seen.text)
                break
        known = self._details.get(key)
        self._events.put(entry if known is None else _detailed(entry, known))
        return ollama

    def loaded(self, digest: str, before: int | None, now: int | None) -> None:
        """It was loaded again: the arguments tell what the configuration did to the context."""
        entries = self._logged.get(digest)
        if entries and entries[-1].key not in self._details and before != now:
            self._detail(entries[-1], f"context {_window(before)} → {_window(now)}")

    def seen(
        self, before: Iterable[wire.Configured], now: Iterable[wire.Configured], at: float
    ) -> None:
        """`_configure` gives another answer than the last time."""
        old = {(c.backend, c.model_id, c.mode): c for c in before}
        new = {(c.backend, c.model_id, c.mode): c for c in now}
        for key in sorted(old.keys() | new.keys()):
            text = changed(old.get(key), new.get(key))
            if text:
                self._tell(new.get(key) or old[key], text, at, removed=key not in new)

    def _tell(self, configured: wire.Configured, text: str, at: float, *, removed: bool) -> None:
        digest, mode = configured.model_id, configured.mode
        text = in_mode(text, mode)
        logged = [] if removed else self._logged.get(digest, [])
        for entry in reversed(logged):
            if self._is_of(at, entry.at):
                self._detail(entry, text)
                return
        key = f"config:{digest}:{mode}:{at:.6f}"
        self._events.put(
            Event(
                key,
                at,
                "reconfigured",
                text,
                "config",
                model=configured.model,
                digest=digest,
            )
        )
        if not removed:
            self._seen[digest] = [*self._seen.get(digest, ())[-9:], _Seen(key, at, text)]

    def _is_of(self, seen_at: float, logged_at: float) -> bool:
        return -EARLY_S <= seen_at - logged_at <= SEEN_AFTER_S

    def _detail(self, entry: Event, text: str) -> None:
        self._details[entry.key] = text
        if len(self._details) > REMEMBERED:
            del self._details[next(iter(self._details))]
        self._events.put(_detailed(entry, text))


def changed(before: wire.Configured | None, now: wire.Configured | None) -> str:
    """What is different, in words; empty if nothing is that can be seen."""
    old = wire.RunnerConfig() if before is None else before.config
    new = wire.RunnerConfig() if now is None else now.config
    parts = []
    if old.context_size != new.context_size:
        parts.append(f"context {_window(old.context_size)} → {_window(new.context_size)}")
    if old.keep_alive != new.keep_alive:
        parts.append(f"keep-alive {_kept(old.keep_alive)} → {_kept(new.keep_alive)}")
    if (old.runtime_flags or []) != (new.runtime_flags or []):
        parts.append(f"flags {_flags(old)} → {_flags(new)}")
    if now is None:
        return ", ".join(["configuration removed", *parts])
    if before is None and not parts:
        return "configured with defaults"
    return ", ".join(parts)


def _detailed(entry: Event, text: str) -> Event:
    own = entry.text if entry.text.startswith("by ") else ""
    return replace(entry, text=f"{text}, {own}" if own else text)


def _window(tokens: int | None) -> str:
    if tokens is None:
        return "default"
    return format.window(tokens) if tokens > 0 else "largest"


def _kept(text: str | None) -> str:
    if not text:
        return "default"
    return "for ever" if text.startswith("-") else _ZERO_PARTS.sub("", text)


def _flags(config: wire.RunnerConfig) -> str:
    return " ".join(config.runtime_flags or ()) or "none"
