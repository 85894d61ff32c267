"""Checks of the runner itself: its version, backends, GPU, models, and whether an engine works."""

from collections.abc import Iterator

from dmr_tui.runner.backend import Backend
from dmr_tui.state.alert import EngineKilled, GpuUnused, OutOfMemory
from dmr_tui.state.doctor_facts import EngineProof
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.alerts import alert_text
from dmr_tui.text.doctor.check import Check, Result, Step
from dmr_tui.text.doctor.docker_checks import NVIDIA_TOOLKIT
from dmr_tui.text.doctor.facts import Facts
from dmr_tui.text.events import event_text
from dmr_tui.text.sanitize import plain

GROUP = "The runner"
GPU_GROUP = "GPU"
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
    """The runner's version, backends and what they can do."""
    if not facts.up:
        return
    snapshot = facts.snapshot
    yield _version(facts)
    for backend in snapshot.runner.backends:
        yield _backend(backend, facts)
    yield from _models(snapshot)
    if any(row.model is not None for row in snapshot.models):
        yield _engine(facts)
    yield from _gpu(facts)


def _version(facts: Facts) -> Check:
    snapshot = facts.snapshot
    absent = [words for name, words in LACKS if snapshot.source(name).health == "absent"]
    version = snapshot.runner.version
    told = plain(version) if version else "before March 2026: it does not tell its version"
    if version is None:
        # The header of a preload came with the same release as GET /version.
        absent.append("loading without an answer: a load generates one token")
    if absent:
        return Check(
            GROUP, "version", "warning", f"{told}; it lacks {'; '.join(absent)}", (_update(facts),)
        )
    return Check(GROUP, "version", "ok", told)


def _backend(backend: Backend, facts: Facts) -> Check:
    words = " ".join(filter(None, (backend.version, backend.variant)))
    detail = plain(backend.detail)
    match backend.state:
        case "running":
            # It says so even where no engine's program exists.
            return Check(GROUP, backend.name, "ok", f"says it runs {words}".rstrip())
        case "installing":
            return Check(GROUP, backend.name, "note", f"is being installed {detail}".rstrip())
        case "error":
            fix = (Step("4 Timeline shows its log"), _update(facts))
            if any(each.state == "running" for each in facts.snapshot.runner.backends):
                # A backend that is not in use may well lack what it needs.
                return Check(GROUP, backend.name, "note", f"cannot run: {detail}")
            return Check(GROUP, backend.name, "problem", f"failed: {detail}", fix)
        case "not installed":
            needed = backend.name == "llama.cpp"
            result: Result = "problem" if needed else "note"
            evidence = f"not installed: {detail}" if detail else "not installed"
            return Check(GROUP, backend.name, result, evidence, _installing(backend, facts))
    return Check(GROUP, backend.name, "unknown", detail or "says nothing")


def _update(facts: Facts) -> Step:
    return UPDATE_DESKTOP if facts.doctor.install == "desktop" else UPDATE


def _installing(backend: Backend, facts: Facts) -> tuple[Step, ...]:
    detail = backend.detail.lower()
    if "only" in detail:
        # Only on another system: there is nothing to do here.
        return ()
    if backend.name == "llama.cpp":
        return (_update(facts),)
    if backend.name == "vllm":
        if facts.doctor.install == "desktop":
            words = "for safetensors models, on Windows with WSL2 and an NVIDIA GPU:"
            return (Step(words), Step(command=VLLM))
        return (Step("for safetensors models, with an NVIDIA GPU", VLLM),)
    return ()


def _models(snapshot: Snapshot) -> Iterator[Check]:
    health = snapshot.source("models").health
    if health not in {"ok", "stale"}:
        yield Check(GROUP, "models", "unknown", snapshot.source("models").reason or "not asked yet")
        return
    installed = [row for row in snapshot.models if row.model is not None]
    if installed:
        size = snapshot.runner.models_bytes
        told = "" if size is None else f", {format.disk(size)} on disk"
        yield Check(GROUP, "models", "ok", f"{len(installed)} installed{told}")
        return
    yield Check(
        GROUP,
        "models",
        "problem",
        "none is installed: every call ends with model not found",
        (
            Step("n in the list of models, or", "dmr-tui pull ai/smollm2"),
            Step(command="docker model pull ai/gemma3"),
        ),
    )


def _engine(facts: Facts) -> Check:
    """The proof that an engine works: it has answered a request."""
    name, snapshot, proof = ENGINE, facts.snapshot, facts.doctor.proof
    if proof is not None:
        return _proved(proof)
    failed = next((e for e in reversed(snapshot.events) if e.kind == "load failed"), None)
    loaded = next((e for e in reversed(snapshot.events) if e.kind == "loaded"), None)
    worked = next((c for c in reversed(snapshot.finished) if c.outcome in {"ok", "cut"}), None)
    killed = next(
        (a for a in snapshot.alerts if isinstance(a.fact, EngineKilled | OutOfMemory)), None
    )
    if killed is not None:
        # Docker says nothing of an engine that was killed inside a container that runs on.
        text, step = alert_text(killed, snapshot, facts.units, snapshot.taken_at)
        return Check(GROUP, name, "problem", plain(text), (Step(step),))
    runs = [row for row in snapshot.models if row.loaded]
    if runs:
        return Check(GROUP, name, "ok", f"{plain(runs[0].name)} is loaded now")
    if failed is not None and (loaded is None or loaded.at < failed.at):
        ways = (
            Step("4 Timeline tells why, with the log"),
            Step("p loads the smallest model, to see"),
        )
        return Check(
            GROUP, name, "problem", f"the last load failed: {plain(event_text(failed))}", ways
        )
    if loaded is not None or worked is not None:
        return Check(GROUP, name, "ok", "it has loaded models or answered calls before")
    evidence = "nothing was loaded yet; Running in its status proves nothing"
    smallest = smallest_model(snapshot)
    fix = () if smallest is None else (_proof(smallest),)
    return Check(GROUP, name, "unknown", evidence, fix)


def _proved(proof: EngineProof) -> Check:
    """The outcome of loading a model."""
    model, why = plain(proof.model), proof.failure
    if why is None:
        return Check(GROUP, ENGINE, "ok", f"{model} was loaded in {proof.seconds:.1f} s")
    steps = tuple(Step(text) for text in (why.cause, why.step) if text)
    return Check(GROUP, ENGINE, "problem", f"{model} was not loaded: {why.what}", steps)


def _proof(model: ModelRow) -> Step:
    name = plain(model.name)
    return Step(f"p loads {name}, the smallest, to prove it; or dmr-tui doctor --prove")


def smallest_model(snapshot: Snapshot) -> ModelRow | None:
    """The installed model that takes the least to load."""
    rows = [row for row in snapshot.models if row.model is not None and not row.embedding]
    return min(rows, key=lambda row: row.size_bytes or 2**62, default=None)


def _gpu(facts: Facts) -> Iterator[Check]:
    snapshot = facts.snapshot
    machine, endpoint = snapshot.machine.machine, snapshot.runner.endpoint
    if machine is None or endpoint is None:
        return
    if not endpoint.is_this_machine:
        evidence = "the runner is on another computer, whose GPU cannot be seen from here"
        yield Check(GPU_GROUP, "host", "unknown", evidence)
        return
    if not machine.gpu.gpus:
        yield Check(GPU_GROUP, "host", "note", f"none is seen: {plain(machine.gpu.reason)}")
        return
    names = ", ".join(plain(gpu.name) for gpu in machine.gpu.gpus)
    yield Check(GPU_GROUP, "host", "ok", names)
    maker = machine.gpu.gpus[0].maker
    yield from _container_gpu(facts, maker)
    yield from _used(facts)


def _container_gpu(facts: Facts, maker: str) -> Iterator[Check]:
    running = [each for each in facts.doctor.controllers if each.state == "running"]
    if facts.doctor.install != "engine" or not running:
        return
    kind = {"NVIDIA": "cuda", "AMD": "rocm"}.get(maker)
    reinstall = Step(command=f"docker model reinstall-runner --gpu {kind}")
    for each in running:
        if each.gpus:
            yield Check(GPU_GROUP, "container", "ok", f"{each.name} was given it, {each.image}")
        elif kind is None:
            evidence = "it was given none; its Vulkan build may still find one"
            yield Check(GPU_GROUP, "container", "note", evidence)
        else:
            evidence = f"{each.name} was given no GPU, {each.image}: it computes on the processor"
            yield Check(GPU_GROUP, "container", "problem", evidence, (reinstall,))
    engines = [each for each in facts.doctor.engines or () if each.answers and not each.is_desktop]
    if maker == "NVIDIA" and engines and not any("nvidia" in e.runtimes for e in engines):
        evidence = "Docker has no NVIDIA runtime"
        yield Check(GPU_GROUP, "Docker's runtime", "warning", evidence, (NVIDIA_TOOLKIT,))


def _used(facts: Facts) -> Iterator[Check]:
    snapshot = facts.snapshot
    unused = next((alert for alert in snapshot.alerts if isinstance(alert.fact, GpuUnused)), None)
    if unused is not None:
        text, step = alert_text(unused, snapshot, facts.units, snapshot.taken_at)
        way = Step(command=step) if step.startswith("docker ") else Step(step)
        yield Check(GPU_GROUP, "engine", "problem", plain(text), (way,))
        return
    usages = () if snapshot.memory is None else snapshot.memory.usages
    on_gpu = [each for each in usages if each.key and each.vram.value]
    if on_gpu:
        told = ", ".join(
            f"{plain(each.name)} {facts.units.memory(each.vram.value)}" for each in on_gpu
        )
        yield Check(GPU_GROUP, "engine", "ok", f"models are on it: {told}")
        return
    llama = next((b for b in snapshot.runner.backends if b.name == "llama.cpp"), None)
    if llama is not None and llama.variant == "cpu":
        fix = Step(command="docker model reinstall-runner --gpu auto")
        if facts.doctor.install == "desktop":
            fix = Step("Docker Desktop: Settings, AI, Enable GPU-backed inference")
        evidence = "its llama.cpp is built for processors"
        yield Check(GPU_GROUP, "engine", "warning", evidence, (fix,))
        return
    evidence = "no loaded model is seen on it; it shows while a model answers"
    yield Check(GPU_GROUP, "engine", "unknown", evidence)
