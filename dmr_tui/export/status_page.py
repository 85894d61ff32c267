"""One Snapshot as a page of plain text, for terminals without a screen."""

from dmr_tui.machine.gpu.gpu import Gpu
from dmr_tui.machine.reading import Reading
from dmr_tui.state.alert import SourceFails
from dmr_tui.state.memory import Fit
from dmr_tui.state.model_row import ModelRow, Run
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.alerts import alert_text
from dmr_tui.text.format import DEFAULT_UNITS, Units
from dmr_tui.text.memory import free_text, verdict_text
from dmr_tui.text.sanitize import plain

LISTED = 8
"""Holders of memory that a page lists."""


def as_page(snapshot: Snapshot, units: Units = DEFAULT_UNITS) -> str:
    """The dashboard as lines of text; nothing from outside can steer a terminal."""
    parts = [
        _runner(snapshot),
        _models(snapshot, units),
        _requests(snapshot),
        _machine(snapshot, units),
        _memory(snapshot, units),
        _warnings(snapshot, units),
    ]
    return "\n".join(line for part in parts for line in part)


def _runner(snapshot: Snapshot) -> list[str]:
    runner = snapshot.runner
    place = plain(runner.endpoint.label) if runner.endpoint else ""
    if not runner.up:
        tried = [f"  tried {plain(a.endpoint.label)}: {a.answer}" for a in snapshot.attempts]
        return [f"runner     down at {place}", *tried]
    parts = [place, f"DMR {plain(runner.version or '(version unknown)')}"]
    if runner.latency_ms is not None:
        parts.append(f"{runner.latency_ms:.0f} ms")
    if runner.slots_used is not None:
        total = "" if runner.slots_total is None else f" of {runner.slots_total}"
        parts.append(f"{runner.slots_used}{total} slots used")
    if runner.models_bytes is not None:
        parts.append(f"{format.disk(runner.models_bytes)} of models on disk")
    demo = "DEMO · " if snapshot.demo else ""
    lines = [f"runner     {demo}up · {' · '.join(parts)}"]
    for backend in runner.backends:
        build = " ".join(filter(None, (backend.version, backend.variant)))
        detail = build if backend.state == "running" and build else backend.detail or ""
        suffix = f": {plain(detail)}" if detail else ""
        lines.append(f"  {plain(backend.name):10} {backend.state}{suffix}")
    failing = [
        alert.fact.source for alert in snapshot.alerts if isinstance(alert.fact, SourceFails)
    ]
    for source in failing:
        label = "stale" if source.health == "stale" else "note"
        lines.append(f"  {label:10} {source.name}: {plain(source.reason)}")
    return lines


def _warnings(snapshot: Snapshot, units: Units) -> list[str]:
    """All warnings but those that the lines about the runner show."""
    lines = []
    for alert in snapshot.alerts:
        if alert.dismissable and not isinstance(alert.fact, SourceFails):
            text, step = alert_text(alert, snapshot, units, snapshot.taken_at)
            lines.append(f"  warning  {plain(text)}: {plain(step)}")
    return lines


def _models(snapshot: Snapshot, units: Units) -> list[str]:
    if not snapshot.runner.up:
        return []
    rows = snapshot.models
    if not rows:
        return ["models     none installed; docker model pull ai/llama3.2:1B-Q8_0"]
    width = min(48, max(len(row.name) for row in rows))
    fits = snapshot.memory.fits if snapshot.memory else {}
    lines = [_model(row, width, snapshot.taken_at, fits.get(row.key), units) for row in rows]
    return [f"models     {len(rows)}", *lines]


def _model(row: ModelRow, width: int, now: float, fit: Fit | None, units: Units) -> str:
    context = row.context
    window = format.window(context.effective or context.configured or context.packaged)
    if context.trained is not None:
        window = f"{window} of {format.window(context.trained)}"
    states = ", ".join(state_of(run, now) for run in row.runs) or "not loaded"
    verdict = "" if row.runs else verdict_text(fit, units)
    if verdict:
        states += f" ({verdict})"
    size = plain(format.told_size(row.size_text, row.size_bytes))
    return (
        f"  {plain(row.name):{width}}  {format.parameters(row.parameters):>8}"
        f"  {plain(row.quantization or format.UNKNOWN):8}  {size:>9}"
        f"  {window:>13}  {states}"
    )


def state_of(run: Run, now: float) -> str:
    """The state of one runner in words, with its clock."""
    mode = "" if run.mode == "completion" else f" ({plain(run.mode)})"
    if run.state != "idle":
        running = "" if run.since is None else f" {format.clock(now - run.since)}"
        return f"{run.state}{running}{mode}"
    if run.never_unloads:
        return f"idle, stays loaded{mode}"
    if run.unloads_at is None:
        return f"idle{mode}"
    return f"idle, unloads in {format.countdown(run.unloads_at - now)}{mode}"


def _requests(snapshot: Snapshot) -> list[str]:
    if not snapshot.runner.up:
        return []
    throughput = snapshot.throughput
    lines = [
        f"requests   {throughput.finished} in {throughput.window_s / 60:.0f} min,"
        f" {throughput.failed} failed, {len(snapshot.in_flight)} in flight"
    ]
    for name, summary in (("decode", throughput.decode), ("prefill", throughput.prefill)):
        if summary is not None:
            lines.append(
                f"  {name:8} p50 {format.rate(summary.p50)} tok/s,"
                f" p95 {format.rate(summary.p95)} tok/s (server, {summary.count} calls)"
            )
    return lines


def _machine(snapshot: Snapshot, units: Units) -> list[str]:
    machine = snapshot.machine.machine
    if machine is None:
        return []
    host = machine.host
    endpoint = snapshot.runner.endpoint
    remote = endpoint is not None and not endpoint.is_this_machine
    unit = units.memory_unit
    swap = "none" if host.swap_total.value == 0 else f"{units.gib(host.swap_used.value)} {unit}"
    lines = [
        "machine    this one, not the runner's" if remote else "machine",
        f"  RAM      {units.gib(host.ram_used.value)} of"
        f" {units.gib(host.ram_total.value)} {unit} · swap {swap}"
        f" · CPU {_number(host.cpu)} % of {host.cpu_count} cores",
    ]
    if not machine.gpu.gpus:
        lines.append(f"  GPU      {format.UNKNOWN} {plain(machine.gpu.reason)}")
    return lines + [_gpu(gpu, units) for gpu in machine.gpu.gpus]


def _gpu(gpu: Gpu, units: Units) -> str:
    return (
        f"  GPU {gpu.index}    {plain(gpu.name)} · {_number(gpu.use)} %"
        f" · {units.gib_of(gpu.memory_used.value, gpu.memory_total.value)}"
        f" · {units.temperature(gpu.temperature.value)}"
        f" {units.degree} · {_number(gpu.power)} W"
    )


def _number(reading: Reading[float]) -> str:
    return format.UNKNOWN if reading.value is None else f"{reading.value:.0f}"


def _memory(snapshot: Snapshot, units: Units) -> list[str]:
    memory = snapshot.memory
    if memory is None:
        return []
    pool = memory.pool.value
    free = (
        f"{format.UNKNOWN} {plain(memory.pool.reason)}"
        if pool is None
        else f"{free_text(pool, units)} free"
    )
    word = memory.pressure.word
    lines = [f"memory     {free}"]
    if word is not None:
        cause = f": {plain(memory.pressure.cause)}" if memory.pressure.cause else ""
        lines.append(f"  pressure {word}{cause}")
    for usage in memory.usages[:LISTED]:
        held = []
        if usage.vram.value:
            held.append(f"{units.memory(usage.vram.value)} VRAM")
        if usage.ram.value:
            held.append(f"{units.memory(usage.ram.value)} RAM")
        size = " · ".join(held) or f"{format.UNKNOWN} {plain(usage.vram.reason)}"
        lines.append(f"  {plain(usage.name)}: {size}")
    return lines
