"""Memory usage and fits, as JSON or as lines of text."""

from typing import Any

from dmr_tui.machine.container import Container
from dmr_tui.machine.processes import EngineProcess
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import LaunchConfig, MemoryEstimate
from dmr_tui.state.memory import Fit, MemoryState, MemoryUsage
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.format import Units
from dmr_tui.text.memory import free_text
from dmr_tui.text.sanitize import plain

LISTED = 8
"""Holders of memory that a page lists."""


def reading_json(reading: Reading[Any]) -> dict[str, Any]:
    """A value, or null with the reason."""
    return {"value": reading.value, "reason": reading.reason or None}


def memory_json(memory: MemoryState | None) -> dict[str, Any] | None:
    """Room, holders, pressure and verdicts; sizes in bytes, null where unknown."""
    if memory is None:
        return None
    pool = memory.pool.value
    return {
        "room": None
        if pool is None
        else {
            "kind": pool.kind,
            "total": pool.total,
            "free": pool.free,
            "overhead": pool.overhead,
            "source": pool.source,
        },
        "room_reason": memory.pool.reason or None,
        "pressure": {"word": memory.pressure.word, "cause": memory.pressure.cause or None},
        "holdings": [_holding(each) for each in memory.usages],
        "vram_unexplained": reading_json(memory.vram_rest),
        "note": memory.note or None,
    }


def fit_json(fit: Fit | None) -> dict[str, Any] | None:
    """The verdict on one model, with what it rests on."""
    if fit is None:
        return None
    return {
        "verdict": fit.verdict,
        "reason": fit.reason or None,
        "asked": _asked(fit.need.launch),
        "context_source": fit.context_source,
        "need": _need(fit.need),
        "estimate": _need(fit.estimate),
        "estimate_error_percent": fit.error,
        "largest_context": fit.largest_context,
        "unload": None if fit.unload is None else list(fit.unload),
    }


def _need(need: MemoryEstimate) -> dict[str, Any]:
    return {
        "source": need.source,
        "total": reading_json(need.total),
        "weights": need.weights.value,
        "cache": need.cache.value,
        "compute": need.compute.value,
        "overhead": need.overhead,
    }


def _asked(asked: LaunchConfig) -> dict[str, Any]:
    return {
        "context": asked.context,
        "slots": asked.slots,
        "key_type": asked.key_type,
        "value_type": asked.value_type,
        "gpu_layers": asked.gpu_layers,
    }


def _holding(usage: MemoryUsage) -> dict[str, Any]:
    return {
        "model": usage.key or None,
        "name": usage.name,
        "pids": list(usage.pids),
        "vram": reading_json(usage.vram),
        "ram_own": reading_json(usage.own),
        "ram_mapped": reading_json(usage.mapped),
        "swapped": reading_json(usage.swapped),
        "weights": usage.weights.value,
        "cache": usage.cache.value,
        "compute": usage.compute.value,
        "parts_source": usage.parts_source or None,
        "cpu_percent": reading_json(usage.cpu),
    }


def process_json(engine: EngineProcess) -> dict[str, Any]:
    """An engine process; its command line stays out, as it may hold private paths."""
    return {
        "pid": engine.pid,
        "name": engine.name,
        "backend": engine.backend,
        "digest": engine.digest,
        "mode": engine.mode,
        "resident": reading_json(engine.resident),
        "own": reading_json(engine.own),
        "mapped": reading_json(engine.mapped),
        "swapped": reading_json(engine.swapped),
        "cpu_percent": reading_json(engine.cpu),
        "container": engine.container,
    }


def container_json(container: Container) -> dict[str, Any]:
    """The runner's container."""
    return {
        "id": container.id,
        "name": container.name or None,
        "image": container.image or None,
        "state": container.state or None,
        "limit": reading_json(container.limit),
        "needed": reading_json(container.needed),
        "mapped": reading_json(container.mapped),
        "oom_kills": reading_json(container.oom_kills),
        "gpus": container.gpus,
        "restarts": container.restarts,
        "error": container.error or None,
    }


def memory_lines(snapshot: Snapshot, units: Units) -> list[str]:
    """Room, pressure and holders for a page of text."""
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
