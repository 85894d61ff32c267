"""The runner's log, followed; with search, filters and pause."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from dmr_tui.runner.logs.log_line import LogLine
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.commands.table import bindings
from dmr_tui.ui.timeline.leveled_pane import LeveledPane, RowFilter
from dmr_tui.ui.timeline.log_text import LineFilter, clock_time, line_parts, pattern
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, OneLine
from dmr_tui.ui.widgets.tail import Tail, cut_off

SLACK_S = 0.05
"""Seconds by which the clocks of log and feed may differ."""


class LogPane(LeveledPane[LogLine]):
    """The lines; below them a line with a remark and the search field, while there is any."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("log")]

    def __init__(self) -> None:
        self._tail: Tail[LogLine] = Tail(self._parts, empty=self._empty, id="log-lines")
        hint = "words that a line has to have"
        field = Input(placeholder=hint, id="log-search", compact=True)
        super().__init__(self._tail, field, everything=LineFilter(), id="log")
        self._found = pattern(())
        self._log: Sequence[LogLine] = ()
        """The newest lines; while paused, more than are shown."""
        self._paused = False
        self._goal: tuple[float, float, str | None] | None = None
        """The lines to go to as soon as they come: from, until, digest."""

    def compose(self) -> ComposeResult:
        yield self._tail
        yield OneLine(id="log-said")
        yield self._field

    def on_mount(self) -> None:
        self.query_one(OneLine).display = False

    def watch_snapshot(self, before: Snapshot, after: Snapshot) -> None:
        """Take the new lines; an empty log only says that nothing reads it just now."""
        self._take_names(after.models)
        if after.log and after.log is not self._log:
            self._log = after.log
            if not self._paused:
                self._show_newest()
        if not self._tail.shown:
            # The line in place of rows may have changed.
            self._tail.repaint_changed()
        self.show_titles()

    def _show_newest(self) -> None:
        self._tail.show(self._log)
        if self._goal is not None:
            self.go_to(*self._goal)

    def go_to(self, start: float, until: float, digest: str | None) -> None:
        """Mark the lines of that time and scroll to them, or say why that cannot be."""
        self._goal = None
        self.say("")
        if self.snapshot.source("log").health == "absent":
            self.say("This version of the runner has no log")
            return
        if self._paused:
            self.action_pause()
        lines = self._tail.rows
        if not lines or lines[-1].at < start - SLACK_S:
            self._goal = (start, until, digest)
        if not lines:
            self.say(f"Going to {clock_time(start)} as soon as the log has come")
            return
        places = _of_that_time(lines, start, until, digest)
        if not places:
            places = [_nearest(lines, start)]
            there = clock_time(lines[places[0]].at)
            if places[0] == 0 and lines[0].at > until:
                self.say(f"The log reaches back to {there}, not to {clock_time(start)}")
            else:
                self.say(f"No line at {clock_time(start)}; the nearest one is of {there}")
        if not all(self._tail.shows_place(place) for place in places):
            self.clear_filter()
        own = [place for place in places if digest and lines[place].digest == digest]
        self._tail.mark(places, (own or places)[0])
        self.show_titles()

    def say(self, text: str) -> None:
        """Show a remark below the log; an empty one takes it away."""
        remark = self.query_one(OneLine)
        remark.display = bool(text)
        remark.show(((f"{GLYPHS.warning} {plain(text)}", "$warning"),))

    def action_pause(self) -> None:
        """Stop taking new lines, or take all that have come."""
        self._paused = not self._paused
        if not self._paused:
            self._show_newest()
        self.show_titles()

    def action_toggle_engine(self) -> None:
        """Hide or show what the engines print."""
        self._set_filter(replace(self._filter, engine=not self._filter.engine))

    def _say_no_model(self) -> None:
        self.say("This line names no model; put the cursor on one that does")

    def on_tail_moved(self) -> None:
        """Take the remark away, and no longer wait for lines to go to."""
        self._goal = None
        self.say("")
        self.show_titles()

    def _set_filter(self, wanted: RowFilter) -> None:
        if wanted != self._filter:
            self._found = pattern(wanted.words)
            super()._set_filter(wanted)
            self.say("")

    def _parts(self, line: LogLine) -> Line:
        return line_parts(line, self._found)

    def titles(self) -> tuple[str, str]:
        """Return how many lines the filter leaves, and whether new ones are followed."""
        total, shown = len(self._tail.rows), self._tail.shown
        words = ["Log"]
        if total:
            count = f"{total:,}" if shown == total else f"{shown:,} of {total:,}"
            words = [f"Log {count} lines", *self._filter.spoken(self._model_name)]
        source = self.snapshot.source("log")
        if source.health == "stale":
            words.append(f"stale: {plain(source.reason)}")
        return f" {GLYPHS.dot} ".join(words), self._state()

    def _state(self) -> str:
        if self._paused:
            return f"paused, {self._held_back()}; space goes on"
        if not self._tail.rows:
            return ""
        if self._tail.follows:
            return "following"
        return f"+{self._tail.below:,} below, end follows"

    def _held_back(self) -> str:
        gone = cut_off(self._tail.rows, self._log)
        if gone is None:
            return "all lines are new"
        return f"{len(self._log) - len(self._tail.rows) + gone:,} new"

    def _empty(self) -> Line:
        snapshot = self.snapshot
        source = snapshot.source("log")
        if self._tail.rows:
            return (("no line matches; esc shows all", "$label"),)
        if source.health == "absent":
            return (
                ("This version of the runner has no log: /logs came in March 2026. ", "$label"),
                ("On Docker Desktop: ", "$label"),
                ("docker model logs", "bold $value"),
            )
        if not snapshot.runner.up:
            return (("no runner yet", "$faint"),)
        if source.health == "stale":
            return ((f"the log cannot be read: {plain(source.reason)}", "$warning"),)
        if source.health == "waiting" or any(e.source == "log" for e in snapshot.events):
            return (("reading the log: its lines come here, the newest at the bottom", "$label"),)
        return (("the log is empty: a line comes with the first call to a model", "$label"),)


def _of_that_time(
    lines: Sequence[LogLine], start: float, until: float, digest: str | None
) -> list[int]:
    """Places of the lines from `start` until `until`, without those about other models."""
    return [
        place
        for place, line in enumerate(lines)
        if start - SLACK_S <= line.at <= until + SLACK_S
        and (not digest or line.digest in {digest, None})
    ]


def _nearest(lines: Sequence[LogLine], at: float) -> int:
    return min(range(len(lines)), key=lambda place: abs(lines[place].at - at))
