"""Builds the Snapshot from what was read; learns nothing and changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from dmr_tui.runner.logs.log_line import LogLine
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import Configured
from dmr_tui.state.engine_facts import NOTHING_LOGGED, LoggedEngines
from dmr_tui.state.event import Event
from dmr_tui.state.lost_config import LostConfig
from dmr_tui.state.memory import MemoryState
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.plan import Pull
from dmr_tui.state.requests import NO_THROUGHPUT, FinishedRequests, Throughput
from dmr_tui.state.snapshot import Attempt, MachineState, Runner, Snapshot
from dmr_tui.state.source_state import SourceState

LOG_WAITING = SourceState("log")
"""The state of the log before it is read for the first time."""


@dataclass(frozen=True, slots=True)
class RunnerReading:
    """A runner as it was read for one Snapshot; while none answers, only `runner` is known."""

    runner: Runner
    models: tuple[ModelRow, ...] = ()
    in_flight: tuple[Request, ...] = ()
    finished: tuple[Request, ...] = ()
    throughput: Throughput = NO_THROUGHPUT
    configured: Sequence[Configured] = ()
    engines: LoggedEngines = NOTHING_LOGGED
    lost: tuple[LostConfig, ...] = ()
    sources: tuple[SourceState, ...] = ()
    now: float = 0.0
    """Seconds since 1970, by the runner's clock."""
    clock_offset: float = 0.0
    """Seconds that the runner's clock is ahead of ours."""
    clock_known: bool = False
    """The runner has said its time."""


@dataclass(frozen=True, slots=True)
class LaterReading:
    """The parts that begin after the first paint, as they were read for one Snapshot."""

    events: tuple[Event, ...] = ()
    log: tuple[LogLine, ...] = ()
    requests: FinishedRequests | None = None
    caller_names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    memory: MemoryState | None = None
    pulls: tuple[Pull, ...] = ()
    sources: tuple[SourceState, ...] = ()


def build_snapshot(
    taken_at: float,
    interval_s: float,
    attempts: tuple[Attempt, ...],
    reading: RunnerReading,
    machine: MachineState,
    later: LaterReading,
    *,
    read_only: bool,
) -> Snapshot:
    """Return everything that is known at one moment, not yet judged."""
    return Snapshot(
        taken_at=taken_at,
        interval_s=interval_s,
        runner=reading.runner,
        attempts=attempts,
        models=reading.models,
        in_flight=reading.in_flight,
        finished=reading.finished,
        throughput=reading.throughput,
        machine=machine,
        sources=(*reading.sources, *later.sources, *machine.sources),
        requests=later.requests,
        events=later.events,
        log=later.log,
        memory=later.memory,
        lost=reading.lost,
        pulls=later.pulls,
        caller_names=later.caller_names,
        clock_offset=reading.clock_offset,
        read_only=read_only,
    )
