"""Made-up engines and GPUs for tests of who holds memory."""

import msgspec

from dmr_tui.machine.container import Container, ContainerReport
from dmr_tui.machine.gpu.gpu import Gpu, GpuProcess, GpuReport
from dmr_tui.machine.host import Host
from dmr_tui.machine.probe import Machine
from dmr_tui.machine.processes import EngineProcess, ProcessReport
from dmr_tui.machine.reading import Reading
from dmr_tui.runner.wire import Model
from dmr_tui.simulator.models.model import Model as Simulated
from tests.ui.still import GIB, HOST, MODELS, gpu

QWEN, GEMMA, SMOLLM, NOMIC = (model.id for model in MODELS)


def engine(pid: int, digest: str | None, **more: object) -> EngineProcess:
    """An engine process with half a GiB of its own and a quarter of mapped weights."""
    values: dict[str, object] = {
        "pid": pid,
        "name": "llama-server",
        "backend": "llama.cpp",
        "digest": digest,
        "mode": "completion",
        "started_at": 1_000.0,
        "arguments": ("-ngl", "999", "--ctx-size", "8192"),
        "resident": Reading(3 * GIB // 4),
        "own": Reading(GIB // 2),
        "mapped": Reading(GIB // 4),
        "swapped": Reading(0),
        "cpu": Reading(3.0),
    }
    return EngineProcess(**{**values, **more})  # type: ignore[arg-type]


def user(pid: int, name: str, gib: float) -> GpuProcess:
    """A program that holds so many GiB of a GPU."""
    return GpuProcess(pid, name, Reading(int(gib * GIB)))


def card(*users: GpuProcess, used: float = 18.2, total: float = 24.0, **more: object) -> Gpu:
    """A GPU with so many GiB in use, and who holds them."""
    return gpu(
        **{
            "memory_used": Reading(int(used * GIB)),
            "memory_total": Reading(int(total * GIB)),
            "processes": Reading(users),
            "maker": "NVIDIA",
            "source": "NVML",
            **more,
        }
    )


def computer(
    *gpus: Gpu,
    engines: tuple[EngineProcess, ...] = (),
    host: Host = HOST,
    container: Container | None = None,
    reason: str = "",
) -> Machine:
    """A computer with these GPUs and engines."""
    report = GpuReport("NVML", gpus, "" if gpus else "no NVIDIA driver on this machine")
    held = ContainerReport(container, "docker" if container else "")
    return Machine(host, report, ProcessReport(engines, reason), held)


def container(**more: object) -> Container:
    """The runner's container, without a limit."""
    values: dict[str, object] = {
        "id": "c" * 64,
        "name": "docker-model-runner",
        "image": "docker/model-runner:latest-cuda",
        "state": "running",
        "limit": Reading(None, "no limit"),
        "needed": Reading(GIB),
        "mapped": Reading(2 * GIB),
        "oom_kills": Reading(0),
        "gpus": True,
    }
    return Container(**{**values, **more})  # type: ignore[arg-type]


def packaged(*models: Simulated) -> list[Model]:
    """What the runner would list of these simulated models, with the whole GGUF header."""
    return [
        msgspec.convert(
            {
                "id": model.digest,
                "tags": [f"docker.io/{model.name}"],
                "created": model.created,
                "config": model.config(),
            },
            Model,
        )
        for model in models
    ]
