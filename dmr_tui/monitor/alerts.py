"""What is wrong with calls, memory or hardware: a sentence with its numbers, and the next step."""

from collections.abc import Iterator, Mapping, Sequence

from dmr_tui.measure import thresholds
from dmr_tui.measure.request_numbers import ended
from dmr_tui.monitor.memory.fit_advice import load_advice
from dmr_tui.runner.errors.explain import explain_quote, explain_text
from dmr_tui.runner.names import short
from dmr_tui.runner.request import FAILURES, Request
from dmr_tui.state.alert import LEVELS, Alert, AlertLevel
from dmr_tui.state.event import ErrorDetail, Event
from dmr_tui.state.memory import Fit, MemoryState
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.events import event_text

MIB = 2**20
RECENT_S = 600.0
"""Seconds for which a model that was called, or an engine that died, is news."""
ENOUGH_READINGS = 5
ENOUGH_FAILURES = 3
OWN_REQUESTS = "dmr-tui"
"""Its failures are told where its prompts are."""
LONG_S = 4.0
"""Seconds from which on a call lasts long enough to be seen in the readings."""


def find(snapshot: Snapshot) -> tuple[Alert, ...]:
    """Everything that is wrong, the worst first; of the computer only if it is the runner's."""
    memory, machine = snapshot.memory, snapshot.machine.machine
    endpoint = snapshot.runner.endpoint
    anywhere = (*_lost(snapshot), *_failing(snapshot))
    if memory is None or machine is None or endpoint is None or not endpoint.is_this_machine:
        return anywhere
    found = [
        *anywhere,
        *_killed(snapshot),
        *_pressure(memory),
        *_gpu_unused(snapshot, memory),
        *_swapping(snapshot, memory),
        *_container(snapshot),
        *_too_big(snapshot, memory),
        *_others(snapshot, memory),
        *_partial(memory),
    ]
    return tuple(sorted(found, key=lambda alert: LEVELS.index(alert.level)))


def _lost(snapshot: Snapshot) -> Iterator[Alert]:
    """SavedConfigs that the runner forgot."""
    for lost in snapshot.lost:
        name = _named(snapshot, lost.digest, lost.digest)
        words = _config_words(lost.config)
        why = "the runner was restarted" if lost.restarted else "it was replaced"
        text = f"{name} lost its configuration ({words}): {why}"
        step = "start without --read-only" if snapshot.read_only else "R sets it again"
        yield Alert(lost.alert, "warning", text, step, "" if snapshot.read_only else "dashboard")


def _failing(snapshot: Snapshot) -> Iterator[Alert]:
    """Callers of a model whose calls all failed lately, up to the last."""
    since, ends = snapshot.runner_now - RECENT_S, dict[tuple[str, str], list[Request]]()
    for call in snapshot.finished:
        if ended(call) < since or call.caller == OWN_REQUESTS:
            continue
        row = ends.setdefault((call.caller, call.digest or call.model), [])
        if call.outcome in FAILURES:
            row.append(call)
        elif call.outcome != "client left":
            row.clear()
    for (caller, model), calls in ends.items():
        if len(calls) < ENOUGH_FAILURES:
            continue
        last, name = calls[-1], snapshot.caller_names.get(caller, caller)
        why = explain_text(last.status, last.error, last.model).what
        called = _named(snapshot, last.digest, last.model)
        text = f"{name}: its last {len(calls)} calls of {called} failed: {why}"
        yield Alert(f"failing:{caller}:{model}", "warning", text, "see what to do", "requests")


def _config_words(config: Mapping[str, object]) -> str:
    context = config.get("context-size")
    told = [f"context {format.window(context)}"] if isinstance(context, int) else []
    told += [str(config["keep_alive"])] if config.get("keep_alive") else []
    told += ["flags"] if config.get("runtime-flags") else []
    return ", ".join(told) or "all of it"


def _named(snapshot: Snapshot, digest: str | None, called: str) -> str:
    """The model's name on the screens; `called` is what a caller wrote."""
    name = short(called)
    for row in snapshot.models:
        if (digest and row.digest == digest) or (name and name == row.name):
            return row.name
    return name or "a model"


def _killed(snapshot: Snapshot) -> Iterator[Alert]:
    since = snapshot.runner_now - RECENT_S
    machine = snapshot.machine.machine
    container = None if machine is None else machine.container.container
    kills = max(
        0 if machine is None else machine.host.pressure.oom_kills.value or 0,
        0 if container is None else container.oom_kills.value or 0,
    )
    loaded: set[str] = set()
    for event in reversed(snapshot.events):
        if event.at < since or event.kind == "runner started":
            return
        name = _named(snapshot, event.digest, event.model)
        if event.kind == "loaded":
            loaded.add(name)
        ago = format.age(snapshot.runner_now - event.at)
        ended = event.kind in {"engine died", "out of memory"}
        if ended and kills and _says_killed(event):
            text = f"The system killed the engine of {name} for memory {ago} ago"
            told = f"{kills} killed so far; unload a model or close programs"
            yield Alert(f"killed:{event.key}", "critical", text, told, "memory")
            return
        if event.kind == "out of memory" and name not in loaded and not _is_loaded(snapshot, name):
            text = f"{name}, {ago} ago: {event_text(event)}"
            step = _way(snapshot, event.digest) or "see who holds the memory"
            yield Alert(f"memory:{event.key}", "critical", text, step, "memory")
            return


def _says_killed(event: Event) -> bool:
    error = event.detail
    if not isinstance(error, ErrorDetail):
        return False
    return "killed" in explain_quote(error.quote, status=error.status).what


def _way(snapshot: Snapshot, digest: str | None) -> str:
    """What would make room for that model; empty if nothing that is known."""
    fit = snapshot.memory.fits.get(digest or "") if snapshot.memory is not None else None
    return "" if fit is None else ", or ".join(load_advice(fit, _names(snapshot)))


def _names(snapshot: Snapshot) -> dict[str, str]:
    return {row.key: row.name for row in snapshot.models}


def _is_loaded(snapshot: Snapshot, name: str) -> bool:
    """Whether it was loaded after all."""
    return any(row.loaded for row in snapshot.models if row.name == name)


def _pressure(memory: MemoryState) -> Iterator[Alert]:
    word = memory.pressure.word
    if word in {"high", "critical"}:
        text = f"Memory pressure is {word}: {memory.pressure.cause}"
        level: AlertLevel = "critical" if word == "critical" else "warning"
        yield Alert("pressure", level, text, "see who holds it", "memory")


def _busy(snapshot: Snapshot) -> list[ModelRow]:
    return [row for row in snapshot.models if any(run.state == "busy" for run in row.runs)]


def _worked_long(snapshot: Snapshot) -> ModelRow | None:
    """A loaded chat model that generated for some seconds within the last readings."""
    span = snapshot.machine.span_s
    for row in snapshot.models:
        chats = [run for run in row.runs if run.mode == "completion" and run.state != "loading"]
        if not chats:
            continue
        if any(r.since is not None and snapshot.taken_at - r.since >= LONG_S for r in chats):
            return row
        for call in reversed(snapshot.finished):
            ended = call.finished_at or 0.0
            if call.digest != row.digest or ended < snapshot.runner_now - span:
                continue
            if ended - call.started_at - (call.load_s or 0.0) >= LONG_S:
                return row
    return None


def _gpu_unused(snapshot: Snapshot, memory: MemoryState) -> Iterator[Alert]:
    machine = snapshot.machine.machine
    row = _worked_long(snapshot)
    if machine is None or row is None or not machine.gpu.gpus:
        return
    uses = [[value for value in series if value is not None] for series in snapshot.machine.gpu_use]
    # The highest reading says whether anything was computed there.
    unused = thresholds.level("gpu_unused")
    if not all(len(use) >= ENOUGH_READINGS and max(use) < unused for use in uses):
        return
    usage = memory.usage(row.key)
    if usage is not None and usage.vram.value:
        return
    gpu = machine.gpu.gpus[0].name.removeprefix("NVIDIA ").removeprefix("GeForce ")
    text = f"{row.name} runs on the processor, {gpu} is used {_highest(uses):.0f} %"
    why, step = _why_unused(snapshot)
    yield Alert("gpu unused", "warning", f"{text}{why}", step)


def _highest(uses: Sequence[Sequence[float]]) -> float:
    return max(max(use) for use in uses)


def _why_unused(snapshot: Snapshot) -> tuple[str, str]:
    """Why, as far as it is known, and what to do."""
    machine = snapshot.machine.machine
    container = None if machine is None else machine.container.container
    if container is not None and container.gpus is False:
        amd = machine is not None and machine.gpu.gpus[0].maker == "AMD"
        kind = "rocm" if amd else "cuda"
        return "; its container has no GPU", f"docker model reinstall-runner --gpu {kind}"
    if container is None and machine is not None:
        engines = machine.processes.engines
        if any(engine.name.startswith("com.docker") for engine in engines):
            return "", "Docker Desktop: Settings, AI, Enable GPU-backed inference"
    llama = next((b for b in snapshot.runner.backends if b.name == "llama.cpp"), None)
    if llama is not None and llama.variant == "cpu":
        return "; its llama.cpp is built for processors", "install the runner for the GPU"
    return "", "see the backend and its log (6 Doctor, 4 Timeline)"


def _swapping(snapshot: Snapshot, memory: MemoryState) -> Iterator[Alert]:
    machine, busy = snapshot.machine.machine, _busy(snapshot)
    if machine is None or not busy:
        return
    into, out = machine.host.pressure.swap_in.value, machine.host.pressure.swap_out.value
    moved = (into or 0.0) + (out or 0.0)
    if moved < thresholds.level("swapping") * MIB:
        return
    swapped = format.gib(machine.host.swap_used.value)
    text = (
        f"{moved / MIB:.0f} MiB a second go to and from swap while {busy[0].name} generates,"
        f" {swapped} {format.memory_unit()} lie there"
    )
    yield Alert("swapping", "warning", text, "unload a model or close programs", "memory")


def _container(snapshot: Snapshot) -> Iterator[Alert]:
    machine = snapshot.machine.machine
    container = None if machine is None else machine.container.container
    if container is None:
        return
    needed, limit = container.needed.value, container.limit.value
    if needed is None or not limit or 100.0 * needed < thresholds.level("container") * limit:
        return
    total = f"{format.gib(limit)} {format.memory_unit()}"
    text = f"The runner's container needs {format.gib(needed)} of its {total}"
    yield Alert("container", "warning", text, "raise its memory limit, or unload a model")


def _wanted(snapshot: Snapshot) -> set[str]:
    """Digests of the models that were called lately."""
    since = snapshot.runner_now - RECENT_S
    called = {call.digest for call in snapshot.in_flight}
    called |= {c.digest for c in snapshot.finished if (c.finished_at or c.started_at) >= since}
    called |= {event.digest for event in snapshot.events if event.at >= since}
    return {digest for digest in called if digest}


def _too_big(snapshot: Snapshot, memory: MemoryState) -> Iterator[Alert]:
    """Models that were called and do not fit now; else one that can never fit as it is packaged."""
    pool = memory.pool.value
    if pool is None:
        return
    wanted, hint = _wanted(snapshot), None
    for row in snapshot.models:
        fit = memory.fits.get(row.key)
        if fit is None or not fit.lacks_memory or row.runs:
            continue
        needs = f"{_size(fit)} at its {_source(fit)} context of {_context(fit)}"
        if row.digest in wanted:
            text = f"{row.name} needs {needs}, {format.memory(pool.free)} of {pool.kind} are free"
            yield Alert(f"fit:{row.key}", "warning", text, _plan(snapshot, fit), "memory")
        elif fit.verdict == "too big" and hint is None:
            there = f"{_size(fit)} of {format.memory(pool.total)} {pool.kind}"
            context = f"at its {_source(fit)} context of {_context(fit)}"
            text = f"{row.name} needs {there} {context}"
            hint = Alert(f"fit:{row.key}", "hint", text, _plan(snapshot, fit), "memory")
    if hint is not None:
        yield hint


def _size(fit: Fit) -> str:
    total = fit.need.total.value
    sign = "~" if fit.need.source == "estimate" else ""
    if total is None:
        return f"at least {format.memory(fit.need.at_least)}"
    return f"{sign}{format.memory(total)}"


def _source(fit: Fit) -> str:
    return "configured" if fit.context_source == "flag" else fit.context_source


def _context(fit: Fit) -> str:
    return format.window(fit.need.asked.context)


def _plan(snapshot: Snapshot, fit: Fit) -> str:
    return ", or ".join(load_advice(fit, _names(snapshot))) or "take a smaller quantization"


def _others(snapshot: Snapshot, memory: MemoryState) -> Iterator[Alert]:
    """Other programs whose GPU memory a model that was called would need."""
    pool = memory.pool.value
    if pool is None or pool.kind != "VRAM":
        return
    others = [each for each in memory.usages if not each.key and each.vram.value]
    held = sum(each.vram.value or 0 for each in others)
    if not others or 100.0 * held < thresholds.level("others") * pool.total:
        return
    wanted = _wanted(snapshot)
    for row in snapshot.models:
        fit = memory.fits.get(row.key)
        if fit is None or not fit.lacks_memory or row.digest not in wanted or row.runs:
            continue
        total = fit.need.total.value
        if total is not None and total <= pool.free + held:
            largest = others[0]
            text = (
                f"Other programs hold {format.gib(held)} {format.memory_unit()} of VRAM"
                f" ({largest.name} {format.gib(largest.vram.value)}); without them"
                f" {row.name} would fit"
            )
            yield Alert("others", "warning", text, f"end {largest.name}, if you can")
            return


def _partial(memory: MemoryState) -> Iterator[Alert]:
    for usage in memory.usages:
        on_gpu, _, of = usage.layers.partition(" of ")
        if usage.key and on_gpu.isdigit() and of.isdigit() and 0 < int(on_gpu) < int(of):
            text = (
                f"Only {usage.layers} layers of {usage.name} are on the GPU:"
                " the processor computes the others, and slows all down"
            )
            step = "a smaller context, cache type or quantization lets all of it fit"
            yield Alert(f"partial:{usage.key}", "warning", text, step, "memory")
