"""The frozen picture of one moment: the only thing that views read.

Two snapshots are equal if nothing changed; the moment itself does not count. Times are seconds
since 1970 by this computer's clock, so that a view can count up and down from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from dmr_tui.machine.probe import Machine
from dmr_tui.measure.stats import Summary
from dmr_tui.monitor.calls import CallGroup, View
from dmr_tui.runner.backend import Backend
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.requests import Request
from dmr_tui.runner.wire import Model

if TYPE_CHECKING:
    from dmr_tui.monitor.alerts import Alert
    from dmr_tui.monitor.configured import LostConfig
    from dmr_tui.monitor.doctor.check import Check
    from dmr_tui.monitor.events import Event
    from dmr_tui.monitor.memory import MemoryState
    from dmr_tui.monitor.pulls import Pull
    from dmr_tui.runner.loglines import LogLine

SourceHealth = Literal["waiting", "ok", "stale", "absent"]
"""`absent` is a call that this version of the runner does not have."""

DEMO_RULE = "--demo"
"""The rule of an endpoint that is simulated."""

Series = tuple[float | None, ...]
"""Equally spaced values, the newest last; None is a gap."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """How one source of data is."""

    name: str
    health: SourceHealth = "waiting"
    reason: str = ""
    good_at: float | None = None
    """When a stale source last answered."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One address that was tried, and what came back."""

    endpoint: Endpoint
    answer: str
    """Empty while nothing came back yet."""
    ok: bool = False
    error: str = ""
    """Kind of the failure: the name of its class in runner.errors."""


@dataclass(frozen=True, slots=True)
class Runner:
    """Docker Model Runner itself."""

    up: bool | None = None
    """None until the first attempt has ended."""
    endpoint: Endpoint | None = None
    version: str | None = None
    banner: str | None = None
    backends: tuple[Backend, ...] = ()
    latency_ms: float | None = None
    """Milliseconds that the last poll took, in steps that the eye can tell apart."""
    down_since: float | None = None
    down_reason: str = ""
    models_bytes: int | None = None
    """Disk used by the models."""
    slots_used: int | None = None
    slots_total: int | None = None
    """None where the runner's machine is not this one."""


@dataclass(frozen=True, slots=True)
class Run:
    """One backend runner: a model loaded in one mode."""

    backend: str
    mode: str
    state: Literal["loading", "busy", "idle"]
    since: float | None = None
    """When it began to load or to be busy, as far as we saw it."""
    unloads_at: float | None = None
    """None while busy, and if it never unloads."""
    never_unloads: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """The context windows of a model, in tokens; each from another source."""

    trained: int | None = None
    """What the GGUF metadata says."""
    packaged: int | None = None
    """What the package asks for."""
    configured: int | None = None
    """What `docker model configure` or Compose set."""
    effective: int | None = None
    """What the engine really gave each slot."""
    effective_source: str = ""
    slots: int | None = None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model, installed or loaded or both."""

    key: str
    """The digest; for a loaded model that joins no installed one, the name it was called by."""
    name: str
    """Its first name, as short as it is not ambiguous: a further name does not rename it."""
    ref: str
    """What to write into a call to mean this model."""
    digest: str | None
    model: Model | None = field(repr=False, default=None)
    """The runner's whole entry; None if the model is not installed."""
    parameters: int | None = None
    quantization: str | None = None
    size_bytes: int | None = None
    size_text: str | None = None
    """The size as the runner prints it."""
    architecture: str | None = None
    embedding: bool = False
    """Whether it makes embeddings and cannot chat."""
    context: Context = Context()
    runs: tuple[Run, ...] = ()

    @property
    def loaded(self) -> bool:
        """Whether an engine has it."""
        return any(run.state != "loading" for run in self.runs)

    @property
    def tags(self) -> Sequence[str]:
        """All names of an installed model, the oldest first, as the runner keeps them."""
        return (self.model.tags or ()) if self.model else ()


@dataclass(frozen=True, slots=True)
class Throughput:
    """What everyone's finished calls say about speed, over the last `window_s` seconds."""

    window_s: float
    decode: Summary | None = None
    """Tokens per second, by the engines' own timings."""
    prefill: Summary | None = None
    last_decode: float | None = None
    last_prefill: float | None = None
    series_end: int = 0
    """Running number of the newest value in the two series."""
    decode_series: Series = ()
    prefill_series: Series = ()
    finished: int = 0
    failed: int = 0
    client_left: int = 0
    untimed: int = 0
    """Finished calls whose answer holds no timings."""


@dataclass(frozen=True, slots=True)
class MachineState:
    """The computer, with a short history of each percentage."""

    machine: Machine | None = None
    span_s: float = 60.0
    """Seconds that a full series covers."""
    cpu: Series = ()
    ram: Series = ()
    gpu_use: tuple[Series, ...] = ()
    """One series for each GPU."""
    gpu_memory: tuple[Series, ...] = ()
    sources: tuple[SourceState, ...] = ()
    """How each part of the computer is read."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The finished calls that the open screen asked for."""

    view: View
    """What was asked; a screen that has asked for something else meanwhile waits."""
    rows: tuple[Request, ...] = ()
    """The newest first, no more than `SHOWN_CALLS`; of a call's tries only the last."""
    matching: int | None = None
    """How many there are in all; None as long as the archive has not said."""
    reading: bool = False
    """The archive is being read: older calls are still to come."""
    by_caller: tuple[CallGroup, ...] = ()
    by_model: tuple[CallGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is known at one moment."""

    taken_at: float = field(default=0.0, compare=False)
    interval_s: float = 1.0
    runner: Runner = Runner()
    attempts: tuple[Attempt, ...] = ()
    models: tuple[ModelRow, ...] = ()
    in_flight: tuple[Request, ...] = ()
    finished: tuple[Request, ...] = ()
    """The newest calls, oldest first."""
    throughput: Throughput = Throughput(300.0)
    machine: MachineState = MachineState()
    sources: tuple[SourceState, ...] = ()
    calls: Calls | None = None
    """None while no screen shows them."""
    events: "tuple[Event, ...]" = ()
    """The timeline, oldest first."""
    log: "tuple[LogLine, ...]" = ()
    """The newest lines of the runner's log, oldest first; empty while no screen shows them."""
    memory: "MemoryState | None" = None
    """Who holds memory and what fits; None until it was joined for the first time."""
    alerts: "tuple[Alert, ...]" = ()
    """What is wrong with calls, memory or hardware, the worst first."""
    lost: "tuple[LostConfig, ...]" = ()
    """Configurations that the runner had and has no more."""
    pulls: "tuple[Pull, ...]" = ()
    """The downloads of this session."""
    checks: "tuple[Check, ...]" = ()
    """What the doctor found; empty while nobody reads it."""
    caller_names: Mapping[str, str] = field(default_factory=dict)
    """What a person calls a caller, by the name of its User-Agent."""
    clock_offset: float = 0.0
    """Seconds that the runner's clock is ahead of ours."""

    read_only: bool = False

    @property
    def runner_now(self) -> float:
        """The runner's time, by which calls and events are stamped."""
        return self.taken_at + self.clock_offset

    @property
    def demo(self) -> bool:
        """Whether the runner is a simulated one."""
        return self.runner.endpoint is not None and self.runner.endpoint.rule == DEMO_RULE

    def source(self, name: str) -> SourceState:
        """The state of the source `name`; waiting if there is none of that name."""
        return next((s for s in self.sources if s.name == name), SourceState(name))
