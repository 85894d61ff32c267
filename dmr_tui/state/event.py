"""Events of the timeline: what happened to the runner and its models, as facts.

The words are in text/events.py.
"""

from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from dmr_tui.runner.errors.row import Kind as ErrorKind

EventKind = Literal[
    "load started",
    "loaded",
    "load failed",
    "unloaded",
    "reconfigured",
    "config drift",
    "reload thrash",
    "out of memory",
    "engine died",
    "client left",
    "request failed",
    "error",
    "runner started",
    "runner lost",
    "runner back",
]
Severity = Literal["info", "good", "warning", "error"]
EventSource = Literal["log", "ps", "feed", "config", "poll"]
UnloadReason = Literal[
    "idle", "room", "asked", "configure", "died", "uninstalled", "stopped", "failed", "unknown"
]
"""The reason why a model is not loaded any more; `failed` is a load that came to nothing."""
ConfigTouch = Literal["user", "ollama", "restart", "unload"]
"""The origin of a change to a configuration; the user may be a program such as Compose."""


class LoadDetail(Struct, frozen=True):
    """A load as the log reports it."""

    backend: str = ""
    requested: int | None = None
    """Context that the runner asked for, in tokens; 0 or less is the largest."""
    context: int | None = None
    """Context of each slot, in tokens, once the engine has said it."""
    slots: int = 0
    end_logged: bool = True
    """False if the model was unloaded later, without a line that says when it was ready."""


class LoadSeen(Struct, frozen=True):
    """A load that `GET /engines/ps` shows to have ended."""

    start_seen: bool
    """False if start and end lie between two answers."""


class UnloadDetail(Struct, frozen=True):
    """The reason of an unload, as far as it is known."""

    reason: UnloadReason = "unknown"
    idle_s: float | None = None
    """Seconds since the end of the last use; None if that is not known."""
    every_idle: bool = False
    """True if every idle model was to be unloaded, not this one by name."""
    slots: int | None = None
    """Number of runner slots that were all taken, where room was made."""
    own_mode: bool = False
    """True if room was made for another mode of the same model."""


class ConfigValues(Struct, frozen=True):
    """The settings of a configuration that are shown, as the runner writes them."""

    context: int | None = None
    """Tokens; None is the default, 0 or less the largest."""
    keep_alive: str | None = None
    flags: tuple[str, ...] = ()


class ConfigDetail(Struct, frozen=True):
    """A configuration before and after it changed; both None while only the log has it."""

    before: ConfigValues | None = None
    after: ConfigValues | None = None
    """None if it was removed."""
    by_ollama: bool = False
    """True if the options of an Ollama request made it."""


class DriftDetail(Struct, frozen=True):
    """A context that differs from the one of the load before."""

    before: int
    """Tokens."""
    after: int
    """Tokens."""
    touch: ConfigTouch | None
    """The last change to the configuration in between; None if none is known."""
    fitted: bool
    """True if no load asked for a context: llama.cpp fits it to the free memory."""


class ThrashDetail(Struct, frozen=True):
    """Loads of one model in a short time."""

    loads: int
    span_s: float
    """Seconds from the first start to the last."""
    callers: tuple[str, ...]
    reason: UnloadReason | Literal["several"]
    """The most frequent reason of the unloads before."""


class ErrorDetail(Struct, frozen=True):
    """An error in the words of the runner or of an engine."""

    quote: str
    kind: ErrorKind = "failed"
    status: int | None = None
    """HTTP status of the answer; None for a line of the log."""
    name: str = ""
    """Name of the model for a command, where `Event.model` does not have it."""
    times: int = 1
    span_s: float = 0.0
    """Seconds from the first time to the last."""
    survived: bool = False
    """True if the load went on in spite of it."""


class ClientLeftDetail(Struct, frozen=True):
    """A caller that hung up."""

    caller: str
    limit_s: float | None
    """Its time limit, if that explains it."""


class RunnerStartDetail(Struct, frozen=True):
    """A start of the runner, which forgets loads and configurations."""

    loaded: int
    """Number of models that were loaded before."""
    log_begins: bool
    """True for the first event of the log."""


class RunnerLostDetail(Struct, frozen=True):
    """A runner that does not answer any more."""

    reason: str
    """The error of the last request, quoted."""


Detail = (
    LoadDetail
    | LoadSeen
    | UnloadDetail
    | ConfigDetail
    | DriftDetail
    | ThrashDetail
    | ErrorDetail
    | ClientLeftDetail
    | RunnerStartDetail
    | RunnerLostDetail
    | None
)
"""None if kind and source say it all."""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry; equal keys mean that the same thing was reported twice."""

    key: str
    at: float
    """Seconds since 1970, by the runner's clock."""
    kind: EventKind
    detail: Detail
    source: EventSource
    severity: Severity = "info"
    model: str = ""
    """Name as the source wrote it; empty if it is not about one model."""
    digest: str | None = None
    seconds: float | None = None
    """Duration, of an event that has one."""
    request: str | None = None
    """Id of the request that it is about."""
    mode: str = ""
    """Mode of the engine or configuration, such as "completion"; empty if it has none."""
