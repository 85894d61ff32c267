"""The columns of requests counted by caller or by model."""

from collections.abc import Callable

from dmr_tui.measure.stats import Summary
from dmr_tui.state.requests import RequestGroup
from dmr_tui.text import format
from dmr_tui.text.request_fields import duration_words
from dmr_tui.text.requests import moment, slow_lately_words
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.pane import now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part
from dmr_tui.ui.widgets.table import Column

G = Column[RequestGroup]
Of = Callable[[RequestGroup], Summary | None]


def group_columns(name: str, ahead: Callable[[], float]) -> tuple[Column[RequestGroup], ...]:
    """`name` is the title of the first; the runner's clock is `ahead` of ours."""

    def last(group: RequestGroup) -> Part:
        return moment(group.last_at - ahead(), now()), "$label"

    return (
        G("name", name, 0, _name, lambda group: group.name.lower()),
        G("calls", "CALLS", 6, _count, lambda group: group.requests, True),
        G("failed", "FAILED", 6, _failed, lambda group: group.failed, True),
        G("left", "LEFT", 5, _left, lambda group: group.left, True, 3),
        G("cold", "COLD", 5, _cold, lambda group: group.cold, True, 9),
        *_rates("decode", "DECODE p50", lambda group: group.decode, (0, 6)),
        *_rates("prefill", "PREFILL p50", lambda group: group.prefill, (4, 10)),
        *_times("ttft", "TTFT p50", lambda group: group.ttft, (1, 5)),
        G("wait", "WAIT p95", 8, _wait, lambda group: _p95(group.waited), True, 8),
        G("together", "TOGETHER", 8, _combined_rate, lambda group: group.combined_rate, True, 7),
        G("cached", "CACHED", 6, _cached, lambda group: group.cache_share, True, 2),
        G("prompt", "PROMPT", 7, _prompt, lambda group: group.prompt_tokens, True, 12),
        G("gen", "GEN", 7, _generated, lambda group: group.completion_tokens, True, 11),
        G("last", "LAST", 9, last, lambda group: group.last_at, True, 1),
    )


def group_remarks(group: RequestGroup) -> Line:
    """Say why a group is slower than usual, and how often requests were sent again."""
    parts: list[Part] = []
    if group.slow:
        parts.append(
            (f"{GLYPHS.warning} slower than usual: {slow_lately_words(group.slow)}", "$warning")
        )
    if group.retried:
        dot = f" {GLYPHS.dot} " if parts else ""
        calls = "call was" if group.retried == 1 else "calls were"
        parts.append((f"{dot}{group.retried:,} {calls} sent more than once", "$label"))
    return tuple(parts)


def _rates(key: str, title: str, of: Of, drops: tuple[int, int]) -> tuple[G, G]:
    def half(group: RequestGroup) -> Part:
        found = of(group)
        if found is None:
            return format.UNKNOWN, "$faint"
        if group.slow and key == "decode":
            return f"{GLYPHS.warning}{format.rate(found.p50)}", "bold $warning"
        return format.rate(found.p50), "bold $value"

    def most(group: RequestGroup) -> Part:
        found = of(group)
        return format.rate(_p95(found)), "$faint" if found is None else "$label"

    return (
        G(key, title, len(title), half, lambda group: _p50(of(group)), True, drops[0]),
        G(f"{key} p95", "p95", 6, most, lambda group: _p95(of(group)), True, drops[1]),
    )


def _times(key: str, title: str, of: Of, drops: tuple[int, int]) -> tuple[G, G]:
    def half(group: RequestGroup) -> Part:
        return _seconds(_p50(of(group)), "bold $value")

    def most(group: RequestGroup) -> Part:
        return _seconds(_p95(of(group)), "$label")

    return (
        G(key, title, len(title), half, lambda group: _p50(of(group)), True, drops[0]),
        G(f"{key} p95", "p95", 7, most, lambda group: _p95(of(group)), True, drops[1]),
    )


def _p50(summary: Summary | None) -> float | None:
    return None if summary is None else summary.p50


def _p95(summary: Summary | None) -> float | None:
    return None if summary is None else summary.p95


def _seconds(value: float | None, style: str) -> Part:
    return duration_words(value), "$faint" if value is None else style


def _name(group: RequestGroup) -> Part:
    return plain(group.name), "bold $value"


def _count(group: RequestGroup) -> Part:
    return format.count(group.requests), "$value"


def _some(number: int, style: str) -> Part:
    return format.count(number), style if number else "$faint"


def _failed(group: RequestGroup) -> Part:
    return _some(group.failed, "bold $error")


def _left(group: RequestGroup) -> Part:
    return _some(group.left, "$warning")


def _cold(group: RequestGroup) -> Part:
    return _some(group.cold, "$value")


def _wait(group: RequestGroup) -> Part:
    return _seconds(_p95(group.waited), "$value")


def _combined_rate(group: RequestGroup) -> Part:
    return format.rate(group.combined_rate), "$faint" if group.combined_rate is None else "$value"


def _cached(group: RequestGroup) -> Part:
    if group.cache_share is None:
        return format.UNKNOWN, "$faint"
    return f"{100.0 * group.cache_share:.0f} %", "$value"


def _tokens(number: int) -> Part:
    """Token totals in decimal thousands, as bills have them."""
    if number < 100_000:
        return format.count(number), "$label"
    unit, size = ("M", 1e6) if number >= 999_500 else ("k", 1e3)
    return f"{format.significant(number / size)}{unit}", "$label"


def _prompt(group: RequestGroup) -> Part:
    return _tokens(group.prompt_tokens)


def _generated(group: RequestGroup) -> Part:
    return _tokens(group.completion_tokens)
