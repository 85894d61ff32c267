"""Checks of the runner itself: its version, backends, GPU, models, and whether an engine works."""

from collections.abc import Iterator

from dmr_tui.runner.backend import Backend
from dmr_tui.state.alert import EngineKilled, GpuUnused, OutOfMemory
from dmr_tui.state.doctor_facts import EngineProof
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.alerts import alert_text
from dmr_tui.text.doctor.check import Check, Facts, Group, Result, Step
from dmr_tui.text.doctor.docker_checks import NVIDIA_TOOLKIT
from dmr_tui.text.events import event_text
from dmr_tui.text.sanitize import plain

RUNNER = Group("The runner")
GPU = Group("GPU")
ENGINE = "engine at work"
"""The check that only a load can answer."""
UPDATE = Step(command="docker model uninstall-runner --images && docker model install-runner")
UPDATE_DESKTOP = Step("update Docker Desktop; the runner comes with it")
LACKS = (
    ("configuration", "what is configured (GET /engines/_configure)"),
    ("log", "its log: context really given, why models were unloaded, queue times"),
    ("requests feed", "its record of calls: throughput and requests stay empty"),
    ("requests in flight", "the calls in flight"),
)
VLLM = "docker model install-runner --backend vllm --gpu cuda"


def find_runner(facts: Facts) -> Iterator[Check]:
    """Check version, backends and what they can do."""
    if not facts.up:
        return
    snapshot = facts.snapshot
    yield _version(facts)
    for backend in snapshot.runner.backends:
        yield _backend(backend, facts)
    yield _models(snapshot)
    if any(row.model is not None for row in snapshot.models):
        yield _engine(facts)
    yield from _gpu(facts)


def _version(facts: Facts) -> Check:
    snapshot = facts.snapshot
    absent = [lack for name, lack in LACKS if snapshot.source(name).health == "absent"]
    version = snapshot.runner.version
    words = plain(version) if version else "before March 2026: it does not tell its version"
    if version is None:
        # The header of a preload came with the same release as GET /version.
        absent.append("loading without an answer: a load generates one token")
    if absent:
        lacks = f"it lacks {'; '.join(absent)}"
        return RUNNER("version", "warning", f"{words}; {lacks}", _update(facts))
    return RUNNER("version", "ok", words)


def _backend(backend: Backend, facts: Facts) -> Check:
    name, detail = backend.name, plain(backend.detail)
    match backend.state:
        case "running":
            # It says so even where no engine's program exists.
            words = " ".join(filter(None, (backend.version, backend.variant)))
            return RUNNER(name, "ok", f"says it runs {words}".rstrip())
        case "installing":
            return RUNNER(name, "note", f"is being installed {detail}".rstrip())
        case "error":
            if any(each.state == "running" for each in facts.snapshot.runner.backends):
                # A backend that is not in use may well lack a dependency.
                return RUNNER(name, "note", f"cannot run: {detail}")
            fix = (Step("4 Timeline shows its log"), _update(facts))
            return RUNNER(name, "problem", f"failed: {detail}", *fix)
        case "not installed":
            evidence = f"not installed: {detail}" if detail else "not installed"
            result: Result = "problem" if name == "llama.cpp" else "note"
            return RUNNER(name, result, evidence, *_installing(backend, facts))
    return RUNNER(name, "unknown", detail or "says nothing")


def _update(facts: Facts) -> Step:
    return UPDATE_DESKTOP if facts.doctor.install == "desktop" else UPDATE


def _installing(backend: Backend, facts: Facts) -> Iterator[Step]:
    if "only" in backend.detail.lower():
        # Only on another system: there is nothing to do here.
        return
    if backend.name == "llama.cpp":
        yield _update(facts)
    elif backend.name == "vllm" and facts.doctor.install == "desktop":
        yield Step("for safetensors models, on Windows with WSL2 and an NVIDIA GPU:")
        yield Step(command=VLLM)
    elif backend.name == "vllm":
        yield Step("for safetensors models, with an NVIDIA GPU", VLLM)


def _models(snapshot: Snapshot) -> Check:
    source = snapshot.source("models")
    if source.health not in {"ok", "stale"}:
        return RUNNER("models", "unknown", source.reason or "not asked yet")
    installed = [row for row in snapshot.models if row.model is not None]
    if installed:
        size = snapshot.runner.models_bytes
        used = "" if size is None else f", {format.disk(size)} on disk"
        return RUNNER("models", "ok", f"{len(installed)} installed{used}")
    steps = (
        Step("n in the list of models, or", "dmr-tui pull ai/smollm2"),
        Step(command="docker model pull ai/gemma3"),
    )
    evidence = "none is installed: every call ends with model not found"
    return RUNNER("models", "problem", evidence, *steps)


def _engine(facts: Facts) -> Check:
    """The proof that an engine works: it has answered a request."""
    snapshot, proof = facts.snapshot, facts.doctor.proof
    if proof is not None:
        return _proved(proof)
    killed = next(
        (a for a in snapshot.alerts if isinstance(a.fact, EngineKilled | OutOfMemory)), None
    )
    if killed is not None:
        # Docker says nothing of an engine that was killed inside a container that runs on.
        text, step = alert_text(killed, snapshot, facts.units, snapshot.taken_at)
        return RUNNER(ENGINE, "problem", plain(text), Step(step))
    loaded_now = next((row for row in snapshot.models if row.loaded), None)
    if loaded_now is not None:
        return RUNNER(ENGINE, "ok", f"{plain(loaded_now.name)} is loaded now")
    loads = [event for event in snapshot.events if event.kind in {"loaded", "load failed"}]
    if loads and loads[-1].kind == "load failed":
        evidence = f"the last load failed: {plain(event_text(loads[-1]))}"
        why = Step("4 Timeline tells why, with the log")
        return RUNNER(ENGINE, "problem", evidence, why, Step("p loads the smallest model, to see"))
    if loads or any(request.outcome in {"ok", "cut"} for request in snapshot.finished):
        return RUNNER(ENGINE, "ok", "it has loaded models or answered calls before")
    evidence = "nothing was loaded yet; Running in its status proves nothing"
    if (model := smallest_model(snapshot)) is None:
        return RUNNER(ENGINE, "unknown", evidence)
    load = f"p loads {plain(model.name)}, the smallest, to prove it; or dmr-tui doctor --prove"
    return RUNNER(ENGINE, "unknown", evidence, Step(load))


def _proved(proof: EngineProof) -> Check:
    """The outcome of loading a model."""
    model, why = plain(proof.model), proof.failure
    if why is None:
        return RUNNER(ENGINE, "ok", f"{model} was loaded in {proof.seconds:.1f} s")
    steps = (Step(text) for text in (why.cause, why.step) if text)
    return RUNNER(ENGINE, "problem", f"{model} was not loaded: {why.what}", *steps)


def smallest_model(snapshot: Snapshot) -> ModelRow | None:
    """The installed model that takes the least to load."""
    rows = [row for row in snapshot.models if row.model is not None and not row.embedding]
    return min(rows, key=lambda row: row.size_bytes or 2**62, default=None)


def _gpu(facts: Facts) -> Iterator[Check]:
    machine, endpoint = facts.snapshot.machine.machine, facts.snapshot.runner.endpoint
    if machine is None or endpoint is None:
        return
    gpus = machine.gpu.gpus
    if not endpoint.is_this_machine:
        evidence = "the runner is on another computer, whose GPU cannot be seen from here"
        yield GPU("host", "unknown", evidence)
    elif not gpus:
        yield GPU("host", "note", f"none is seen: {plain(machine.gpu.reason)}")
    else:
        yield GPU("host", "ok", ", ".join(plain(gpu.name) for gpu in gpus))
        yield from _container_gpu(facts, gpus[0].maker)
        yield _used(facts)


def _container_gpu(facts: Facts, maker: str) -> Iterator[Check]:
    running = [each for each in facts.doctor.controllers if each.state == "running"]
    if facts.doctor.install != "engine" or not running:
        return
    kind = {"NVIDIA": "cuda", "AMD": "rocm"}.get(maker)
    reinstall = Step(command=f"docker model reinstall-runner --gpu {kind}")
    for each in running:
        if each.gpus:
            yield GPU("container", "ok", f"{each.name} was given it, {each.image}")
        elif kind is None:
            evidence = "it was given none; its Vulkan build may still find one"
            yield GPU("container", "note", evidence)
        else:
            evidence = f"{each.name} was given no GPU, {each.image}: it computes on the processor"
            yield GPU("container", "problem", evidence, reinstall)
    engines = [each for each in facts.doctor.engines or () if each.answers and not each.is_desktop]
    if maker == "NVIDIA" and engines and not any("nvidia" in e.runtimes for e in engines):
        evidence = "Docker has no NVIDIA runtime"
        yield GPU("Docker's runtime", "warning", evidence, NVIDIA_TOOLKIT)


def _used(facts: Facts) -> Check:
    snapshot = facts.snapshot
    unused = next((alert for alert in snapshot.alerts if isinstance(alert.fact, GpuUnused)), None)
    if unused is not None:
        text, step = alert_text(unused, snapshot, facts.units, snapshot.taken_at)
        way = Step(command=step) if step.startswith("docker ") else Step(step)
        return GPU("engine", "problem", plain(text), way)
    usages = () if snapshot.memory is None else snapshot.memory.usages
    on_gpu = [
        f"{plain(each.name)} {facts.units.memory(each.vram.value)}"
        for each in usages
        if each.key and each.vram.value
    ]
    if on_gpu:
        return GPU("engine", "ok", f"models are on it: {', '.join(on_gpu)}")
    llama = next((b for b in snapshot.runner.backends if b.name == "llama.cpp"), None)
    if llama is not None and llama.variant == "cpu":
        fix = Step(command="docker model reinstall-runner --gpu auto")
        if facts.doctor.install == "desktop":
            fix = Step("Docker Desktop: Settings, AI, Enable GPU-backed inference")
        return GPU("engine", "warning", "its llama.cpp is built for processors", fix)
    evidence = "no loaded model is seen on it; it shows while a model answers"
    return GPU("engine", "unknown", evidence)
