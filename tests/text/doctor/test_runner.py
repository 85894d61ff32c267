"""What the doctor says of the runner itself: version, backends, GPU, models, engine."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from dmr_tui.machine.gpu.gpu import GpuReport
from dmr_tui.machine.reading import Reading
from dmr_tui.runner.backend import parse_status
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.state.alert import Alert, EngineKilled, GpuUnused, OutOfMemory
from dmr_tui.state.event import ErrorDetail, Event
from dmr_tui.state.memory import MemoryState, MemoryUsage
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.state.source_state import SourceState
from dmr_tui.text.doctor.check import Check, Facts
from dmr_tui.text.doctor.runner_checks import find_runner, smallest_model
from tests.text.doctor.facts import DESKTOP, check, controller, down, engine, facts
from tests.ui.still import HERE, MODELS, NOW, gpu, machine, request, rows, snapshot

ESCAPE = "\x1b[2J"
OK = tuple(SourceState(name, "ok") for name in ("models", "configuration", "log"))


def find(taken: Snapshot, *engines: Any, **more: Any) -> list[Check]:
    return list(find_runner(facts(taken, *(engines or (engine(controller()),)), **more)))


def of_runner(**more: Any) -> Snapshot:
    """A Snapshot whose runner is as told."""
    return snapshot(runner=replace(snapshot().runner, **more))


def desktop() -> Any:
    return engine(system=DESKTOP)


def test_without_a_runner_there_is_nothing_to_say_of_it() -> None:
    assert list(find_runner(facts(down()))) == []


def test_the_version() -> None:
    found = check(find(snapshot()), "version")
    assert (found.result, found.evidence, found.fix) == ("ok", "v1.2.6", ())


def test_an_old_version_and_what_it_lacks() -> None:
    sources = (SourceState("log", "absent"), SourceState("requests feed", "absent"))
    old = replace(of_runner(version=None), sources=sources)
    found = check(find(old), "version")
    assert found.result == "warning"
    assert found.evidence.startswith("before March 2026: it does not tell its version; it lacks")
    assert "its log: context really given" in found.evidence
    assert "its record of calls" in found.evidence
    assert "a load generates one token" in found.evidence
    assert "what is configured" not in found.evidence
    assert "docker model install-runner" in found.fix[0]
    assert check(find(old, desktop()), "version").fix == (
        "update Docker Desktop; the runner comes with it",
    )


def backend(name: str, text: str, *engines: Any) -> Check:
    return check(find(of_runner(backends=(parse_status(name, text),)), *engines), name)


def test_backends() -> None:
    running = backend("llama.cpp", "Running: llama.cpp b9879")
    assert (running.result, running.evidence) == ("ok", "says it runs b9879")
    installing = backend("vllm", "Installing: 40 %")
    assert (installing.result, installing.evidence) == ("note", "is being installed 40 %")
    failed = backend("llama.cpp", f"Error: no library{ESCAPE}")
    assert failed.result == "problem"
    assert "failed: no library" in failed.evidence
    assert "\x1b" not in failed.evidence
    assert failed.fix[0] == "4 Timeline shows its log"
    assert backend("new", "what").result == "unknown"


def test_why_a_backend_is_not_installed() -> None:
    needed = backend("llama.cpp", "Not Installed: binary not found")
    assert (needed.result, needed.evidence) == ("problem", "not installed: binary not found")
    assert needed.fix
    vllm = backend("vllm", "Not Installed: binary not found")
    assert vllm.result == "note"
    assert vllm.fix == (
        "for safetensors models, with an NVIDIA GPU:"
        " docker model install-runner --backend vllm --gpu cuda",
    )
    assert "WSL2" in backend("vllm", "Not Installed", desktop()).fix[0]
    elsewhere = backend("mlx", "Not Installed: only supported on Apple Silicon")
    assert (elsewhere.result, elsewhere.fix) == ("note", ())
    assert backend("diffusers", "Not Installed").evidence == "not installed"


def test_models() -> None:
    found = check(find(replace(snapshot(), sources=OK)), "models")
    assert (found.result, found.evidence) == ("ok", "4 installed, 12.4 GB on disk")
    unknown = check(find(replace(of_runner(models_bytes=None), sources=OK)), "models")
    assert unknown.evidence == "4 installed"


def test_no_model_is_installed() -> None:
    found = check(find(snapshot(models=())), "models")
    assert found.result == "problem"
    assert found.evidence == "none is installed: every call ends with model not found"
    assert "dmr-tui pull ai/smollm2" in found.fix[0]


def test_a_list_of_models_that_did_not_come_is_not_an_empty_one() -> None:
    sources = (SourceState("models", "waiting", "500: no"),)
    found = check(find(snapshot(models=(), sources=sources)), "models")
    assert (found.result, found.evidence) == ("unknown", "500: no")


def event(kind: str, at: float, text: str = "") -> Event:
    return Event(f"{kind}{at}", at, kind, ErrorDetail(text or kind), "log")  # type: ignore[arg-type]


def idle(models: Iterable[ModelRow]) -> tuple[ModelRow, ...]:
    """The models as they are when none is loaded."""
    return tuple(structs.replace(row, runs=()) for row in models if row.model is not None)


def at_work(**more: Any) -> Check:
    return check(find(snapshot(**{"models": idle(rows()), **more})), "engine at work")


def test_nothing_but_work_proves_an_engine() -> None:
    found = at_work()
    assert found.result == "unknown"
    assert found.evidence == "nothing was loaded yet; Running in its status proves nothing"
    assert "p loads smollm2:360M-Q8_0" in found.fix[0]
    assert "dmr-tui doctor --prove" in found.fix[0]
    embedding = at_work(models=idle(rows([MODELS[3]])))
    assert embedding.fix == (), "there is no model to try it with"
    names = [each.name for each in find(snapshot(models=()))]
    assert "engine at work" not in names, "without a model nothing can be tried"


def test_an_engine_that_works_or_has_worked() -> None:
    loaded = at_work(models=rows())
    assert loaded.result == "ok"
    assert loaded.evidence.endswith(" is loaded now")
    assert at_work(events=(event("loaded", 1.0),)).result == "ok"
    assert at_work(finished=(request(outcome="ok"),)).result == "ok"
    assert at_work(finished=(request(outcome="failed"),)).result == "unknown"


def test_a_model_that_is_still_loading_proves_nothing() -> None:
    models = tuple(
        structs.replace(row, runs=tuple(structs.replace(run, state="loading") for run in row.runs))
        for row in rows()
    )
    assert at_work(models=models).result == "unknown"


def test_an_engine_that_says_running_and_is_not_there() -> None:
    failed = event("load failed", 9.0, f"binary not found{ESCAPE}")
    found = at_work(events=(event("loaded", 1.0), failed))
    assert found.result == "problem"
    assert "the last load failed: binary not found" in found.evidence
    assert "\x1b" not in found.evidence
    assert found.fix[0] == "4 Timeline tells why, with the log"
    assert at_work(events=(failed, event("loaded", 10.0))).result == "ok", "it was mended"


def test_an_engine_process_that_was_killed_for_memory() -> None:
    killed = Alert("killed:x", "critical", EngineKilled(f"x{ESCAPE}", NOW, 1))
    found = at_work(models=rows(), alerts=(killed,))
    assert found.result == "problem"
    assert found.evidence.startswith("The system killed the engine of x")
    assert "\x1b" not in found.evidence
    assert found.fix == ("1 killed so far; unload a model or close programs",)
    event = Event("e", NOW, "out of memory", ErrorDetail("It does not fit"), "log", "error")
    full = Alert("memory:x", "critical", OutOfMemory("x", event, None))
    found = at_work(models=rows(), alerts=(full,))
    assert found.evidence == "x, 0 s ago: It does not fit"
    assert found.fix == ("see who holds the memory",)


def test_the_smallest_model_is_one_that_answers() -> None:
    small = smallest_model(snapshot())
    assert small is not None
    assert small.name == "smollm2:360M-Q8_0", "the smaller one makes embeddings"
    assert smallest_model(snapshot(models=rows([MODELS[3]]))) is None


def on(report: GpuReport | None = None, **more: Any) -> Snapshot:
    report = report or GpuReport("NVML", (gpu(maker="NVIDIA"),))
    return snapshot(machine=machine(report), **more)


def gpu_checks(taken: Snapshot, *engines: Any) -> dict[str, Check]:
    return {each.name: each for each in find(taken, *engines) if each.group == "GPU"}


WITH_GPU = controller(gpus=True, image="docker/model-runner:latest-cuda")


def test_a_host_without_a_gpu() -> None:
    none = GpuReport("NVML", (), f"no NVIDIA driver{ESCAPE}")
    checks = gpu_checks(on(none))
    assert set(checks) == {"host"}
    assert checks["host"].result == "note"
    assert "none is seen: no NVIDIA driver" in checks["host"].evidence
    assert "\x1b" not in checks["host"].evidence


def test_the_gpu_of_another_computer_is_not_known() -> None:
    away = replace(snapshot().runner, endpoint=parse_host("box", "--host"))
    checks = gpu_checks(on(runner=away))
    assert set(checks) == {"host"}
    assert checks["host"].result == "unknown"


def test_a_container_that_was_given_the_gpu() -> None:
    checks = gpu_checks(on(), engine(WITH_GPU, runtimes=("nvidia", "runc")))
    assert checks["host"].evidence == "NVIDIA GeForce RTX 4090"
    assert checks["container"].result == "ok"
    assert "latest-cuda" in checks["container"].evidence
    assert "Docker's runtime" not in checks


@pytest.mark.parametrize(("maker", "kind"), [("NVIDIA", "cuda"), ("AMD", "rocm")])
def test_a_container_that_was_given_no_gpu(maker: Any, kind: str) -> None:
    checks = gpu_checks(on(GpuReport("x", (gpu(maker=maker),))), engine(controller()))
    found = checks["container"]
    assert found.result == "problem"
    assert "it computes on the processor" in found.evidence
    assert found.fix == (f"docker model reinstall-runner --gpu {kind}",)
    assert ("Docker's runtime" in checks) is (maker == "NVIDIA")


def test_a_gpu_for_vulkan_and_docker_without_a_runtime_for_nvidia() -> None:
    intel = gpu_checks(on(GpuReport("xe", (gpu(maker="Intel"),))), engine(controller()))
    assert intel["container"].result == "note"
    runtime = gpu_checks(on(), engine(WITH_GPU))["Docker's runtime"]
    assert runtime.result == "warning"
    assert "nvidia-ctk runtime configure" in runtime.fix[0]


def test_containers_that_do_not_run_and_desktop_have_no_say() -> None:
    assert "container" not in gpu_checks(on(), engine(controller("exited")))
    assert "container" not in gpu_checks(on(), desktop())


def test_whether_an_engine_uses_the_gpu() -> None:
    def used(taken: Snapshot, *engines: Any) -> Check:
        return gpu_checks(taken, *engines)["engine"]

    assert used(on()).result == "unknown"
    alert = Alert("gpu unused", "warning", GpuUnused("qwen3", "RTX 4090", "AMD", 3.0, "container"))
    unused = used(on(alerts=(alert,)))
    assert (unused.result, unused.evidence, unused.fix) == (
        "problem",
        "qwen3 runs on the processor, RTX 4090 is used 3 %; its container has no GPU",
        ("docker model reinstall-runner --gpu rocm",),
    )
    none: Reading[int] = Reading(None, "x")
    there = MemoryUsage("sha256:1", "qwen3", Reading(4 * 2**30), none)
    other = MemoryUsage("", "firefox", Reading(2**30), none)
    holds = used(on(memory=MemoryState(usages=(there, other))))
    assert (holds.result, holds.evidence) == ("ok", "models are on it: qwen3 4.0 GiB")
    assert used(on(memory=MemoryState(usages=(other,)))).result == "unknown"
    cpu = replace(snapshot().runner, backends=(parse_status("llama.cpp", "Running: b1-cpu b1"),))
    assert used(on(runner=cpu)).fix == ("docker model reinstall-runner --gpu auto",)
    assert "GPU-backed inference" in used(on(runner=cpu), desktop()).fix[0]


def test_the_kind_of_installation() -> None:
    def install(*engines: Any, **more: Any) -> str:
        told: Facts = facts(None, *engines, **more)
        return told.doctor.install

    assert install(desktop()) == "desktop"
    assert install(engine(cloud=True)) == "cloud"
    assert install(engine()) == "engine"
    assert install(engine(trouble="no socket")) == "none"
    assert install(engine(trouble="hung")) == "unknown"
    assert HERE.rule == "default"
