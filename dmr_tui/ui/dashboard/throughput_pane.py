"""The speed of the runner: finished requests of all callers, and those in flight."""

from collections.abc import Sequence
from itertools import islice, takewhile, zip_longest

from dmr_tui.measure.stats import Series, Summary
from dmr_tui.runner.names import short
from dmr_tui.runner.request import Request
from dmr_tui.state.requests import Throughput
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.pane import Pane, now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, fit, spread, width_of
from dmr_tui.ui.widgets.pictures import history, round_top

LABEL = 8
IN_FLIGHT = 34
"""Cells of the column at the right, where there is room for one."""
BESIDE = 72
"""Cells from which there is room for it."""
TALLEST = 4
SCALE = 7
LOAD_FAILURES = frozenset({"out of memory", "load failed"})


class ThroughputPane(Pane):
    """Decode and prefill over five minutes at the left, requests in flight at the right."""

    def titles(self) -> tuple[str, str]:
        """Return the window, and the state of the feed if it is not well."""
        window = self.snapshot.throughput.window_s / 60.0
        title = f"Throughput {GLYPHS.dot} tok/s {GLYPHS.dot} {window:.0f} min, all callers"
        feed = self.snapshot.source("requests feed")
        if feed.health == "stale":
            return title, f"feed stale: {plain(feed.reason)}"
        return title, ""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return rates and counts, with the requests in flight beside or below them."""
        width -= 1
        if self.snapshot.source("requests feed").health == "absent":
            return [(("this runner does not tell about requests", "$label"),)]
        if width < BESIDE:
            return self._below(width, height)
        left = self._rates(width - IN_FLIGHT - 2, height)
        right = self._in_flight(IN_FLIGHT, height)
        pairs = islice(zip_longest(left, right, fillvalue=()), height)
        return [spread(a, _padded(b), width) for a, b in pairs]

    def _below(self, width: int, height: int) -> list[Line]:
        lines = self._rates(width, min(height, 3))
        requests = self.snapshot.in_flight
        if requests and height <= len(lines):
            # The oldest request shares the line of the counts.
            oldest = _request(requests[0], self.snapshot, min(IN_FLIGHT, width // 2), self._late)
            lines[-1] = spread(lines[-1], [("  ", ""), *oldest], width)
        return [*lines, *self._in_flight(width, max(1, height - len(lines)))][:height]

    @property
    def _late(self) -> float:
        """Per cent of a time limit from which on a request is marked."""
        return self.preferences.thresholds.level("time_limit")

    def _in_flight(self, width: int, height: int) -> list[Line]:
        requests = self.snapshot.in_flight
        if not requests:
            return [(("nothing in flight", "$faint"),)] if self.snapshot.runner.up else []
        lines: list[Line] = [((f"{len(requests)}", "bold $value"), (" in flight", "$label"))]
        room = max(1, height - 1)
        shown = requests if len(requests) <= room else requests[: room - 1]
        lines += [_request(request, self.snapshot, width, self._late) for request in shown]
        if len(shown) < len(requests):
            lines.append(((f"and {len(requests) - len(shown)} more", "$faint"),))
        return lines

    def _rates(self, width: int, height: int) -> list[Line]:
        throughput = self.snapshot.throughput
        rows = max(1, min(TALLEST, (height - 1) // 2))
        return [
            *_rate("decode", throughput, width, rows),
            *_rate("prefill", throughput, width, rows),
            _counts(throughput, failed_loads(self.snapshot)),
        ]


def _rate(name: str, throughput: Throughput, width: int, rows: int) -> list[Line]:
    summary: Summary | None = getattr(throughput, name)
    last: float | None = getattr(throughput, f"last_{name}")
    series: Series = getattr(throughput, f"{name}_series")
    head: Part = (fit(name, LABEL), "$label")
    if summary is None:
        return [(head, (f"{format.UNKNOWN} {_why_none(name, throughput)}", "$faint"))]
    top = round_top(summary.highest)
    value: list[Part] = [
        (f"{format.rate(last):>6}", "bold $value"),
        ("  p50 ", "$faint"),
        (f"{format.rate(summary.p50):>5}", "$value"),
        ("  p95 ", "$faint"),
        (f"{format.rate(summary.p95):>5}", "$value"),
    ]
    scale = f"0–{top / 1000.0:g}k" if top >= 10_000 else f"0–{top:,.0f}"
    if rows > 1:
        picture = history(series, width, top, rows=rows - 1, end=throughput.series_end)
        caption = spread([head, *value], [(scale, "$faint")], width)
        return [caption, *(((row, "$load-moderate"),) for row in picture)]
    # As wide for both rates, so that their pictures stand below each other.
    scale = fit(scale, SCALE, right=True)
    cells = min(60, width - LABEL - width_of(value) - SCALE - 1)
    if cells < 8:
        return [(head, *value)]
    (row,) = history(series, cells, top, end=throughput.series_end)
    return [(head, (row, "$load-moderate"), (f" {scale}", "$faint"), *value)]


def _why_none(name: str, throughput: Throughput) -> str:
    if throughput.untimed:
        return "no timings in these replies"
    if name == "prefill" and throughput.decode is not None:
        return "no call with 64 new prompt tokens"
    if throughput.finished:
        return "no call generated tokens"
    return "after the next finished call"


def failed_loads(snapshot: Snapshot) -> int:
    """Count the loads that failed within the window: the runner records no request for them."""
    since = snapshot.runner_now - snapshot.throughput.window_s
    recent = takewhile(lambda event: event.at >= since, reversed(snapshot.events))
    return sum(event.kind in LOAD_FAILURES and event.severity == "error" for event in recent)


def _counts(throughput: Throughput, loads: int) -> Line:
    finished, failed = throughput.finished, throughput.failed
    red = ("bold $error", "$error")
    counts = [(loads, f"load{'s' if loads > 1 else ''} failed", *red)] if loads else []
    if finished:
        if failed or not loads:
            counts.insert(0, (failed, "failed", *(red if failed else ("$value", "$label"))))
        word = "requests" if finished != 1 else "request"
        counts.insert(0, (finished, word, "bold $value", "$label"))
        rare = ((throughput.client_left, "left"), (throughput.untimed, "untimed"))
        counts += [(number, word, "$value", "$label") for number, word in rare if number]
    if not counts:
        return (("no requests yet", "$faint"),)
    parts: list[Part] = []
    for number, word, style, word_style in counts:
        parts += [(", ", "$label")] if parts else []
        parts += [(str(number), style), (f" {word}", word_style)]
    if finished and throughput.decode is not None:
        parts.append((f" {GLYPHS.dot} server", "$faint"))
    return tuple(parts)


def _request(request: Request, snapshot: Snapshot, width: int, late: float) -> Line:
    elapsed = now() - (request.started_at - snapshot.clock_offset)
    clock = format.clock(elapsed)
    style = "bold $value"
    if request.limit is not None:
        clock += f"/{format.clock(request.limit)}"
        if 100.0 * elapsed >= late * request.limit:
            style = "bold $load-critical"
    n8n = request.caller.endswith("(n8n AI nodes)")
    caller = "n8n AI node" if n8n else plain(request.caller)
    who = f"{caller} {GLYPHS.dot} {plain(short(request.model))}"
    cells = width - len(clock) - 1
    return ((fit(who, cells), "$label"), (" ", ""), (clock, style))


def _padded(line: Line) -> list[Part]:
    return [("  ", ""), *line, (" " * max(0, IN_FLIGHT - width_of(line)), "")]
