"""Config drift: a model that comes back with another context window, and nobody asked for it."""

from dataclasses import dataclass
from typing import Literal

from dmr_tui.monitor.history.event_list import EventList
from dmr_tui.state.event import Event

Touch = Literal["person", "ollama", "restart", "unload"]
"""What happened to a configuration; a person may be a program that configures, such as Compose."""

_CAUSES: dict[Touch, str] = {
    "ollama": "A call of the Ollama API came with options, and these replace the whole "
    "configuration, for every other caller as well. Let all of them send the same num_ctx, or none."
    " Configure it again.",
    "restart": "The runner was started anew, and it keeps configurations only in memory. "
    "Configure it again, or write the context into the model: docker model package --context-size.",
    "unload": "It was unloaded on request, and with that its configuration may be forgotten, as "
    "docker model unload --all does. Configure it again.",
}
_BY: dict[Touch | None, str] = {
    "ollama": "by a call of the Ollama API",
    "restart": "after a restart of the runner, without a configure",
    "unload": "after an unload, without a configure",
    "person": "by a configure",
    None: "without a configure",
}
_FITTED = (
    "Nothing sets its context, so llama.cpp fits it to the memory that is free at that moment. "
    "Set one with docker model configure --context-size."
)
_FORGOTTEN = (
    "Its configuration is gone, and nothing replaced it: docker model unload --all does that, as "
    "does an unload that names the backend. Configure it again."
)


@dataclass(frozen=True, slots=True)
class _Before:
    context: int
    asked: int | None


class Drift:
    """Compares each load of a model with the one before it."""

    def __init__(self, events: EventList) -> None:
        self._events = events
        self._before: dict[tuple[str, str], _Before] = {}
        self._touched: dict[tuple[str, str], Touch] = {}
        """What happened last to the configuration of each since it was loaded."""

    def restart(self) -> None:
        """The same loads are going to be told again."""
        self._before.clear()
        self._touched.clear()

    def touch(self, digest: str | None, how: Touch) -> None:
        """The configuration of one model changed, or, if none is named, that of every model."""
        for each in self._before:
            if digest is None or each[0] == digest:
                self._touched[each] = how

    def loaded(self, at: float, digest: str, mode: str, context: int, asked: int | None) -> None:
        """A load ended: each slot has `context` tokens, of which the runner `asked` for."""
        before = self._before.get((digest, mode))
        touched = self._touched.pop((digest, mode), None)
        self._before[digest, mode] = _Before(context, asked)
        if before is None or before.context == context or touched == "person":
            return
        fitted = asked is None and before.asked is None
        if touched is None or (fitted and touched != "ollama"):
            cause = _FITTED if fitted else _FORGOTTEN
        else:
            cause = _CAUSES[touched]
        self._events.put(
            Event(
                f"drift:{digest}:{mode}:{at:.6f}",
                at,
                "config drift",
                f"context changed from {before.context:,} to {context:,} {_BY[touched]}",
                "log",
                "warning",
                digest=digest,
                cause=cause,
            )
        )
