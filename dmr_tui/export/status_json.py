"""One Snapshot as JSON: null where unknown, with the reason beside it where there is one."""

from typing import Any

from dmr_tui.export.picked import picked, reading_json
from dmr_tui.machine.gpu.gpu import Gpu
from dmr_tui.measure.fit import MemoryEstimate
from dmr_tui.measure.rates import decode_rate, prefill_rate
from dmr_tui.measure.stats import Summary
from dmr_tui.runner.errors.explain import error_text
from dmr_tui.runner.request import Request
from dmr_tui.state.alert import SourceFails
from dmr_tui.state.memory import Fit, MemoryState
from dmr_tui.state.model_row import ModelRow, Run
from dmr_tui.state.requests import Throughput
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.alerts import alert_text
from dmr_tui.text.format import DEFAULT_UNITS, Units
from dmr_tui.text.request_fields import moment_json

HEALTHY, DEGRADED, NO_RUNNER = 0, 1, 2
"""Exit codes of `dmr-tui status`."""


def exit_code(snapshot: Snapshot) -> int:
    """Return 0 if the runner answers and a backend runs, 2 without a runner.

    1 if no backend runs, a source fails, or the first warning is a critical one.
    """
    if not snapshot.runner.up:
        return NO_RUNNER
    running = any(backend.state == "running" for backend in snapshot.runner.backends)
    degraded = any(
        alert.level == "critical" or isinstance(alert.fact, SourceFails)
        for alert in snapshot.alerts
    )
    return DEGRADED if degraded or not running else HEALTHY


def snapshot_json(snapshot: Snapshot, units: Units = DEFAULT_UNITS) -> dict[str, Any]:
    """Return the Snapshot for programs: null where unknown, no prompt and no credential in it.

    Sizes in bytes, times in seconds, moments in ISO 8601 (UTC), rates in tokens per second.
    """
    runner, endpoint = snapshot.runner, snapshot.runner.endpoint
    backends = [picked(each, "name state version variant detail") for each in runner.backends]
    return {
        "taken_at": moment_json(snapshot.taken_at),
        "endpoint": None if endpoint is None else picked(endpoint, "url socket rule"),
        "attempts": [
            {**picked(attempt.endpoint, "url socket rule"), **picked(attempt, "ok answer")}
            for attempt in snapshot.attempts
        ],
        "runner": {
            "up": bool(runner.up),
            "reason": runner.down_reason or _last_answer(snapshot),
            "version": runner.version,
            "backends": backends,
            **picked(runner, "latency_ms models_bytes slots_used slots_total"),
        },
        "models": [_model(row, snapshot) for row in snapshot.models],
        "running": [_run(row, run) for row in snapshot.models for run in row.runs],
        "requests": {
            "in_flight": [_request(r, snapshot) for r in snapshot.in_flight],
            "finished": [_request(r, snapshot) for r in snapshot.finished],
            "throughput": _throughput(snapshot.throughput),
        },
        "machine": _machine(snapshot),
        "memory": None if snapshot.memory is None else _memory(snapshot.memory),
        "warnings": [
            {
                **picked(alert, "key level"),
                **alert_text(alert, snapshot, units, snapshot.taken_at)._asdict(),
            }
            for alert in snapshot.alerts
        ],
        "sources": [
            {**picked(source, "name health reason"), "good_at": moment_json(source.good_at)}
            for source in snapshot.sources
        ],
    }


def _last_answer(snapshot: Snapshot) -> str | None:
    failed = [attempt for attempt in snapshot.attempts if not attempt.ok]
    return failed[-1].answer if failed and not snapshot.runner.up else None


def _model(row: ModelRow, snapshot: Snapshot) -> dict[str, Any]:
    fit = snapshot.memory.fits.get(row.key) if snapshot.memory else None
    return {
        **picked(row, "name digest tags"),
        "installed": row.model is not None,
        **picked(row, "parameters quantization architecture size_bytes size=size_text embedding"),
        "context": picked(
            row.context, "trained packaged configured effective effective_source? slots"
        ),
        "loaded": row.loaded,
        "fit": None if fit is None else _fit(fit),
    }


def _run(row: ModelRow, run: Run) -> dict[str, Any]:
    return {
        **picked(row, "model=name digest"),
        **picked(run, "backend mode state"),
        "since": moment_json(run.since),
        "unloads_at": moment_json(run.unloads_at),
        "never_unloads": run.never_unloads,
    }


def _request(request: Request, snapshot: Snapshot) -> dict[str, Any]:
    decode, prefill = decode_rate(request.timings), prefill_rate(request.timings)
    return {
        **picked(request, "id model digest api caller outcome status"),
        "started_at": moment_json(request.started_at - snapshot.clock_offset),
        **picked(request, "duration_s=duration finish_reason"),
        "error": error_text(request) or None,
        **picked(request, "prompt_tokens cached_tokens completion_tokens"),
        "decode_tok_s": decode.value if decode else None,
        "prefill_tok_s": prefill.value if prefill else None,
        "source": "server" if decode or prefill else None,
    }


def _throughput(throughput: Throughput) -> dict[str, Any]:
    return {
        "window_s": throughput.window_s,
        "decode_tok_s": _summary(throughput.decode),
        "prefill_tok_s": _summary(throughput.prefill),
        **picked(throughput, "finished failed client_left untimed"),
    }


def _summary(summary: Summary | None) -> dict[str, Any] | None:
    return None if summary is None else picked(summary, "count p50 p95 min=lowest max=highest")


def _machine(snapshot: Snapshot) -> dict[str, Any] | None:
    machine = snapshot.machine.machine
    if machine is None:
        return None
    endpoint = snapshot.runner.endpoint if snapshot.runner.up else None
    container = machine.container.container
    return {
        "is_the_runners": None if endpoint is None else endpoint.is_this_machine,
        "host": picked(
            machine.host,
            "cpu_percent=cpu cpu_count ram_used ram_total swap_used swap_total"
            " psi_some_percent=pressure.some psi_full_percent=pressure.full"
            " swap_in=pressure.swap_in swap_out=pressure.swap_out oom_kills=pressure.oom_kills",
        ),
        "gpu": {
            **picked(machine.gpu, "source reason?"),
            "gpus": [_gpu(gpu) for gpu in machine.gpu.gpus],
        },
        # Without their command lines, which may hold private paths.
        "engines": [
            picked(
                engine,
                "pid name backend digest mode resident own mapped swapped"
                " cpu_percent=cpu container",
            )
            for engine in machine.processes.engines
        ],
        "engines_reason": machine.processes.reason or None,
        "container": None
        if container is None
        else picked(
            container,
            "id name? image? state? limit needed mapped oom_kills gpus restarts error?",
        ),
        "container_reason": machine.container.reason or None,
    }


def _gpu(gpu: Gpu) -> dict[str, Any]:
    found = picked(
        gpu,
        "index name maker? source? driver? memory_kind slice_of use_percent=use memory_used"
        " memory_total temperature_c=temperature power_w=power power_limit_w=power_limit"
        " clock_mhz=clock memory_clock_mhz=memory_clock fan_percent=fan throttle pcie processes",
    )
    if gpu.processes.value is not None:
        listed = [picked(process, "pid name memory") for process in gpu.processes.value]
        found["processes"]["value"] = listed
    return found


def _memory(memory: MemoryState) -> dict[str, Any]:
    pool = memory.pool.value
    return {
        "room": None if pool is None else picked(pool, "kind total free overhead source"),
        "room_reason": memory.pool.reason or None,
        "pressure": picked(memory.pressure, "word cause?"),
        "holdings": [
            picked(
                usage,
                "model=key? name pids vram ram_own=own ram_mapped=mapped swapped"
                " weights=weights.value cache=cache.value compute=compute.value"
                " parts_source? cpu_percent=cpu",
            )
            for usage in memory.usages
        ],
        "vram_unexplained": reading_json(memory.vram_rest),
        "note": memory.note or None,
    }


def _fit(fit: Fit) -> dict[str, Any]:
    """Return the verdict on one model, with what it rests on."""
    return {
        **picked(fit, "verdict reason?"),
        "asked": picked(fit.need.launch, "context slots key_type value_type gpu_layers"),
        "context_source": fit.context_source,
        "need": _need(fit.need),
        "estimate": _need(fit.estimate),
        **picked(fit, "estimate_error_percent=error largest_context unload"),
    }


def _need(need: MemoryEstimate) -> dict[str, Any]:
    return picked(
        need, "source total weights=weights.value cache=cache.value compute=compute.value overhead"
    )
