"""`GET /metrics`: what the engines count, as far as the runner finds them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_FAMILIES = (
    (
        "prompt_tokens_total",
        "counter",
        "Number of prompt tokens processed, without cached ones",
    ),
    ("prompt_seconds_total", "counter", "Total time spent processing prompts"),
    ("tokens_predicted_total", "counter", "Number of generation tokens processed"),
    ("tokens_predicted_seconds_total", "counter", "Total time spent generating tokens"),
    ("n_decode_total", "counter", "Total number of llama_decode() calls"),
    ("n_tokens_max", "counter", "Largest observed sequence length (prompt + generation)"),
    ("prompt_tokens_seconds", "gauge", "Average prompt throughput in tokens/s"),
    ("predicted_tokens_seconds", "gauge", "Average generation throughput in tokens/s"),
    ("requests_processing", "gauge", "Number of requests processing"),
    ("requests_deferred", "gauge", "Number of requests deferred"),
)


@dataclass(slots=True)
class Counters:
    """What one engine counts; seconds and tokens since it started."""

    prompt_tokens: int = 0
    prompt_seconds: float = 0.0
    predicted_tokens: int = 0
    predicted_seconds: float = 0.0
    longest: int = 0
    processing: int = 0
    deferred: int = 0

    def shown(self) -> tuple[float, ...]:
        """In the order of the families."""
        prefill = self.prompt_tokens / self.prompt_seconds if self.prompt_seconds else 0
        decode = self.predicted_tokens / self.predicted_seconds if self.predicted_seconds else 0
        return (
            self.prompt_tokens,
            self.prompt_seconds,
            self.predicted_tokens,
            self.predicted_seconds,
            self.predicted_tokens,
            self.longest,
            prefill,
            decode,
            self.processing,
            self.deferred,
        )


def metrics(counted: Sequence[tuple[str, Counters]], rng: random.Random) -> bytes:
    """Prometheus text of engines, each with its labels; the families in no order."""
    if not counted:
        return b"# No active runners\n"
    families = []
    for place, (name, kind, help_text) in enumerate(_FAMILIES):
        lines = [f"# HELP llamacpp:{name} {help_text}", f"# TYPE llamacpp:{name} {kind}"]
        for labels, counters in counted:
            lines.append(f"llamacpp:{name}{{{labels}}} {_number(counters.shown()[place])}")
        families.append("\n".join(lines))
    rng.shuffle(families)
    return ("\n".join(families) + "\n").encode()


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else str(float(f"{value:.6g}"))
