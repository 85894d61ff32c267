"""One runner: an engine process for one model in one mode."""

import time
from dataclasses import dataclass
from typing import Any

from dmr_tui.simulator.engine.engine import Engine
from dmr_tui.simulator.engine.launch import Launch
from dmr_tui.simulator.golang import NEVER, keep_alive_text, rfc3339
from dmr_tui.simulator.models.model import Model
from dmr_tui.simulator.service.runner_config import RunnerConfig

SLOTS_MAXIMUM = 8
IDLE_NS = 300 * 10**9


@dataclass(frozen=True, slots=True)
class Key:
    """The backend, model and mode that tell runners and configurations apart."""

    backend: str
    digest: str
    mode: str

    def facts(self) -> dict[str, str]:
        """The key in the log's words."""
        return {"backend": self.backend, "model": self.digest, "mode": self.mode}


@dataclass(slots=True, eq=False)
class Runner:
    """A runner that is loaded, or being loaded."""

    key: Key
    reference: str
    """The model's name in the request that had it loaded."""
    model: Model
    slot: int
    engine: Engine
    launch: Launch
    config: RunnerConfig
    """The settings that it was started with."""
    pid: int
    started: int
    """Unix nanoseconds."""
    requests: int = 0
    """Requests that hold it now."""
    idle_since: int = 0
    """Unix nanoseconds; counts while no request holds it."""
    dead: bool = False

    @property
    def program(self) -> str:
        """The name of the engine's process."""
        return "llama-server" if self.key.backend == "llama.cpp" else "vllm"

    @property
    def socket(self) -> str:
        """The socket between the runner and its engine."""
        return f"inference-runner-{self.slot}.sock"

    @property
    def command(self) -> str:
        """The engine's arguments, as the log shows them."""
        path, flags, passed = self.model.path, self.config.runtime_flags, self.launch.passed
        if self.model.backend == "vllm":
            length = ["--max-model-len", str(passed)] if passed is not None else []
            words = ["serve", path, "--uds", self.socket, *length, *flags]
        else:
            modes = {"embedding": ["--embeddings"], "reranking": ["--embeddings", "--reranking"]}
            size = ["--ctx-size", str(passed)] if passed is not None else []
            first = ["-ngl", "999", "--metrics", "--model", path, "--host", self.socket]
            words = [*first, *modes.get(self.key.mode, []), *size, *flags, "--jinja"]
        return f"[{' '.join(words)}]"

    def status(self, keep_alive: int | None, loading: bool) -> dict[str, Any]:
        """A row of `GET /engines/ps`."""
        used = NEVER if loading or self.requests else rfc3339(self.idle_since)
        row: dict[str, Any] = {
            "backend_name": self.key.backend,
            "model_name": self.reference,
            "mode": self.key.mode,
            "last_used": used,
        }
        if self.requests and not loading:
            row["in_use"] = True
        if loading:
            row["loading"] = True
        elif keep_alive is not None:
            row["keep_alive"] = keep_alive_text(keep_alive)
        return row

    def idle_left(self, keep_alive: int | None) -> float | None:
        """Seconds until it is unloaded for idleness; None if nothing leads there."""
        limit = IDLE_NS if keep_alive is None else keep_alive
        if self.requests or limit < 0:
            return None
        return (limit - (time.time_ns() - self.idle_since)) / 1e9
