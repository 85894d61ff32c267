"""Calls counted by who made them, and by which model answered."""

from collections.abc import Callable, Iterable

from dmr_tui.measure.concurrency import combined_rate
from dmr_tui.measure.rates import Rate, decode_rate, prefill_rate
from dmr_tui.measure.request_numbers import cache_share, ended, ttft_s, waited_s
from dmr_tui.measure.stats import Summary, percentile, summary
from dmr_tui.runner.names import short
from dmr_tui.runner.request import FAILURES, Request
from dmr_tui.state.request_filter import CallerNames
from dmr_tui.state.requests import RequestGroup

RECENT = 5
"""Newest timed calls of a model of which the median says how fast it is now."""


def by_caller(requests: Iterable[Request], names: CallerNames) -> tuple[RequestGroup, ...]:
    """One group for each caller, the one with the most calls first."""
    return _grouped(requests, lambda request: names.get(request.caller, request.caller))


def by_model(requests: Iterable[Request]) -> tuple[RequestGroup, ...]:
    """One group for each model, the one with the most calls first."""
    return _grouped(requests, lambda request: short(request.model))


def _grouped(
    requests: Iterable[Request], key: Callable[[Request], str]
) -> tuple[RequestGroup, ...]:
    found: dict[str, list[Request]] = {}
    for request in requests:
        found.setdefault(key(request), []).append(request)
    groups = (_group(name, calls) for name, calls in found.items())
    return tuple(sorted(groups, key=lambda group: (-group.calls, group.name)))


def _group(name: str, calls: list[Request]) -> RequestGroup:
    decode = _rates(decode_rate(r.timings) for r in calls)
    return RequestGroup(
        name=name,
        calls=len(calls),
        failed=sum(r.outcome in FAILURES for r in calls),
        left=sum(r.outcome == "client left" for r in calls),
        cold=sum(r.load_s is not None for r in calls),
        retried=sum(r.tries > 1 for r in calls),
        decode=decode,
        prefill=_rates(prefill_rate(r.timings) for r in calls),
        ttft=summary(s for r in calls if (s := ttft_s(r)) is not None),
        waited=summary(s for r in calls if (s := waited_s(r)) is not None),
        combined_rate=combined_rate(calls),
        cache_share=cache_share(calls),
        prompt_tokens=sum(r.prompt_tokens or 0 for r in calls),
        completion_tokens=sum(r.completion_tokens or 0 for r in calls),
        last_at=max(ended(r) for r in calls),
        slow=_slow(calls),
    )


def _rates(rates: Iterable[Rate | None]) -> Summary | None:
    return summary(rate.value for rate in rates if rate is not None)


def _slow(calls: list[Request]) -> str:
    """What the newest calls say, if most of them were slow."""
    timed = sorted((r for r in calls if decode_rate(r.timings) is not None), key=ended)[-RECENT:]
    slow = [r for r in timed if r.slow]
    if len(timed) < RECENT or 2 * len(slow) <= len(timed):
        return ""
    rates = sorted(rate.value for r in timed if (rate := decode_rate(r.timings)) is not None)
    return f"its last {RECENT} calls: {percentile(rates, 50):.3g} tok/s; {slow[-1].slow}"
