"""The frozen picture of one moment: the only thing that views read.

Two snapshots are equal if nothing changed; the moment itself does not count. Times are seconds
since 1970 by this computer's clock, so that a view can count up and down from them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NotRequired, Required, TypedDict

from msgspec import Struct

from dmr_tui.machine.probe import Machine
from dmr_tui.measure.stats import Series
from dmr_tui.runner.backend import Backend
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.logs.log_line import LogLine
from dmr_tui.runner.request import Request
from dmr_tui.state.alert import Alert
from dmr_tui.state.doctor_facts import DoctorFacts
from dmr_tui.state.event import Event
from dmr_tui.state.lost_config import LostConfig
from dmr_tui.state.memory import MemoryState
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.plan import Pull
from dmr_tui.state.requests import NO_THROUGHPUT, FinishedRequests, Throughput
from dmr_tui.state.source_state import SourceState

DEMO_RULE = "--demo"
"""The rule of an endpoint that is simulated."""


class Attempt(Struct, frozen=True):
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
    """Time of the last good answer of a runner that does not answer any more."""
    down_reason: str = ""
    models_bytes: int | None = None
    """Disk used by the models."""
    slots_used: int | None = None
    slots_total: int | None = None
    """None where the runner's machine is not this one."""


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
    """The sources of the parts of the computer."""


class RunnerFacts(TypedDict):
    """The fields of a Snapshot that are about the runner."""

    runner: Runner
    models: NotRequired[tuple[ModelRow, ...]]
    in_flight: NotRequired[tuple[Request, ...]]
    finished: NotRequired[tuple[Request, ...]]
    throughput: NotRequired[Throughput]
    lost: NotRequired[tuple[LostConfig, ...]]
    clock_offset: NotRequired[float]


class LateFacts(TypedDict, total=False):
    """The fields of a Snapshot that the late parts know."""

    pulls: Required[tuple[Pull, ...]]
    doctor: Required[DoctorFacts | None]
    events: tuple[Event, ...]
    log: tuple[LogLine, ...]
    requests: FinishedRequests | None
    caller_names: Mapping[str, str]
    memory: MemoryState | None


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
    """The newest requests, oldest first."""
    throughput: Throughput = NO_THROUGHPUT
    machine: MachineState = MachineState()
    sources: tuple[SourceState, ...] = ()
    requests: FinishedRequests | None = None
    """None while no screen shows them."""
    events: tuple[Event, ...] = ()
    """The timeline, oldest first."""
    log: tuple[LogLine, ...] = ()
    """The newest lines of the runner's log, oldest first; empty while no screen shows them."""
    memory: MemoryState | None = None
    """The users of memory and the models that fit; None until first known."""
    alerts: tuple[Alert, ...] = ()
    """The faults of runner, requests, memory and hardware, the worst first."""
    lost: tuple[LostConfig, ...] = ()
    """Configurations that the runner had and lost."""
    pulls: tuple[Pull, ...] = ()
    """The downloads of this session."""
    doctor: DoctorFacts | None = None
    """The facts that only the doctor needs; None while its screen is not shown."""
    caller_names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The user's names for callers, by the name that each has of its User-Agent."""
    clock_offset: float = 0.0
    """Seconds that the runner's clock is ahead of ours."""
    read_only: bool = False

    @property
    def runner_now(self) -> float:
        """The runner's time, by which requests and events are stamped."""
        return self.taken_at + self.clock_offset

    @property
    def demo(self) -> bool:
        """True if the runner is simulated."""
        return self.runner.endpoint is not None and self.runner.endpoint.rule == DEMO_RULE

    def source(self, name: str) -> SourceState:
        """Return the state of the source `name`; waiting if there is none of that name."""
        return next((s for s in self.sources if s.name == name), SourceState(name))
