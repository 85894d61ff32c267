"""One runner: an engine process for one model in one mode."""

import time
from dataclasses import dataclass
from typing import Any

from dmr_tui.simulator.configuration import RunnerConfig
from dmr_tui.simulator.engine import Engine
from dmr_tui.simulator.golang import NEVER, keep_alive_text, rfc3339
from dmr_tui.simulator.model import Model
from dmr_tui.simulator.shape import Shape

SLOTS_MAXIMUM = 8
IDLE_NS = 300 * 10**9


@dataclass(frozen=True, slots=True)
class Key:
    """What runners and configurations are told apart by."""

    backend: str
    digest: str
    mode: str


@dataclass(slots=True, eq=False)
class Runner:
    """A runner that is loaded, or being loaded."""

    key: Key
    reference: str
    """What the caller who had it loaded wrote."""
    model: Model
    slot: int
    engine: Engine
    shape: Shape
    command: str
    """The engine's arguments, as the log shows them."""
    pid: int
    started: int
    """Unix nanoseconds."""
    calls: int = 0
    """Calls that hold it now."""
    idle_since: int = 0
    """Unix nanoseconds; counts while no call holds it."""
    dead: bool = False

    def status(self, keep_alive: int | None, loading: bool) -> dict[str, Any]:
        """A row of `GET /engines/ps`."""
        used = NEVER if loading or self.calls else rfc3339(self.idle_since)
        row: dict[str, Any] = {
            "backend_name": self.key.backend,
            "model_name": self.reference,
            "mode": self.key.mode,
            "last_used": used,
        }
        if self.calls and not loading:
            row["in_use"] = True
        if loading:
            row["loading"] = True
        elif keep_alive is not None:
            row["keep_alive"] = keep_alive_text(keep_alive)
        return row

    def idle_left(self, keep_alive: int | None) -> float | None:
        """Seconds until it is unloaded for idleness; None if nothing leads there."""
        limit = IDLE_NS if keep_alive is None else keep_alive
        if self.calls or limit < 0:
            return None
        return (limit - (time.time_ns() - self.idle_since)) / 1e9


def arguments(model: Model, mode: str, slot: int, passed: int | None, config: RunnerConfig) -> str:
    """The engine's command line as the log shows it."""
    flags = list(config.runtime_flags)
    if model.backend == "vllm":
        length = ["--max-model-len", str(passed)] if passed is not None else []
        words = ["serve", model.path, "--uds", socket_name(slot), *length, *flags]
    else:
        modes = {"embedding": ["--embeddings"], "reranking": ["--embeddings", "--reranking"]}
        size = ["--ctx-size", str(passed)] if passed is not None else []
        base = ["-ngl", "999", "--metrics", "--model", model.path, "--host", socket_name(slot)]
        words = [*base, *modes.get(mode, []), *size, *flags, "--jinja"]
    return f"[{' '.join(words)}]"


def socket_name(slot: int) -> str:
    """The socket between the runner and its engine."""
    return f"inference-runner-{slot}.sock"
