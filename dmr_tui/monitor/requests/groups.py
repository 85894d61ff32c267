"""Requests counted by caller and by model."""

from collections.abc import Callable, Iterable

from dmr_tui.measure.rates import Rate, decode_rate, prefill_rate
from dmr_tui.measure.request_numbers import cache_share, combined_rate, ended, ttft_s, waited_s
from dmr_tui.measure.stats import Summary, percentile, summary
from dmr_tui.runner.names import short
from dmr_tui.runner.request import FAILURES, Request
from dmr_tui.state.request_filter import CallerNames
from dmr_tui.state.requests import RequestGroup, SlowLately

RECENT = 5
"""Newest timed requests of a model of which the median says how fast it is now."""


def by_caller(requests: Iterable[Request], names: CallerNames) -> tuple[RequestGroup, ...]:
    """One group for each caller, the one with the most requests first."""
    return _grouped(requests, lambda request: names.get(request.caller, request.caller))


def by_model(requests: Iterable[Request]) -> tuple[RequestGroup, ...]:
    """One group for each model, the one with the most requests first."""
    return _grouped(requests, lambda request: short(request.model))


def _grouped(
    requests: Iterable[Request], key: Callable[[Request], str]
) -> tuple[RequestGroup, ...]:
    found: dict[str, list[Request]] = {}
    for request in requests:
        found.setdefault(key(request), []).append(request)
    groups = (_group(name, requests) for name, requests in found.items())
    return tuple(sorted(groups, key=lambda group: (-group.requests, group.name)))


def _group(name: str, requests: list[Request]) -> RequestGroup:
    decode = _rates(decode_rate(r.timings) for r in requests)
    return RequestGroup(
        name=name,
        requests=len(requests),
        failed=sum(r.outcome in FAILURES for r in requests),
        left=sum(r.outcome == "client left" for r in requests),
        cold=sum(r.load_s is not None for r in requests),
        retried=sum(r.tries > 1 for r in requests),
        decode=decode,
        prefill=_rates(prefill_rate(r.timings) for r in requests),
        ttft=summary(s for r in requests if (s := ttft_s(r)) is not None),
        waited=summary(s for r in requests if (s := waited_s(r)) is not None),
        combined_rate=combined_rate(requests),
        cache_share=cache_share(requests),
        prompt_tokens=sum(r.prompt_tokens or 0 for r in requests),
        completion_tokens=sum(r.completion_tokens or 0 for r in requests),
        last_at=max(ended(r) for r in requests),
        slow=_slow(requests),
    )


def _rates(rates: Iterable[Rate | None]) -> Summary | None:
    return summary(rate.value for rate in rates if rate is not None)


def _slow(requests: list[Request]) -> SlowLately | None:
    """Return the newest requests as one fact, if most of them were slow."""
    timed = sorted((r for r in requests if decode_rate(r.timings) is not None), key=ended)
    timed = timed[-RECENT:]
    slow = [request.slow for request in timed if request.slow is not None]
    if len(timed) < RECENT or 2 * len(slow) <= len(timed):
        return None
    rates = sorted(rate.value for r in timed if (rate := decode_rate(r.timings)) is not None)
    return SlowLately(RECENT, percentile(rates, 50), slow[-1])
