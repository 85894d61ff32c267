"""The process of an engine, simulated or real, and its counters in `GET /metrics`."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from dmr_tui.simulator.connection import Connection, InferenceRequest
from dmr_tui.simulator.engine.engine_log import EngineLog

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class EngineDied(Exception):
    """The engine process has ended before the answer was complete."""


@dataclass(slots=True)
class Counters:
    """The counters of one engine: tokens and seconds since it started."""

    prompt_tokens: int = 0
    prompt_seconds: float = 0.0
    predicted_tokens: int = 0
    predicted_seconds: float = 0.0
    longest: int = 0
    processing: int = 0
    deferred: int = 0

    @property
    def prefill_rate(self) -> float:
        """Tokens a second."""
        return self.prompt_tokens / self.prompt_seconds if self.prompt_seconds else 0

    @property
    def decode_rate(self) -> float:
        """Tokens a second."""
        return self.predicted_tokens / self.predicted_seconds if self.predicted_seconds else 0


class Engine(ABC):
    """An engine as a runner uses it; its death ends every answer that is under way."""

    def __init__(self, log: EngineLog) -> None:
        self._log = log
        self._answers: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def serve(self, request: InferenceRequest, to: Connection) -> None:
        """Answer `request`, in a task of its own."""

    def count(self) -> Counters | None:
        """Its counters; None if it does not tell them."""
        return None

    async def answer(self, request: InferenceRequest, to: Connection) -> None:
        """Answer `request`. Raises EngineDied; a cancel means that the client left."""
        task = asyncio.create_task(self.serve(request, to))
        self._answers.add(task)
        try:
            await asyncio.wait({task})
        finally:
            self._answers.discard(task)
            task.cancel()
        if task.cancelled():
            raise EngineDied
        task.result()

    def die(self) -> None:
        """End at once, in the middle of any answer."""
        self._log.close()
        for task in self._answers:
            task.cancel()


_FAMILIES = (
    (
        "prompt_tokens_total",
        "prompt_tokens",
        "Number of prompt tokens processed, without cached ones",
    ),
    ("prompt_seconds_total", "prompt_seconds", "Total time spent processing prompts"),
    ("tokens_predicted_total", "predicted_tokens", "Number of generation tokens processed"),
    ("tokens_predicted_seconds_total", "predicted_seconds", "Total time spent generating tokens"),
    ("n_decode_total", "predicted_tokens", "Total number of llama_decode() calls"),
    ("n_tokens_max", "longest", "Largest observed sequence length (prompt + generation)"),
    ("prompt_tokens_seconds", "prefill_rate", "Average prompt throughput in tokens/s"),
    ("predicted_tokens_seconds", "decode_rate", "Average generation throughput in tokens/s"),
    ("requests_processing", "processing", "Number of requests processing"),
    ("requests_deferred", "deferred", "Number of requests deferred"),
)
"""Each family's name, the field of Counters that it shows, and its help."""
_GAUGES = ("prefill_rate", "decode_rate", "processing", "deferred")


def metrics(counted: Sequence[tuple[str, Counters]], rng: random.Random) -> bytes:
    """Prometheus text of engines, each with its labels; the families in random order."""
    if not counted:
        return b"# No active runners\n"
    families = []
    for name, field, help_text in _FAMILIES:
        kind = "gauge" if field in _GAUGES else "counter"
        lines = [f"# HELP llamacpp:{name} {help_text}", f"# TYPE llamacpp:{name} {kind}"]
        for labels, counters in counted:
            lines.append(f"llamacpp:{name}{{{labels}}} {_number(getattr(counters, field))}")
        families.append("\n".join(lines))
    rng.shuffle(families)
    return ("\n".join(families) + "\n").encode()


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else str(float(f"{value:.6g}"))
