"""The runner's log, followed; with search, filters and pause."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.reactive import var
from textual.widgets import Input

from dmr_tui.runner.logs.log_line import LogLine
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.commands.table import bindings
from dmr_tui.ui.timeline.log_text import LEVELS, LineFilter, clock_time, line_parts, pattern
from dmr_tui.ui.timeline.model_names import ModelNames
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Lines
from dmr_tui.ui.widgets.tail import Tail, cut_off

SLACK_S = 0.05
"""Seconds by which the clocks of log and feed may differ."""


class LogPane(Vertical):
    """The lines; below them one line of talk and the search field, while there is any."""

    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("log")]

    snapshot: var[Snapshot] = var(Snapshot(), init=False)

    def __init__(self) -> None:
        super().__init__(id="log", classes="pane")
        self._filter = LineFilter()
        self._found = pattern(())
        self._names = ModelNames()
        self._model_name = ""
        self._log: Sequence[LogLine] = ()
        """The newest lines; while paused, more than are shown."""
        self._paused = False
        self._goal: tuple[float, float, str | None] | None = None
        """The lines to go to as soon as they come: from, until, digest."""
        self._titles = ("", "")
        self._tail: Tail[LogLine] = Tail(self._parts, empty=self._empty, id="log-lines")

    def compose(self) -> ComposeResult:
        yield self._tail
        yield Said(id="log-said")
        yield Input(placeholder="words that a line has to have", id="log-search", compact=True)

    def on_mount(self) -> None:
        self.query_one(Said).display = False
        self.query_one(Input).display = False

    @property
    def row(self) -> LogLine | None:
        """The line under the cursor."""
        return self._tail.row

    @property
    def filtered(self) -> bool:
        """Whether something is hidden, or a search is being typed."""
        return self._filter != LineFilter() or self.query_one(Input).display

    def focus_lines(self) -> None:
        """Give the keys to the lines."""
        self._tail.focus()

    def watch_snapshot(self, before: Snapshot, after: Snapshot) -> None:
        """Take the new lines; an empty log only says that nobody reads it just now."""
        if not self._names.are_of(after.models):
            self._names = ModelNames(after.models)
        if after.log and after.log is not self._log:
            self._log = after.log
            if not self._paused:
                self._show_newest()
        if not self._tail.shown:
            # What is said in place of lines may have changed.
            self._tail.repaint_changed()
        self._show_titles()

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
            self.pause()
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
            self._drop_filters()
        own = [place for place in places if digest and lines[place].digest == digest]
        self._tail.mark(places, (own or places)[0])
        self._show_titles()

    def say(self, text: str) -> None:
        """One line below the log; nothing takes it away."""
        self.query_one(Said).say(text)

    def pause(self) -> None:
        """Stop taking new lines, or take all that have come."""
        self._paused = not self._paused
        if not self._paused:
            self._show_newest()
        self._show_titles()

    def ask_search(self) -> None:
        """Let a person type words."""
        field = self.query_one(Input)
        field.display = True
        field.focus()

    def next_level(self) -> None:
        """Hide what is less grave, or show all again."""
        place = LEVELS.index(self._filter.level) + 1
        self._set_filter(replace(self._filter, level=LEVELS[place % len(LEVELS)]))

    def toggle_engine(self) -> None:
        """Hide or show what the engines print."""
        self._set_filter(replace(self._filter, engine=not self._filter.engine))

    def toggle_model(self) -> None:
        """Show only the lines of the model under the cursor, or all again."""
        line = self.row
        if self._filter.model or line is None:
            self._set_filter(replace(self._filter, model=""))
            return
        key = self._names.key(line.digest, line.model)
        if not key:
            self.say("This line names no model; put the cursor on one that does")
            return
        self._model_name = plain(self._names.name(line.digest, line.model))
        self._set_filter(replace(self._filter, model=key))

    def drop_filters(self) -> None:
        """Show every line again."""
        self._drop_filters()
        self._tail.focus()

    def _drop_filters(self) -> None:
        field = self.query_one(Input)
        field.display = False
        with field.prevent(Input.Changed):
            field.value = ""
        self._set_filter(LineFilter())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search while typing."""
        event.stop()
        self._set_filter(replace(self._filter, words=tuple(event.value.lower().split())))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the search and go to what it found."""
        event.stop()
        event.input.display = bool(event.input.value)
        self._tail.focus()

    def on_tail_moved(self) -> None:
        """Whoever moves has read what was said, and does not wait to be moved."""
        self._goal = None
        self.say("")
        self._show_titles()

    def _set_filter(self, wanted: LineFilter) -> None:
        if wanted == self._filter:
            return
        self._filter = wanted
        self._found = pattern(wanted.words)
        everything = wanted == LineFilter()
        self._tail.keep(None if everything else lambda line: wanted.matches(line, self._names))
        self.say("")
        self._show_titles()

    def _parts(self, line: LogLine) -> Line:
        return line_parts(line, self._found)

    def _show_titles(self) -> None:
        titles = self._title(), self._state()
        if titles != self._titles:
            self._titles = titles
            self.border_title = Content(titles[0])
            self.border_subtitle = Content(titles[1])

    def _title(self) -> str:
        total, shown = len(self._tail.rows), self._tail.shown
        words = ["Log"]
        if total:
            count = f"{total:,}" if shown == total else f"{shown:,} of {total:,}"
            words = [f"Log {count} lines", *self._filter.spoken(self._model_name)]
        source = self.snapshot.source("log")
        if source.health == "stale":
            words.append(f"stale: {plain(source.reason)}")
        return f" {GLYPHS.dot} ".join(words)

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


class Said(Lines):
    """One line of talk; hidden while there is none."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._text = ""

    def say(self, text: str) -> None:
        """Show that instead of what was said before."""
        if text != self._text:
            self._text = text
            self.display = bool(text)
            self.update_lines()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The one line."""
        return [((f"{GLYPHS.warning} {plain(self._text)}", "$warning"),)]


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
