"""What the finished requests say: the lists and sums that screens show."""

from dataclasses import dataclass

from dmr_tui.measure.stats import Series, Summary
from dmr_tui.runner.request import Request, Slower
from dmr_tui.state.request_filter import View


@dataclass(frozen=True, slots=True)
class SlowLately:
    """The newest requests of a group, most of which were slow."""

    requests: int
    decode: float
    """Their median, in tokens per second."""
    newest: Slower
    """The newest of the slow ones."""


@dataclass(frozen=True, slots=True)
class RequestGroup:
    """What the calls of one caller, or to one model, say."""

    name: str
    """The caller's name as it is shown, or the model's short name."""
    requests: int
    failed: int
    left: int
    """Calls whose caller went away, time limits included."""
    cold: int
    """Calls for which the model was loaded."""
    retried: int
    """Calls that were sent more than once."""
    decode: Summary | None = None
    """Tokens per second of single calls, by the engine."""
    prefill: Summary | None = None
    ttft: Summary | None = None
    """Seconds, of streamed calls."""
    waited: Summary | None = None
    """Seconds before the engine began."""
    combined_rate: float | None = None
    """Tokens per second of the calls that decoded at the same time, added up, at its highest."""
    cache_share: float | None = None
    """Cached of all prompt tokens, 0 to 1."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    last_at: float = 0.0
    """When the newest of them ended."""
    slow: SlowLately | None = None
    """None if its newest requests were not slow."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """What everyone's finished calls say about speed, over the last `window_s` seconds."""

    window_s: float
    decode: Summary | None = None
    """Tokens per second, by the engines' own timings."""
    prefill: Summary | None = None
    last_decode: float | None = None
    last_prefill: float | None = None
    series_end: int = 0
    """Running number of the newest value in the two series."""
    decode_series: Series = ()
    prefill_series: Series = ()
    finished: int = 0
    failed: int = 0
    client_left: int = 0
    untimed: int = 0
    """Finished calls whose answer holds no timings."""


NO_THROUGHPUT = Throughput(300.0)


@dataclass(frozen=True, slots=True)
class FinishedRequests:
    """The finished calls that the open screen asked for."""

    view: View
    """What was asked; a screen that has asked for something else meanwhile waits."""
    rows: tuple[Request, ...] = ()
    """The newest first, no more than `SHOWN_REQUESTS`; of a call's tries only the last."""
    matching: int | None = None
    """How many there are in all; None as long as the archive has not said."""
    reading: bool = False
    """The archive is being read: older calls are still to come."""
    by_caller: tuple[RequestGroup, ...] = ()
    by_model: tuple[RequestGroup, ...] = ()
