"""Tokens per second: the numbers to divide, and the source of each rate."""

from typing import Literal

from msgspec import Struct

from dmr_tui.runner.wire import Timings

Source = Literal["server", "client", "~"]
"""The engine's own stopwatch, ours, or an estimate."""

MIN_PREFILL = 64
"""New prompt tokens below which a prefill rate says more about start-up than about speed."""
MIN_CLIENT_TOKENS = 16
"""Generated tokens below which arrival times say nothing about speed."""
MAX_PER_ARRIVAL = 32
"""Mean tokens per arrival above which something between the engine and us saves them up."""


class Rate(Struct, frozen=True):
    """A rate in tokens per second, and its source."""

    value: float
    source: Source


def decode_rate(timings: Timings | None) -> Rate | None:
    """Return (predicted_n - 1) / predicted_ms: the first token comes out of the prefill.

    Not `predicted_per_second`, which divides by n in older engines and by n - 1 in newer ones.
    None without timings, or with fewer than two tokens.
    """
    if timings is None:
        return None
    return _per_second((timings.predicted_n or 0) - 1, timings.predicted_ms)


def prefill_rate(timings: Timings | None) -> Rate | None:
    """Return prompt_n / prompt_ms: new prompt tokens only, as cached ones cost nothing.

    None without timings, or with fewer than `MIN_PREFILL` new tokens.
    """
    if timings is None or (timings.prompt_n or 0) < MIN_PREFILL:
        return None
    return _per_second(timings.prompt_n or 0, timings.prompt_ms)


def client_decode_rate(
    completion_tokens: int | None, seconds: float, *, with_first: int, arrivals: int
) -> Rate | None:
    """Divide the tokens after the first arrival by the seconds from the first to the last.

    `with_first` is the number of pieces that came together with the first one: they took none
    of the time. None below `MIN_CLIENT_TOKENS`, or when the answer came in a few bursts, whose
    timing is that of a buffer.
    """
    if completion_tokens is None or completion_tokens < MIN_CLIENT_TOKENS:
        return None
    if arrivals < 2 or completion_tokens / arrivals > MAX_PER_ARRIVAL:
        return None
    rate = _per_second(completion_tokens - with_first, seconds * 1000.0)
    return None if rate is None else Rate(rate.value, "client")


def _per_second(tokens: int, milliseconds: float | None) -> Rate | None:
    if tokens < 1 or milliseconds is None or milliseconds <= 0.0:
        return None
    return Rate(tokens * 1000.0 / milliseconds, "server")
