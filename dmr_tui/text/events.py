"""Events of the timeline in words: what happened, its likely cause, the next step."""

import re
from functools import lru_cache, singledispatch
from typing import NamedTuple

from dmr_tui.runner.errors.explain import Explanation, explain_quote
from dmr_tui.state.event import (
    ClientLeftDetail,
    ConfigDetail,
    ConfigTouch,
    ConfigValues,
    DriftDetail,
    ErrorDetail,
    Event,
    LoadDetail,
    LoadSeen,
    RunnerLostDetail,
    RunnerStartDetail,
    ThrashDetail,
    UnloadDetail,
    UnloadReason,
)
from dmr_tui.text import format

_UNLOADS: dict[UnloadReason, str] = {
    "asked": "asked for",
    "configure": "to be reconfigured",
    "died": "its engine had ended",
    "uninstalled": "its backend is uninstalled",
    "stopped": "the runner was stopped",
}
_DRIFT_CAUSES: dict[ConfigTouch, str] = {
    "ollama": "A call of the Ollama API came with options, and these replace the whole "
    "configuration, for every other caller as well. Let all of them send the same num_ctx, or none."
    " Configure it again.",
    "restart": "The runner was started anew, and it keeps configurations only in memory. "
    "Configure it again, or write the context into the model: docker model package --context-size.",
    "unload": "It was unloaded on request, and with that its configuration may be forgotten, as "
    "docker model unload --all does. Configure it again.",
}
_FITTED = (
    "Nothing sets its context, so llama.cpp fits it to the memory that is free at that moment. "
    "Set one with docker model configure --context-size."
)
_FORGOTTEN = (
    "Its configuration is gone, and nothing replaced it: docker model unload --all does that, as "
    "does an unload that names the backend. Configure it again."
)
_DRIFTED: dict[ConfigTouch | None, str] = {
    "ollama": "by a call of the Ollama API",
    "restart": "after a restart of the runner, without a configure",
    "unload": "after an unload, without a configure",
    "user": "by a configure",
    None: "without a configure",
}
_THRASH_CAUSES = {
    "idle": "It is unloaded between calls: a longer keep-alive keeps it, with "
    "docker model configure --keep-alive 1h.",
    "room": "More models, or modes of one, take turns than there are runner slots: one for each "
    "CPU, at most 8. When all are taken, every idle model is unloaded.",
    "asked": "Something unloads it each time: look for the caller that does.",
    "configure": "Callers configure it in turn, each for itself: options of Ollama calls, such as "
    "num_ctx and keep_alive, replace the whole configuration and load it anew.",
    "died": "Its engine ends again and again: the log says why.",
    "failed": "Its load fails, and each call tries again.",
    "several": "It left for more than one reason: the unloads before say which.",
}
_PLAIN = {
    ("load started", "ps"): "seen loading",
    ("load failed", "ps"): "it was loading and is gone; why, only the log of the runner says",
    ("load failed", "log"): "the runner was started anew meanwhile",
    ("runner back", "poll"): "it answers again",
}
"""Words of events without a detail, by kind and source."""
_ZERO_PARTS = re.compile(r"(?<=[hm])0[ms]")


class EventText(NamedTuple):
    """An event in words; raw, as names and quotes come from outside."""

    text: str
    """An event in words, without the model's name."""
    cause: str = ""
    """Likely cause and next step; empty if they are not known."""


def event_text(event: Event) -> str:
    """Say what happened, without the model's name."""
    text = words(event.detail, event).text
    return text if event.mode in {"", "completion"} else f"{event.mode}: {text}"


def event_cause(event: Event) -> str:
    """Say the likely cause and the next step; empty if they are not known."""
    return words(event.detail, event).cause


@singledispatch
def words(detail: object, event: Event) -> EventText:
    """Put the detail of an event into words."""
    return EventText(_PLAIN.get((event.kind, event.source), ""))


@words.register
def _load(detail: LoadDetail, event: Event) -> EventText:
    on = f"on {detail.backend}" if detail.backend else ""
    if event.kind == "load started":
        if detail.requested is None:
            return EventText(on)
        largest = detail.requested <= 0
        context = "the largest context" if largest else f"context {detail.requested:,}"
        return EventText(", ".join(filter(None, (on, f"{context} asked for"))))
    if not detail.end_logged:
        return EventText(f"on {detail.backend}; when it was ready, the log does not tell")
    if detail.context is None:
        return EventText(f"on {detail.backend}")
    where = "1 slot" if detail.slots == 1 else f"each of {detail.slots} slots"
    return EventText(f"context {detail.context:,} in {where}")


@words.register
def _seen(detail: LoadSeen, event: Event) -> EventText:
    return EventText("as seen from outside" if detail.start_seen else "between two looks")


@words.register
def _unload(detail: UnloadDetail, event: Event) -> EventText:
    match detail:
        case UnloadDetail("idle", idle):
            if idle is None or idle < 1.0:
                return EventText("right after its use, as its keep-alive is 0")
            return EventText(f"idle for {format.age(idle)}")
        case UnloadDetail("room", slots=slots):
            whom = "itself in another mode" if detail.own_mode else "another model"
            return EventText(
                f"to make room for {whom}",
                f"{'All' if slots is None else f'All {slots}'} runner slots were taken, and then "
                "every idle model is unloaded. There is one for each CPU, at most 8.",
            )
        case UnloadDetail("asked", every_idle=True):
            return EventText("asked for: every idle model was unloaded")
        case UnloadDetail("unknown", float(idle)):
            return EventText(f"cause unknown, {format.age(idle)} after its last use")
    return EventText(_UNLOADS.get(detail.reason, "cause unknown"))


@words.register
def _config(detail: ConfigDetail, event: Event) -> EventText:
    own = "by a call of the Ollama API" if detail.by_ollama else ""
    changes = _changes(detail.before, detail.after)
    return EventText(", ".join(filter(None, (changes, own))) or "with another configuration")


def _changes(before: ConfigValues | None, after: ConfigValues | None) -> str:
    if before is None and after is None:
        return ""
    old, new = before or ConfigValues(), after or ConfigValues()
    parts = []
    if old.context != new.context:
        parts.append(f"context {_window(old.context)} → {_window(new.context)}")
    if old.keep_alive != new.keep_alive:
        parts.append(f"keep-alive {_kept(old.keep_alive)} → {_kept(new.keep_alive)}")
    if old.flags != new.flags:
        parts.append(f"flags {' '.join(old.flags) or 'none'} → {' '.join(new.flags) or 'none'}")
    if after is None:
        parts.insert(0, "configuration removed")
    return ", ".join(parts) or "configured with defaults"


def _window(tokens: int | None) -> str:
    if tokens is None:
        return "default"
    return format.window(tokens) if tokens > 0 else "largest"


def _kept(text: str | None) -> str:
    if not text:
        return "default"
    return "for ever" if text.startswith("-") else _ZERO_PARTS.sub("", text)


@words.register
def _drift(detail: DriftDetail, event: Event) -> EventText:
    change = f"context changed from {detail.before:,} to {detail.after:,}"
    if detail.touch is None or (detail.fitted and detail.touch != "ollama"):
        cause = _FITTED if detail.fitted else _FORGOTTEN
    else:
        cause = _DRIFT_CAUSES.get(detail.touch, "")
    return EventText(f"{change} {_DRIFTED[detail.touch]}", cause)


@words.register
def _thrash(detail: ThrashDetail, event: Event) -> EventText:
    text = f"load started {_times(detail.loads, detail.span_s)}"
    if detail.callers:
        text += f", called by {', '.join(detail.callers)}"
    return EventText(text, _THRASH_CAUSES.get(detail.reason, ""))


@words.register
def _error(detail: ErrorDetail, event: Event) -> EventText:
    # The model has a column of its own; a command needs its name.
    text = _explained(detail.quote, "", detail.status).what
    if detail.survived:
        text += "; the load went on without"
    if detail.times > 1:
        text += f", {_times(detail.times, detail.span_s)}"
    named = _explained(detail.quote, detail.name or event.model, detail.status)
    return EventText(
        text or ("the engine ended" if event.kind == "engine died" else ""),
        f"{named.cause} {named.step}".strip(),
    )


@lru_cache(maxsize=2048)
def _explained(quote: str, model: str, status: int | None) -> Explanation:
    """Look the error up once, not at each repaint: the table has many patterns."""
    return explain_quote(quote, model, status)


def _times(count: int, seconds: float) -> str:
    return f"{count} times within {format.age(seconds)}"


@words.register
def _left(detail: ClientLeftDetail, event: Event) -> EventText:
    text = f"{detail.caller} hung up"
    if detail.limit_s is not None:
        text += f" after {detail.limit_s:.0f} s, its time limit"
    elif event.seconds is not None:
        text += f" after {format.seconds(event.seconds)}"
    return EventText(text)


@words.register
def _runner_start(detail: RunnerStartDetail, event: Event) -> EventText:
    text = "the log begins here" if detail.log_begins else "configurations are forgotten"
    if detail.loaded:
        text = f"{detail.loaded} loaded model{'s' if detail.loaded > 1 else ''} and all {text}"
    return EventText(text)


@words.register
def _runner_lost(detail: RunnerLostDetail, event: Event) -> EventText:
    return EventText(detail.reason)
