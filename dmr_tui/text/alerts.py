"""Warnings in words: a sentence with its numbers, and the next step."""

from collections.abc import Mapping
from typing import NamedTuple

from dmr_tui.runner.errors.explain import explain_request
from dmr_tui.state.alert import (
    Alert,
    AlertFact,
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
)
from dmr_tui.state.memory import Fit
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.events import event_text
from dmr_tui.text.format import Units
from dmr_tui.text.memory import load_advice, need_text

MIB = 2**20


class AlertText(NamedTuple):
    """A warning in words."""

    text: str
    """One sentence with its numbers, without a full stop; raw, as names come from outside."""
    step: str
    """The next step, in a few words; may be empty."""


def alert_text(alert: Alert, snapshot: Snapshot, units: Units, now: float) -> AlertText:
    """The warning in words, at `now` by this computer's clock.

    `snapshot` knows the names of the models.
    """
    return AlertText(*_words(alert.fact, snapshot, units, now))


def _words(fact: AlertFact, snapshot: Snapshot, units: Units, now: float) -> tuple[str, str]:
    runner_now = now + snapshot.clock_offset
    match fact:
        case RunnerLost():
            ago = format.age(now - fact.since)
            text = f"The runner has not answered for {ago}: {fact.reason}"
            return text, "numbers are from before; it is tried again"
        case NoRunner():
            return "No runner answers", "what was tried, and what to do"
        case BackendFails():
            return f"{fact.backend.name} reports: {fact.backend.detail}", ""
        case SourceFails(source):
            old = "" if source.good_at is None else f", {format.age(now - source.good_at)} old"
            return f"{source.name}: {source.reason}{old}", ""
        case ConfigLost():
            why = "the runner was restarted" if fact.lost.restarted else "it was replaced"
            text = f"{fact.model} lost its configuration ({_config(fact.lost.config)}): {why}"
            return text, "start without --read-only" if fact.read_only else "R sets it again"
        case CallerFails():
            why = explain_request(fact.last).what
            calls = f"its last {fact.requests} calls of {fact.model}"
            return f"{fact.caller}: {calls} failed: {why}", "see what to do"
        case EngineKilled():
            ago = format.age(runner_now - fact.at)
            text = f"The system killed the engine of {fact.model} for memory {ago} ago"
            return text, f"{fact.kills} killed so far; unload a model or close programs"
        case OutOfMemory():
            ago = format.age(runner_now - fact.event.at)
            text = f"{fact.model}, {ago} ago: {event_text(fact.event)}"
            return text, _advice(fact.fit, snapshot) or "see who holds the memory"
        case PressureHigh(pressure):
            return f"Memory pressure is {pressure.word}: {pressure.cause}", "see who holds it"
        case GpuUnused():
            return _gpu_unused(fact)
        case Swapping():
            text = (
                f"{fact.moved / MIB:.0f} MiB a second go to and from swap while {fact.model}"
                f" generates, {units.gib(fact.swapped)} {units.memory_unit} lie there"
            )
            return text, "unload a model or close programs"
        case ContainerFull():
            size = units.gib_of(fact.needed, fact.limit).replace(" of ", " of its ")
            text = f"The runner's container needs {size}"
            return text, "raise its memory limit, or unload a model"
        case DoesNotFit():
            text = _does_not_fit(fact, units)
            return text, _advice(fact.fit, snapshot) or "take a smaller quantization"
        case OthersHold():
            text = (
                f"Other programs hold {units.gib(fact.held)} {units.memory_unit} of VRAM"
                f" ({fact.largest} {units.gib(fact.largest_held)}); without them"
                f" {fact.model} would fit"
            )
            return text, f"end {fact.largest}, if you can"
        case PartlyOnGpu():
            text = (
                f"Only {fact.layers} layers of {fact.model} are on the GPU:"
                " the processor computes the others, and slows all down"
            )
            return text, "a smaller context, cache type or quantization lets all of it fit"


def _config(config: Mapping[str, object]) -> str:
    context = config.get("context-size")
    parts = [f"context {format.window(context)}"] if isinstance(context, int) else []
    parts += [str(config["keep_alive"])] if config.get("keep_alive") else []
    parts += ["flags"] if config.get("runtime-flags") else []
    return ", ".join(parts) or "all of it"


def _advice(fit: Fit | None, snapshot: Snapshot) -> str:
    """The way to make room for a model; empty if none is known."""
    names = {row.key: row.name for row in snapshot.models}
    return "" if fit is None else ", or ".join(load_advice(fit, names))


def _gpu_unused(fact: GpuUnused) -> tuple[str, str]:
    gpu = fact.gpu.removeprefix("NVIDIA ").removeprefix("GeForce ")
    text = f"{fact.model} runs on the processor, {gpu} is used {fact.use:.0f} %"
    match fact.cause:
        case "container":
            kind = "rocm" if fact.maker == "AMD" else "cuda"
            step = f"docker model reinstall-runner --gpu {kind}"
            return f"{text}; its container has no GPU", step
        case "Desktop's setting":
            return text, "Docker Desktop: Settings, AI, Enable GPU-backed inference"
        case "CPU build":
            step = "install the runner for the GPU"
            return f"{text}; its llama.cpp is built for processors", step
    return text, "see the backend and its log (6 Doctor, 4 Timeline)"


def _does_not_fit(fact: DoesNotFit, units: Units) -> str:
    fit, pool = fact.fit, fact.pool
    size = need_text(fit.need, units)
    if fit.need.total.value is None:
        size = f"at least {units.memory(fit.need.at_least)}"
    source = "configured" if fit.context_source == "flag" else fit.context_source
    context = f"at its {source} context of {format.window(fit.need.launch.context)}"
    if fact.used_lately:
        free = f"{units.memory(pool.free)} of {pool.kind} are free"
        return f"{fact.model} needs {size} {context}, {free}"
    return f"{fact.model} needs {size} of {units.memory(pool.total)} {pool.kind} {context}"
