"""One Snapshot as JSON or as a page of text."""

from datetime import UTC, datetime
from typing import Any

from dmr_tui.export.memory_report import (
    container_json,
    fit_json,
    memory_json,
    process_json,
    reading_json,
)
from dmr_tui.machine.gpu.gpu import Gpu
from dmr_tui.machine.host import Host
from dmr_tui.measure.rates import decode_rate, prefill_rate
from dmr_tui.measure.stats import Summary
from dmr_tui.runner.errors.explain import error_text
from dmr_tui.runner.request import Request
from dmr_tui.state.alert import SourceFails
from dmr_tui.state.model_row import ModelRow, Run
from dmr_tui.state.requests import Throughput
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.alerts import alert_text
from dmr_tui.text.format import DEFAULT_UNITS, Units

HEALTHY, DEGRADED, NO_RUNNER = 0, 1, 2
"""Exit codes of `dmr-tui status`."""


def exit_code(snapshot: Snapshot) -> int:
    """0 if the runner answers and a backend runs, 2 without a runner.

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
    """The snapshot for programs: null where unknown, no prompt and no credential in it.

    Sizes in bytes, times in seconds, moments in ISO 8601 (UTC), rates in tokens per second.
    """
    runner = snapshot.runner
    return {
        "taken_at": _moment(snapshot.taken_at),
        "endpoint": None
        if runner.endpoint is None
        else {
            "url": runner.endpoint.url,
            "socket": runner.endpoint.socket,
            "rule": runner.endpoint.rule,
        },
        "attempts": [
            {
                "url": attempt.endpoint.url,
                "socket": attempt.endpoint.socket,
                "rule": attempt.endpoint.rule,
                "ok": attempt.ok,
                "answer": attempt.answer,
            }
            for attempt in snapshot.attempts
        ],
        "runner": {
            "up": bool(runner.up),
            "reason": runner.down_reason or _last_answer(snapshot),
            "version": runner.version,
            "backends": [
                {
                    "name": backend.name,
                    "state": backend.state,
                    "version": backend.version,
                    "variant": backend.variant,
                    "detail": backend.detail,
                }
                for backend in runner.backends
            ],
            "latency_ms": runner.latency_ms,
            "models_bytes": runner.models_bytes,
            "slots_used": runner.slots_used,
            "slots_total": runner.slots_total,
        },
        "models": [_model(row, snapshot) for row in snapshot.models],
        "running": [_run(row, run) for row in snapshot.models for run in row.runs],
        "requests": {
            "in_flight": [_request(r, snapshot) for r in snapshot.in_flight],
            "finished": [_request(r, snapshot) for r in snapshot.finished],
            "throughput": _throughput(snapshot.throughput),
        },
        "machine": _machine(snapshot),
        "memory": memory_json(snapshot.memory),
        "warnings": [
            {
                "key": alert.key,
                "level": alert.level,
                **alert_text(alert, snapshot, units, snapshot.taken_at)._asdict(),
            }
            for alert in snapshot.alerts
        ],
        "sources": [
            {"name": s.name, "health": s.health, "reason": s.reason, "good_at": _moment(s.good_at)}
            for s in snapshot.sources
        ],
    }


def _last_answer(snapshot: Snapshot) -> str | None:
    failed = [attempt for attempt in snapshot.attempts if not attempt.ok]
    return failed[-1].answer if failed and not snapshot.runner.up else None


def _model(row: ModelRow, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "name": row.name,
        "digest": row.digest,
        "tags": list(row.tags),
        "installed": row.model is not None,
        "parameters": row.parameters,
        "quantization": row.quantization,
        "architecture": row.architecture,
        "size_bytes": row.size_bytes,
        "size": row.size_text,
        "embedding": row.embedding,
        "context": {
            "trained": row.context.trained,
            "packaged": row.context.packaged,
            "configured": row.context.configured,
            "effective": row.context.effective,
            "effective_source": row.context.effective_source or None,
            "slots": row.context.slots,
        },
        "loaded": row.loaded,
        "fit": fit_json(snapshot.memory.fits.get(row.key) if snapshot.memory else None),
    }


def _run(row: ModelRow, run: Run) -> dict[str, Any]:
    return {
        "model": row.name,
        "digest": row.digest,
        "backend": run.backend,
        "mode": run.mode,
        "state": run.state,
        "since": _moment(run.since),
        "unloads_at": _moment(run.unloads_at),
        "never_unloads": run.never_unloads,
    }


def _request(request: Request, snapshot: Snapshot) -> dict[str, Any]:
    decode, prefill = decode_rate(request.timings), prefill_rate(request.timings)
    offset = snapshot.clock_offset
    return {
        "id": request.id,
        "model": request.model,
        "digest": request.digest,
        "api": request.api,
        "caller": request.caller,
        "outcome": request.outcome,
        "status": request.status,
        "started_at": _moment(request.started_at - offset),
        "duration_s": request.duration,
        "finish_reason": request.finish_reason,
        "error": error_text(request) or None,
        "prompt_tokens": request.prompt_tokens,
        "cached_tokens": request.cached_tokens,
        "completion_tokens": request.completion_tokens,
        "decode_tok_s": decode.value if decode else None,
        "prefill_tok_s": prefill.value if prefill else None,
        "source": "server" if decode or prefill else None,
    }


def _throughput(throughput: Throughput) -> dict[str, Any]:
    return {
        "window_s": throughput.window_s,
        "decode_tok_s": _summary(throughput.decode),
        "prefill_tok_s": _summary(throughput.prefill),
        "finished": throughput.finished,
        "failed": throughput.failed,
        "client_left": throughput.client_left,
        "untimed": throughput.untimed,
    }


def _summary(summary: Summary | None) -> dict[str, float | int] | None:
    if summary is None:
        return None
    return {
        "count": summary.count,
        "p50": summary.p50,
        "p95": summary.p95,
        "min": summary.lowest,
        "max": summary.highest,
    }


def _machine(snapshot: Snapshot) -> dict[str, Any] | None:
    machine = snapshot.machine.machine
    if machine is None:
        return None
    endpoint = snapshot.runner.endpoint if snapshot.runner.up else None
    container = machine.container.container
    return {
        "is_the_runners": None if endpoint is None else endpoint.is_this_machine,
        "host": _host(machine.host),
        "gpu": {
            "source": machine.gpu.source,
            "reason": machine.gpu.reason or None,
            "gpus": [_gpu(gpu) for gpu in machine.gpu.gpus],
        },
        "engines": [process_json(engine) for engine in machine.processes.engines],
        "engines_reason": machine.processes.reason or None,
        "container": None if container is None else container_json(container),
        "container_reason": machine.container.reason or None,
    }


def _host(host: Host) -> dict[str, Any]:
    pressure = host.pressure
    return {
        "cpu_percent": reading_json(host.cpu),
        "cpu_count": host.cpu_count,
        "ram_used": reading_json(host.ram_used),
        "ram_total": reading_json(host.ram_total),
        "swap_used": reading_json(host.swap_used),
        "swap_total": reading_json(host.swap_total),
        "psi_some_percent": reading_json(pressure.some),
        "psi_full_percent": reading_json(pressure.full),
        "swap_in": reading_json(pressure.swap_in),
        "swap_out": reading_json(pressure.swap_out),
        "oom_kills": reading_json(pressure.oom_kills),
    }


def _gpu(gpu: Gpu) -> dict[str, Any]:
    return {
        "index": gpu.index,
        "name": gpu.name,
        "maker": gpu.maker or None,
        "source": gpu.source or None,
        "driver": gpu.driver or None,
        "memory_kind": gpu.memory_kind,
        "slice_of": gpu.slice_of,
        "use_percent": reading_json(gpu.use),
        "memory_used": reading_json(gpu.memory_used),
        "memory_total": reading_json(gpu.memory_total),
        "temperature_c": reading_json(gpu.temperature),
        "power_w": reading_json(gpu.power),
        "power_limit_w": reading_json(gpu.power_limit),
        "clock_mhz": reading_json(gpu.clock),
        "memory_clock_mhz": reading_json(gpu.memory_clock),
        "fan_percent": reading_json(gpu.fan),
        "throttle": reading_json(gpu.throttle),
        "pcie": reading_json(gpu.pcie),
        "processes": _processes(gpu),
    }


def _processes(gpu: Gpu) -> dict[str, Any]:
    listed = gpu.processes.value
    return {
        "value": None
        if listed is None
        else [{"pid": p.pid, "name": p.name, "memory": reading_json(p.memory)} for p in listed],
        "reason": gpu.processes.reason or None,
    }


def _moment(at: float | None) -> str | None:
    if at is None or at <= 0.0:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
