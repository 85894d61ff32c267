"""Rows that come at the end: followed like `tail -f` until the user scrolls away.

Textual's RichLog renders every line when it is written and paints all of them when one comes.
Here a row is made into cells when it is seen, and a row that came costs only itself.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, cursor_style, strip_of, wrapped
from dmr_tui.ui.widgets.row_view import RowView

R = TypeVar("R")

_ABOVE = 2
"""Rows that stay visible above what was jumped to."""


class Tail(RowView[R]):
    """Rows of one kind, the newest at the bottom, with a cursor that stays on its row.

    Rows have running numbers that never come twice, so that cursor, marks and scroll position
    survive when old rows are cut off in front.
    """

    @dataclass
    class Moved(Message):
        """The user moved the cursor or scrolled."""

        tail: "Tail[Any]"

    def __init__(
        self, line: Callable[[R], Line], *, empty: Callable[[], Line], id: str | None = None
    ) -> None:
        """`line` makes a row visible, `empty` is the line shown in place of rows."""
        super().__init__(empty=empty, id=id)
        self._line = line
        self._rows: Sequence[R] = ()
        self._first = 0
        """Running number of the first row."""
        self._kept: list[int] = []
        """Running numbers of the rows that are shown."""
        self._wanted: Callable[[R], bool] | None = None
        self._cursor = 0
        self._marked: frozenset[int] = frozenset()
        self._follows = True
        self._height = 0

    @property
    def rows(self) -> Sequence[R]:
        """All rows, those that are filtered out as well."""
        return self._rows

    @property
    def shown(self) -> int:
        """Number of rows that the filter leaves."""
        return len(self._kept)

    @property
    def row(self) -> R | None:
        """The row under the cursor."""
        return self._rows[self._cursor - self._first] if self._kept else None

    @property
    def follows(self) -> bool:
        """True while new rows scroll the view."""
        return self._follows

    @property
    def line_width(self) -> int:
        """Cells of a line, beside the scroll bar."""
        return max(1, self.size.width - self.scrollbar_size_vertical)

    @property
    def below(self) -> int:
        """Number of rows further down than those on the screen."""
        return max(0, len(self._kept) - self.scroll_offset.y - self.size.height)

    def show(self, rows: Sequence[R]) -> None:
        """Take rows of which the old ones may be cut off in front and new ones have come."""
        if rows is self._rows:
            return
        old, self._rows = self._rows, rows
        gone = cut_off(old, rows)
        above = 0
        if gone is None:
            self._first += len(old)
            self._marked, self._follows = frozenset(), True
            self._keep_all()
        elif gone < 0:
            self._first += gone
            # Before a log that was replaced, the same numbers stood for other rows.
            self._strips.clear()
            self._drawn.clear()
            self._keep_all()
            above = -bisect_left(self._kept, self._first - gone)
        else:
            self._first += gone
            above = bisect_left(self._kept, self._first)
            del self._kept[:above]
            self._keep_from(len(old) - gone)
        self._hold_cursor()
        self._settle(self.scroll_offset.y - above)

    def keep(self, wanted: Callable[[R], bool] | None) -> None:
        """Show only the rows for which `wanted` is true."""
        row = self._place() - self.scroll_offset.y
        self._wanted = wanted
        self._strips.clear()
        self._keep_all()
        self._hold_cursor()
        self._settle(self._place() - min(max(row, 0), max(0, self.size.height - 1)))
        self._drawn.clear()
        self.refresh()

    def shows_place(self, place: int) -> bool:
        """Return True if the filter leaves the row at that place of all rows."""
        return self._wanted is None or self._wanted(self._rows[place])

    def mark(self, places: Iterable[int], cursor: int) -> None:
        """Mark rows, by their places among all rows, and scroll to that of the cursor."""
        self._marked = frozenset(self._first + place for place in places)
        self._cursor = self._first + cursor
        self._follows = False
        self._hold_cursor()
        self._settle(self._place() - _ABOVE)

    def _keep_all(self) -> None:
        self._kept = []
        self._keep_from(0)

    def _keep_from(self, start: int) -> None:
        first, wanted, rows = self._first, self._wanted, self._rows
        if wanted is None:
            self._kept += range(first + start, first + len(rows))
        else:
            self._kept += [
                first + place for place in range(start, len(rows)) if wanted(rows[place])
            ]

    def _hold_cursor(self) -> None:
        """Put the cursor on the row after one that is gone."""
        if self._kept:
            self._cursor = self._kept[-1 if self._follows else self._place()]

    def _place(self) -> int:
        return min(bisect_left(self._kept, self._cursor), max(0, len(self._kept) - 1))

    def _settle(self, top: int) -> None:
        size = Size(self.line_width, max(1, len(self._kept)))
        if size != self.virtual_size:
            self._take_height_quietly(size)
        self._scroll_without_paint(self.max_scroll_y if self._follows else top)
        self.repaint_changed()

    def _scroll_without_paint(self, top: int) -> None:
        # The rows that change are known: a scroll that shows the same rows paints nothing.
        top = min(max(top, 0), self.max_scroll_y)
        self.set_reactive(Widget.scroll_y, float(top))
        self.set_reactive(Widget.scroll_target_y, float(top))
        self.vertical_scrollbar.position = top

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow again when the wheel or the scroll bar reaches the end."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = round(new_value) >= self.max_scroll_y
        self._hold_cursor()
        self.post_message(self.Moved(self))

    def _go(self, place: int) -> None:
        if not self._kept:
            return
        place = min(max(place, 0), len(self._kept) - 1)
        self._cursor = self._kept[place]
        self._follows = place == len(self._kept) - 1
        top, visible = self.scroll_offset.y, max(1, self.size.height)
        self._settle(min(max(top, place - visible + 1), place))
        self.post_message(self.Moved(self))

    def _from_here(self) -> int:
        """The cursor's place, or the nearest one that is seen if it was scrolled away."""
        top = self.scroll_offset.y
        return min(max(self._place(), top), top + max(1, self.size.height) - 1)

    def on_resize(self) -> None:
        """Make the rows again for another width; keep a visible cursor visible."""
        self._strips.clear()
        self._drawn.clear()
        place, top = self._place(), self.scroll_offset.y
        if top <= place < top + self._height:
            top = min(max(top, place - self.size.height + 1), place)
        self._height = self.size.height
        self._settle(top)
        self.refresh()

    def _identity(self, y: int) -> object:
        """All that a painted line depends on; the number alone stands for the text."""
        if not self._kept:
            lines = wrapped(self._empty(), self.line_width, 0)
            return lines[y] if y < len(lines) else None
        place = self.scroll_offset.y + y
        if place >= len(self._kept):
            return None
        number = self._kept[place]
        cursor = number == self._cursor and (self.has_focus or not self._follows)
        return number, cursor, cursor and self.has_focus, number in self._marked

    def _paint(self, identity: Any) -> Strip:
        if not self._kept:
            return strip_of(self, identity, self.line_width)
        number, cursor, focused, marked = identity
        base = "on $panel" if marked else ""
        if cursor:
            base = cursor_style(self, focused=focused)
        sign = (GLYPHS.cursor if marked else " ", "bold $accent")
        line = (sign, *self._line(self._rows[number - self._first]))
        return strip_of(self, line, self.line_width, base)


def cut_off(old: Sequence[Any], new: Sequence[Any]) -> int | None:
    """Count the rows of `old` that are missing in front of `new`; None if it is another.

    Negative if `new` begins with so many rows that `old` did not have.
    """
    if not old:
        return 0
    last, before = old[-1], None
    for place in range(len(new) - 1, -1, -1):
        row = new[place]
        if row is last or row == last:
            gone = len(old) - 1 - place
            # A row may come twice, but hardly with the same one so far before it.
            if gone >= 0 and new[0] == old[gone]:
                return gone
            if gone < 0 and before is None and new[-gone] == old[0]:
                before = gone
    return before
