"""The lists and sums of finished requests that screens show."""

from msgspec import Struct

from dmr_tui.measure.stats import Series, Summary
from dmr_tui.runner.request import Request, Slower
from dmr_tui.state.request_filter import View


class SlowLately(Struct, frozen=True):
    """The newest requests of a group, most of which were slow."""

    requests: int
    decode: float
    """Their median, in tokens per second."""
    newest: Slower
    """The newest of the slow ones."""


class RequestGroup(Struct, frozen=True):
    """The numbers of the requests of one caller, or to one model."""

    name: str
    """The caller's name as it is shown, or the model's short name."""
    requests: int
    failed: int
    left: int
    """Requests whose caller hung up, time limits included."""
    cold: int
    """Requests for which the model was loaded."""
    retried: int
    """Requests that were sent more than once."""
    decode: Summary | None = None
    """Tokens per second of single requests, by the engine."""
    prefill: Summary | None = None
    ttft: Summary | None = None
    """Seconds, of streamed requests."""
    waited: Summary | None = None
    """Seconds before the engine began."""
    combined_rate: float | None = None
    """Highest sum of tokens per second of requests that decoded at the same time."""
    cache_share: float | None = None
    """Cached of all prompt tokens, 0 to 1."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    last_at: float = 0.0
    """The end of the newest of them."""
    slow: SlowLately | None = None
    """None if its newest requests were not slow."""


class Throughput(Struct, frozen=True):
    """The speed of all finished requests over the last `window_s` seconds."""

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
    """Finished requests whose answer holds no timings."""


NO_THROUGHPUT = Throughput(300.0)


class FinishedRequests(Struct, frozen=True):
    """The finished requests that the open screen needs."""

    view: View
    """The view that this answers; a screen that has changed its view waits for the next."""
    rows: tuple[Request, ...] = ()
    """The newest first, no more than `SHOWN_REQUESTS`; of a request's tries only the last."""
    matching: int | None = None
    """Number of all that match; None until the archive has answered."""
    reading: bool = False
    """True while the archive is read: older requests are still to come."""
    by_caller: tuple[RequestGroup, ...] = ()
    by_model: tuple[RequestGroup, ...] = ()
