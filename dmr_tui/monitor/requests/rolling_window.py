"""Throughput of all clients over the last minutes, from the requests that ended in them."""

from dataclasses import dataclass

from dmr_tui.measure.rates import decode_rate, prefill_rate
from dmr_tui.measure.request_numbers import ended
from dmr_tui.measure.stats import binned, summary
from dmr_tui.runner.request import FAILURES, Request
from dmr_tui.state.requests import Throughput

WINDOW_S = 300.0
BINS = 60
MOST = 20_000
"""Requests that are counted at the most: 66 a second for five minutes."""


@dataclass(frozen=True, slots=True)
class _Ended:
    at: float
    decode: float | None
    prefill: float | None
    failed: bool
    left: bool
    untimed: bool


class RollingWindow:
    """The few facts of each request of the last minutes that throughput is made of."""

    def __init__(self) -> None:
        self._ended: dict[str, _Ended] = {}

    def add(self, request: Request) -> None:
        """Count a request, or count it again because more is known of it."""
        self._ended[request.id] = _Ended(
            at=ended(request),
            decode=None if (d := decode_rate(request.timings)) is None else d.value,
            prefill=None if (p := prefill_rate(request.timings)) is None else p.value,
            failed=request.outcome in FAILURES,
            left=request.outcome == "client left",
            untimed=request.outcome in {"ok", "cut"}
            and request.timings is None
            and request.completion_tokens is not None,
        )
        if len(self._ended) > MOST:
            del self._ended[next(iter(self._ended))]

    def drop(self, id: str) -> None:
        """Count a request no more: a later try stands for it."""
        self._ended.pop(id, None)

    def throughput(self, now: float) -> Throughput:
        """Return the throughput at the runner's time `now`."""
        by_id = {id: each for id, each in self._ended.items() if each.at >= now - WINDOW_S}
        recent = by_id.values()
        if len(recent) < len(self._ended) // 2:
            self._ended = by_id
        decode = [(each.at, each.decode) for each in recent if each.decode is not None]
        prefill = [(each.at, each.prefill) for each in recent if each.prefill is not None]
        width = WINDOW_S / BINS
        return Throughput(
            window_s=WINDOW_S,
            decode=summary(value for _, value in decode),
            prefill=summary(value for _, value in prefill),
            last_decode=max(decode)[1] if decode else None,
            last_prefill=max(prefill)[1] if prefill else None,
            series_end=int(now // width) if decode or prefill else 0,
            decode_series=binned(decode, now, bins=BINS, width=width),
            prefill_series=binned(prefill, now, bins=BINS, width=width),
            finished=len(recent),
            failed=sum(each.failed for each in recent),
            client_left=sum(each.left for each in recent),
            untimed=sum(each.untimed for each in recent),
        )
