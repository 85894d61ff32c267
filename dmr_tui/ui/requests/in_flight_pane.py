"""Requests in flight: caller, model, how long they have waited, and how long they will."""

from collections.abc import Sequence

from dmr_tui.measure.thresholds import Levels
from dmr_tui.runner.request import Request
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.requests import api_word, caller_word, model_word
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.pane import Pane, now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, fit
from dmr_tui.ui.widgets.pictures import bar, load_style

TALLEST = 6
TALLEST_IN_SHORT = 3
SHORT = 30
"""Rows of the window below which the finished requests need them more."""
CLOCK = 7
LIMIT = 8
BAR = 30
WIDE = 90
"""Cells from which there is room for the API."""


class InFlightPane(Pane):
    """One line for each request, the oldest first; as high as there are requests."""

    def watch_snapshot(self) -> None:
        """Take as many rows as there are requests."""
        self.follow_requests()
        super().watch_snapshot()

    def follow_requests(self) -> None:
        """Be as high as the number of requests asks for."""
        most = TALLEST if self.app.size.height >= SHORT else TALLEST_IN_SHORT
        height = min(max(1, len(self.snapshot.in_flight)), most) + 2
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height

    def titles(self) -> tuple[str, str]:
        """Return how many there are, and the state of the list if it is not well."""
        feed = self.snapshot.source("requests feed")
        stale = f"feed stale: {plain(feed.reason)}" if feed.health == "stale" else ""
        return f"In flight {len(self.snapshot.in_flight)}", stale

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the requests, and how many more there are."""
        if self.snapshot.source("requests feed").health == "absent":
            return [(("this runner does not tell about requests", "$label"),)]
        requests = sorted(self.snapshot.in_flight, key=lambda request: request.started_at)
        if not requests:
            said = "nothing in flight" if self.snapshot.runner.up else "no runner yet"
            return [((said, "$faint"),)]
        levels = self.preferences.thresholds.levels("time_limit")
        shown = requests if len(requests) <= height else requests[: max(1, height - 1)]
        lines = [_line(each, self.snapshot, width - 1, levels) for each in shown]
        more = len(requests) - len(shown)
        if more and len(lines) < height:
            lines.append(((f"and {more} more", "$faint"),))
        elif more:
            last = _line(shown[-1], self.snapshot, width - 10, levels)
            lines[-1] = (*last, (f" +{more} more", "$faint"))
        return lines


def _line(request: Request, snapshot: Snapshot, width: int, levels: Levels) -> Line:
    elapsed = now() - (request.started_at - snapshot.clock_offset)
    cells = min(BAR, max(0, width - 2 * 14 - CLOCK - LIMIT - 4))
    api = 11 if width >= WIDE else 0
    names = width - CLOCK - LIMIT - api - (cells + 3 if cells else 2)
    who = max(8, min(28, names // 2))
    caller = snapshot.caller_names.get(request.caller, request.caller)
    parts: list[Part] = [
        (fit(caller_word(caller), who - 1) + " ", "$value"),
        (fit(model_word(request.model), min(40, names - who)) + " ", "bold $value"),
    ]
    if api:
        parts.append((fit(api_word(request), api - 1) + " ", "$label"))
    if request.tries > 1:
        parts.append((f"×{request.tries} ", "$warning"))
    return (*parts, *_clock(elapsed, request.limit, cells, levels))


def _clock(elapsed: float, limit: float | None, cells: int, levels: Levels) -> list[Part]:
    clock = fit(format.clock(elapsed), CLOCK, right=True)
    if not limit:
        return [(clock, "bold $value")]
    percent = 100.0 * elapsed / limit
    heavy, critical = levels
    late = percent >= heavy
    style = load_style(percent, heavy=heavy, critical=critical) if late else "bold $value"
    filled = style if late else "$load-moderate"
    parts = [(clock, style), (fit(f" / {format.clock(limit)}", LIMIT), "$label")]
    if cells:
        parts.append((f" {bar(percent, cells)}", filled))
    if late:
        parts.append((f" {GLYPHS.warning}", style))
    return parts
