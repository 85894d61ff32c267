"""Facts that are wrong with the runner, requests, memory or hardware, ranked.

The words are in text/alerts.py.
"""

from collections.abc import Iterator

from dmr_tui.machine.probe import Machine
from dmr_tui.measure.request_numbers import ended
from dmr_tui.measure.thresholds import DEFAULTS, Thresholds
from dmr_tui.monitor.archive.writer import ARCHIVE
from dmr_tui.runner.errors.explain import explain_quote
from dmr_tui.runner.names import short
from dmr_tui.runner.request import FAILURES, Request
from dmr_tui.state.alert import (
    LEVELS,
    Alert,
    AlertLevel,
    BackendFails,
    CallerFails,
    ConfigLost,
    ContainerFull,
    DoesNotFit,
    EngineKilled,
    GpuUnused,
    NoRunner,
    OthersHold,
    OutOfMemory,
    PartlyOnGpu,
    PressureHigh,
    RunnerLost,
    SourceFails,
    Swapping,
    UnusedCause,
)
from dmr_tui.state.event import ErrorDetail, Event
from dmr_tui.state.memory import Fit, MemoryState
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Snapshot

MIB = 2**20
RECENT_S = 600.0
"""Seconds for which a request for a model, or an engine that died, is news."""
ENOUGH_READINGS = 5
ENOUGH_FAILURES = 3
OWN_REQUESTS = "dmr-tui"
"""Its failures are told where its prompts are."""
LONG_S = 4.0
"""Seconds from which on a request lasts long enough to be seen in the readings."""


def find(snapshot: Snapshot, thresholds: Thresholds = DEFAULTS) -> tuple[Alert, ...]:
    """Everything that is wrong, the worst first; of the computer only if it is the runner's.

    The runner's own troubles come before all, and a source that fails before other warnings: the
    rest is told from numbers that may be old.
    """
    found = [*_runner(snapshot), *_sources(snapshot), *_lost(snapshot), *_failing(snapshot)]
    memory, machine = snapshot.memory, snapshot.machine.machine
    endpoint = snapshot.runner.endpoint
    here = endpoint is not None and endpoint.is_this_machine
    if memory is not None and machine is not None and here:
        found += [
            *_killed(snapshot, machine),
            *_pressure(memory),
            *_gpu_unused(snapshot, machine, memory, thresholds.level("gpu_unused")),
            *_swapping(snapshot, machine, thresholds.level("swapping")),
            *_container(machine, thresholds.level("container")),
            *_too_big(snapshot, memory),
            *_others(snapshot, memory, thresholds.level("others")),
            *_partial(memory),
        ]
    return tuple(sorted(found, key=lambda alert: LEVELS.index(alert.level)))


def _runner(snapshot: Snapshot) -> Iterator[Alert]:
    """The first of the runner's own troubles."""
    runner = snapshot.runner
    broken = next((backend for backend in runner.backends if backend.state == "error"), None)
    fact: RunnerLost | NoRunner | BackendFails
    if runner.down_since is not None:
        fact = RunnerLost(runner.down_since, runner.down_reason)
    elif runner.up is False:
        fact = NoRunner()
    elif broken is not None:
        fact = BackendFails(broken)
    else:
        return
    yield Alert("runner", "critical", fact, "doctor", dismissable=False)


def _sources(snapshot: Snapshot) -> Iterator[Alert]:
    """Sources that are stale; the archive also where it has something to say."""
    for source in snapshot.sources:
        if source.health == "stale" or (source.name == ARCHIVE and source.reason):
            yield Alert(f"source:{source.name}", "warning", SourceFails(source), "doctor")


def _lost(snapshot: Snapshot) -> Iterator[Alert]:
    """Configurations that the runner forgot."""
    for lost in snapshot.lost:
        name = _named(snapshot, lost.digest, lost.digest)
        fact = ConfigLost(name, lost, snapshot.read_only)
        yield Alert(lost.alert, "warning", fact, "" if snapshot.read_only else "dashboard")


def _failing(snapshot: Snapshot) -> Iterator[Alert]:
    """Callers of a model whose requests all failed lately, up to the last."""
    since, ends = snapshot.runner_now - RECENT_S, dict[tuple[str, str], list[Request]]()
    for request in snapshot.finished:
        if ended(request) < since or request.caller == OWN_REQUESTS:
            continue
        row = ends.setdefault((request.caller, request.digest or request.model), [])
        if request.outcome in FAILURES:
            row.append(request)
        elif request.outcome != "client left":
            row.clear()
    for (caller, model), requests in ends.items():
        if len(requests) < ENOUGH_FAILURES:
            continue
        last, name = requests[-1], snapshot.caller_names.get(caller, caller)
        fact = CallerFails(name, _named(snapshot, last.digest, last.model), len(requests), last)
        yield Alert(f"failing:{caller}:{model}", "warning", fact, "requests")


def _named(snapshot: Snapshot, digest: str | None, requested: str) -> str:
    """The model's name on the screens; `requested` is what a caller wrote."""
    name = short(requested)
    for row in snapshot.models:
        if (digest and row.digest == digest) or (name and name == row.name):
            return row.name
    return name or "a model"


def _killed(snapshot: Snapshot, machine: Machine) -> Iterator[Alert]:
    since, container = snapshot.runner_now - RECENT_S, machine.container.container
    kills = max(
        machine.host.pressure.oom_kills.value or 0,
        0 if container is None else container.oom_kills.value or 0,
    )
    loaded: set[str] = set()
    for event in reversed(snapshot.events):
        if event.at < since or event.kind == "runner started":
            return
        name = _named(snapshot, event.digest, event.model)
        if event.kind == "loaded":
            loaded.add(name)
        ended = event.kind in {"engine died", "out of memory"}
        if ended and kills and _says_killed(event):
            yield Alert(
                f"killed:{event.key}", "critical", EngineKilled(name, event.at, kills), "memory"
            )
            return
        if event.kind == "out of memory" and name not in loaded:
            if any(row.loaded for row in snapshot.models if row.name == name):
                # It was loaded after all.
                continue
            fits = {} if snapshot.memory is None else snapshot.memory.fits
            fact = OutOfMemory(name, event, fits.get(event.digest or ""))
            yield Alert(f"memory:{event.key}", "critical", fact, "memory")
            return


def _says_killed(event: Event) -> bool:
    error = event.detail
    if not isinstance(error, ErrorDetail):
        return False
    return "killed" in explain_quote(error.quote, status=error.status).what


def _pressure(memory: MemoryState) -> Iterator[Alert]:
    word = memory.pressure.word
    if word in {"high", "critical"}:
        level: AlertLevel = "critical" if word == "critical" else "warning"
        yield Alert("pressure", level, PressureHigh(memory.pressure), "memory")


def _worked_long(snapshot: Snapshot) -> ModelRow | None:
    """A loaded chat model that generated for some seconds within the last readings."""
    span = snapshot.machine.span_s
    for row in snapshot.models:
        chats = [run for run in row.runs if run.mode == "completion" and run.state != "loading"]
        if not chats:
            continue
        if any(r.since is not None and snapshot.taken_at - r.since >= LONG_S for r in chats):
            return row
        since = snapshot.runner_now - span
        for request in snapshot.finished:
            ended_at = request.finished_at or 0.0
            seconds = ended_at - request.started_at - (request.load_s or 0.0)
            if request.digest == row.digest and ended_at >= since and seconds >= LONG_S:
                return row
    return None


def _gpu_unused(
    snapshot: Snapshot, machine: Machine, memory: MemoryState, unused: float
) -> Iterator[Alert]:
    row = _worked_long(snapshot)
    if row is None or not machine.gpu.gpus:
        return
    uses = [[value for value in series if value is not None] for series in snapshot.machine.gpu_use]
    # The highest reading says whether anything was computed there.
    if not all(len(use) >= ENOUGH_READINGS and max(use) < unused for use in uses):
        return
    usage = memory.usage(row.key)
    if usage is not None and usage.vram.value:
        return
    gpu, use = machine.gpu.gpus[0], max(max(use) for use in uses)
    fact = GpuUnused(row.name, gpu.name, gpu.maker, use, _why_unused(snapshot, machine))
    yield Alert("gpu unused", "warning", fact)


def _why_unused(snapshot: Snapshot, machine: Machine) -> UnusedCause:
    """The cause, as far as it is known."""
    container, engines = machine.container.container, machine.processes.engines
    if container is not None and container.gpus is False:
        return "container"
    if container is None and any(engine.name.startswith("com.docker") for engine in engines):
        return "Desktop's setting"
    llama = next((b for b in snapshot.runner.backends if b.name == "llama.cpp"), None)
    return "CPU build" if llama is not None and llama.variant == "cpu" else ""


def _swapping(snapshot: Snapshot, machine: Machine, least: float) -> Iterator[Alert]:
    busy = [row for row in snapshot.models if any(run.state == "busy" for run in row.runs)]
    into, out = machine.host.pressure.swap_in.value, machine.host.pressure.swap_out.value
    moved = (into or 0.0) + (out or 0.0)
    if busy and moved >= least * MIB:
        fact = Swapping(busy[0].name, moved, machine.host.swap_used.value)
        yield Alert("swapping", "warning", fact, "memory")


def _container(machine: Machine, full: float) -> Iterator[Alert]:
    if (container := machine.container.container) is None:
        return
    needed, limit = container.needed.value, container.limit.value
    if needed is not None and limit and 100.0 * needed >= full * limit:
        yield Alert("container", "warning", ContainerFull(needed, limit))


def _without_room(snapshot: Snapshot, memory: MemoryState) -> Iterator[tuple[ModelRow, Fit, bool]]:
    """Models that are not loaded and do not fit now, and whether one was requested lately."""
    since = snapshot.runner_now - RECENT_S
    requested = {request.digest for request in snapshot.in_flight}
    requested |= {r.digest for r in snapshot.finished if (r.finished_at or r.started_at) >= since}
    requested |= {event.digest for event in snapshot.events if event.at >= since}
    for row in snapshot.models:
        fit = memory.fits.get(row.key)
        if fit is not None and fit.lacks_memory and not row.runs:
            yield row, fit, bool(row.digest) and row.digest in requested


def _too_big(snapshot: Snapshot, memory: MemoryState) -> Iterator[Alert]:
    """Models that were requested and do not fit now; else one that never fits as it is packaged."""
    pool, hint = memory.pool.value, None
    if pool is None:
        return
    for row, fit, requested in _without_room(snapshot, memory):
        level: AlertLevel = "warning" if requested else "hint"
        fact = DoesNotFit(row.name, fit, pool, requested)
        alert = Alert(f"fit:{row.key}", level, fact, "memory")
        if requested:
            yield alert
        elif fit.verdict == "too big" and hint is None:
            hint = alert
    if hint is not None:
        yield hint


def _others(snapshot: Snapshot, memory: MemoryState, much: float) -> Iterator[Alert]:
    """Other programs whose GPU memory a model that was requested would need."""
    pool = memory.pool.value
    if pool is None or pool.kind != "VRAM":
        return
    others = [each for each in memory.usages if not each.key and each.vram.value]
    held = sum(each.vram.value or 0 for each in others)
    if not others or 100.0 * held < much * pool.total:
        return
    for row, fit, requested in _without_room(snapshot, memory):
        total = fit.need.total.value
        if requested and total is not None and total <= pool.free + held:
            fact = OthersHold(row.name, held, others[0].name, others[0].vram.value or 0)
            yield Alert("others", "warning", fact)
            return


def _partial(memory: MemoryState) -> Iterator[Alert]:
    for usage in memory.usages:
        on_gpu, _, of = usage.layers.partition(" of ")
        if usage.key and on_gpu.isdigit() and of.isdigit() and 0 < int(on_gpu) < int(of):
            fact = PartlyOnGpu(usage.name, usage.layers)
            yield Alert(f"partial:{usage.key}", "warning", fact, "memory")
