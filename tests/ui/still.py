"""A monitor that stands still: one made-up Snapshot, for pictures and for screens alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from msgspec import structs

from dmr_tui.machine.gpu.gpu import Gpu, GpuReport
from dmr_tui.machine.host import Host
from dmr_tui.machine.probe import Machine
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.meter import Turn
from dmr_tui.measure.stats import Summary
from dmr_tui.monitor.alerts import find
from dmr_tui.monitor.crashes import Crash
from dmr_tui.monitor.model_rows import Installed, Loaded
from dmr_tui.runner.backend import parse_status
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.errors.explain import Explanation
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import Configured, Model, Running
from dmr_tui.state.engine_facts import EngineFacts
from dmr_tui.state.plan import Plan, Progress
from dmr_tui.state.prompt import Prompt
from dmr_tui.state.replies import Bodies, RemoteModel, StoredConfigResult
from dmr_tui.state.request_filter import View
from dmr_tui.state.requests import Throughput
from dmr_tui.state.snapshot import Attempt, MachineState, Runner, Snapshot
from dmr_tui.state.source_state import SourceState

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC).timestamp()
HERE = Endpoint("http://localhost:12434", "default")
GIB = 2**30


class StillMonitor:
    """Publishes one Snapshot, and answers prompts with turns that were made up."""

    def __init__(
        self, snapshot: Snapshot, turns: tuple[Turn, ...] = (), *, read_only: bool = False
    ) -> None:
        self.read_only = read_only
        self.prompts: list[Prompt] = []
        self.views: list[View] = []
        self.named: list[tuple[str, str, float | None]] = []
        self.replayed: list[tuple[Request, str]] = []
        self.plans: list[Plan] = []
        self.progress: tuple[Progress, ...] = ()
        """What carrying out a plan publishes."""
        self.known_bodies: dict[str, Bodies] = {}
        self.stopped = 0
        self.offers: dict[str, RemoteModel] = {}
        """What a registry has, by name."""
        self.stored: dict[tuple[str, str], StoredConfigResult] = {}
        """What is configured, by digest and mode."""
        self.looked_up: list[str] = []
        self.pulled: list[str] = []
        self.stopped_pulls: list[str] = []
        self.tidied = 0
        self.forgotten: list[str] = []
        self._snapshot = snapshot
        self._turns = turns
        self._publish: Callable[[Snapshot], None] = lambda snapshot: None

    def start(self, publish: Callable[[Snapshot], None], crashed: Callable[[Crash], None]) -> None:
        self._publish = publish
        publish(self._snapshot)

    def show(self, snapshot: Snapshot) -> None:
        """Publish another Snapshot."""
        self._snapshot = snapshot
        self._publish(snapshot)

    def stop(self) -> None:
        return None

    def kick(self) -> None:
        self._publish(self._snapshot)

    def ask(self, prompt: Prompt, publish: Callable[[Turn], None]) -> Callable[[], None]:
        self.prompts.append(prompt)
        for turn in self._turns:
            publish(structs.replace(turn, model=prompt.model))

        def stop() -> None:
            self.stopped += 1
            publish(Turn(prompt.model, ended=True, stopped=True))

        return stop

    def look(self, view: View) -> None:
        self.views.append(view)

    def name_caller(self, caller: str, name: str, limit: float | None) -> None:
        self.named.append((caller, name, limit))

    def bodies(self, request: Request, publish: Callable[[Bodies], None]) -> None:
        gone = Bodies(request.id, failure=Explanation("Nobody keeps it any more"))
        publish(self.known_bodies.get(request.id, gone))

    def replay(
        self, request: Request, model: str, publish: Callable[[Turn], None]
    ) -> Callable[[], None]:
        self.replayed.append((request, model))
        return self.ask(Prompt(model, ()), publish)

    def look_up(self, name: str, publish: Callable[[RemoteModel], None]) -> None:
        self.looked_up.append(name)
        nobody = Explanation(f"No registry has {name}")
        publish(self.offers.get(name, RemoteModel(name, failure=nobody)))

    def pull(self, name: str) -> None:
        self.pulled.append(name)

    def stop_pull(self, name: str) -> None:
        self.stopped_pulls.append(name)

    def forget_pulls(self) -> None:
        self.tidied += 1

    def dismissed(self, key: str) -> None:
        self.forgotten.append(key)

    def stored_config(
        self, digest: str, mode: str, publish: Callable[[StoredConfigResult], None]
    ) -> None:
        publish(self.stored.get((digest, mode), StoredConfigResult()))

    def run_plan(self, plan: Plan, publish: Callable[[Progress], None]) -> Callable[[], None]:
        self.plans.append(plan)
        for progress in self.progress:
            publish(progress)

        def stop() -> None:
            self.stopped += 1
            steps = self.progress[-1].steps if self.progress else ()
            publish(Progress(steps, ended=True, stopped=True, note="It goes on loading."))

        return stop


def model(number: int, name: str, architecture: str, size: str, **more: object) -> Model:
    """An installed model."""
    gguf = {
        "general.architecture": architecture,
        "general.name": name.split(":")[0],
        f"{architecture}.context_length": str(more.pop("trained", 40960)),
        f"{architecture}.block_count": "36",
        "tokenizer.ggml.model": "gpt2",
    }
    config = {
        "format": "gguf",
        "architecture": architecture,
        "parameters": more.pop("parameters", "8.19 B"),
        "quantization": more.pop("quantization", "MOSTLY_Q4_K_M"),
        "size": size,
        "context_size": more.pop("context", None),
        "gguf": gguf,
    }
    entry = {"id": f"sha256:{number:064x}", "tags": [f"docker.io/ai/{name}"], "config": config}
    return msgspec.convert({**entry, "created": 1_795_000_000}, Model)


MODELS = [
    model(1, "qwen3:8B-Q4_K_M", "qwen3", "4.68GiB", context=8192),
    model(2, "gemma3:4B-Q4_K_M", "gemma3", "2.31GiB", parameters="3.88 B", trained=131072),
    model(3, "smollm2:360M-Q8_0", "llama", "369.35MB", parameters="361.82 M", trained=8192),
    model(
        4,
        "nomic-embed-text-v1.5:F16",
        "nomic-bert",
        "260.85MiB",
        parameters="136.73 M",
        quantization="MOSTLY_F16",
        trained=2048,
    ),
]


def running(name: str, mode: str = "completion", **more: object) -> Running:
    """A loaded model, idle for 108 seconds unless told otherwise."""
    used = datetime.fromtimestamp(NOW - 108, UTC)
    entry = {"backend_name": "llama.cpp", "model_name": name, "mode": mode, "last_used": used}
    return msgspec.convert({**entry, **more}, Running)


def rows(models: list[Model] = MODELS, *, busy: bool = True):  # type: ignore[no-untyped-def]
    """The models with two of them loaded."""
    ps = [
        running("ai/qwen3:8B-Q4_K_M", in_use=busy),
        running("ai/nomic-embed-text-v1.5:F16", "embedding"),
    ]
    facts = {MODELS[0].id: EngineFacts(NOW - 900, context=8192, slots=4)}
    since = {("ai/qwen3:8B-Q4_K_M", "completion"): NOW - 12}
    configured: list[Configured] = []
    return Installed(models).rows(Loaded(ps, since, facts, {}, configured))


def request(**more: object) -> Request:
    """A call in flight."""
    values: dict[str, object] = {
        "id": f"{MODELS[0].id}_1",
        "model": "ai/qwen3:8B-Q4_K_M",
        "digest": MODELS[0].id,
        "api": "OpenAI chat",
        "caller": "LangChain JS (n8n AI nodes)",
        "started_at": NOW - 12,
        "outcome": "in flight",
        "status": 0,
        "limit": 300.0,
    }
    return Request(**{**values, **more})  # type: ignore[arg-type]


def gpu(**more: object) -> Gpu:
    """A GPU at work."""
    values: dict[str, object] = {
        "index": 0,
        "name": "NVIDIA GeForce RTX 4090",
        "use": Reading(97.0),
        "memory_used": Reading(int(18.2 * GIB)),
        "memory_total": Reading(24 * GIB),
        "temperature": Reading(71.0),
        "power": Reading(312.0),
        "power_limit": Reading(450.0),
        "clock": Reading(2610.0),
    }
    return Gpu(**{**values, **more})  # type: ignore[arg-type]


HOST = Host(
    cpu=Reading(23.0),
    cpu_count=16,
    ram_used=Reading(int(21.3 * GIB)),
    ram_total=Reading(64 * GIB),
    swap_used=Reading(0),
    swap_total=Reading(8 * GIB),
)


def wave(top: float, low: float = 5.0) -> tuple[float | None, ...]:
    """A minute of ups and downs, with a gap."""
    values = [low + (top - low) * (number % 12) / 11 for number in range(60)]
    return tuple(None if 20 <= number < 24 else value for number, value in enumerate(values))


def machine(report: GpuReport | None = None, host: Host = HOST) -> MachineState:
    """A computer with its last minute."""
    report = report or GpuReport("NVML", (gpu(),))
    return MachineState(
        machine=Machine(host, report),
        cpu=wave(40.0),
        ram=wave(34.0, 30.0),
        gpu_use=tuple(wave(98.0) for _ in report.gpus),
        gpu_memory=tuple(wave(76.0, 40.0) for _ in report.gpus),
    )


NAMES = ("runners", "backends", "models", "configuration", "disk", "requests feed", "log")
STATUS = {
    "llama.cpp": "Running: llama.cpp latest-cuda (sha256:1f0c9a7d) b9879",
    "vllm": "Not Installed: binary not found",
    "mlx": "Not Installed: only supported on Apple Silicon",
}


def snapshot(**more: object) -> Snapshot:
    """Everything well: two models loaded, one call in flight."""
    calls = tuple(None if number % 5 else 38.0 + number % 7 for number in range(60))
    values: dict[str, object] = {
        "taken_at": NOW,
        "runner": Runner(
            up=True,
            endpoint=HERE,
            version="v1.2.6",
            banner="Docker Model Runner is running",
            backends=tuple(parse_status(*item) for item in sorted(STATUS.items())),
            latency_ms=1.0,
            models_bytes=12_400_000_000,
            slots_used=2,
            slots_total=8,
        ),
        "attempts": (Attempt(HERE, "a runner answers", ok=True),),
        "models": rows(),
        "in_flight": (request(),),
        "throughput": Throughput(
            300.0,
            decode=Summary(12, 41.2, 44.0, 38.0, 44.1),
            prefill=Summary(11, 806.0, 911.0, 640.0, 930.0),
            last_decode=42.1,
            last_prefill=812.0,
            series_end=600,
            decode_series=calls,
            prefill_series=tuple(None if v is None else v * 20 for v in calls),
            finished=41,
            failed=1,
            client_left=2,
        ),
        "machine": machine(),
        "sources": (*(SourceState(name, "ok") for name in NAMES), SourceState("machine", "ok")),
    }
    return Snapshot(**{**values, **more})  # type: ignore[arg-type]


def without_runner() -> Snapshot:
    """Nothing answers."""
    alone = Snapshot(
        taken_at=NOW,
        runner=Runner(up=False, endpoint=HERE),
        attempts=(Attempt(HERE, "connection refused: nothing listens there"),),
        machine=machine(GpuReport("NVML", (), "no NVIDIA driver on this machine")),
        sources=(SourceState("machine", "ok"),),
    )
    return judged(alone)


def judged(snapshot: Snapshot) -> Snapshot:
    """The same with what is wrong in it."""
    return replace(snapshot, alerts=find(snapshot))
