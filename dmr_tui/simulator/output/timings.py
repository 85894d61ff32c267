"""The timings of one answer as llama.cpp measures them, and the log lines about them."""

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Timings:
    """Counts of tokens, and milliseconds with three decimals."""

    cache_n: int = 0
    """Prompt tokens taken from the cache."""
    prompt_n: int = 0
    """Prompt tokens read."""
    prompt_ms: float = 0.0
    predicted_n: int = 0
    """Tokens made, the first one included."""
    predicted_ms: float = 0.0
    """From the first token to the last."""

    def shown(self) -> dict[str, Any]:
        """The `timings` object; rates of decode leave out the first token, which took no step."""
        steps = self.predicted_n - 1
        paid = steps > 0 and self.predicted_ms > 0
        return {
            "cache_n": self.cache_n,
            "prompt_n": self.prompt_n,
            "prompt_ms": self.prompt_ms,
            "prompt_per_token_ms": self.prompt_ms / self.prompt_n if self.prompt_n else 0.0,
            "prompt_per_second": _rate(self.prompt_n, self.prompt_ms),
            "predicted_n": self.predicted_n,
            "predicted_ms": self.predicted_ms,
            "predicted_per_token_ms": self.predicted_ms / steps if paid else 0.0,
            "predicted_per_second": _rate(steps, self.predicted_ms) if paid else 0.0,
        }

    def usage(self) -> dict[str, Any]:
        """The `usage` object."""
        prompt = self.cache_n + self.prompt_n
        return {
            "completion_tokens": self.predicted_n,
            "prompt_tokens": prompt,
            "total_tokens": prompt + self.predicted_n,
            "prompt_tokens_details": {"cached_tokens": self.cache_n},
        }

    def log_lines(self, graphs: int) -> tuple[str, ...]:
        """The lines of `print_timing` when a slot is released."""
        shown = self.shown()
        read = (shown["prompt_per_token_ms"], shown["prompt_per_second"])
        made = (shown["predicted_per_token_ms"], shown["predicted_per_second"])
        total_ms, total = self.prompt_ms + self.predicted_ms, self.prompt_n + self.predicted_n
        return (
            f"prompt eval time = {_eval(self.prompt_ms, self.prompt_n, read)}",
            f"       eval time = {_eval(self.predicted_ms, self.predicted_n, made)}",
            f"      total time = {total_ms:10.2f} ms / {total:5d} tokens",
            f"   graphs reused = {graphs:10d}",
        )


def _rate(count: int, ms: float) -> float:
    return 1000.0 * count / ms if ms else 0.0


def _eval(ms: float, count: int, rates: tuple[float, float]) -> str:
    return (
        f"{ms:10.2f} ms / {count:5d} tokens "
        f"({rates[0]:8.2f} ms per token, {rates[1]:8.2f} tokens per second)"
    )
