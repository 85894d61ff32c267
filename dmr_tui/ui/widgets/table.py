"""A table for live data: a cursor that stays on its row, and only changed rows are painted.

Textual's DataTable paints every visible row when one cell changes, which at one change a second
is more than a dashboard may take.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, cursor_style, fit, strip_of
from dmr_tui.ui.widgets.order import Order
from dmr_tui.ui.widgets.row_view import RowView
from dmr_tui.ui.widgets.textual_internals import InterceptingApp

FAILED: Part = ("?", "$error")
"""What stands in a cell that could not be made."""
R = TypeVar("R")


@dataclass(frozen=True)
class Column(Generic[R]):
    """One property of a row, as it is shown and sorted."""

    key: str
    title: str
    width: int
    """Cells; 0 takes what the others leave."""
    cell: Callable[[R], Part]
    sort: Callable[[R], Any]
    """A value that compares with those of the other rows; None comes last."""
    right: bool = False
    drop: int = 0
    """Columns with the highest number go first when the table is too narrow; 0 stays."""
    narrow: "Column[R] | None" = None
    """Takes the place of this column when it would have to go."""


class Table(RowView[R]):
    """Rows of one kind under a header that stays."""

    HEADER = 1

    @dataclass
    class CursorMoved(Message):
        """The cursor is on another row."""

        table: "Table[Any]"
        row: Any

    def __init__(
        self,
        columns: Sequence[Column[R]],
        key: Callable[[R], str],
        *,
        empty: Callable[[], Line],
        follow: bool = False,
        grow: int = 12,
        id: str | None = None,
    ) -> None:
        """`empty` is the line shown in place of rows; growing columns get at least `grow` cells,
        and others are dropped for that.

        With `follow` new rows come at the top: a cursor on the first row goes to the newest,
        any other one stays where it is on the screen, and so do the rows around it.
        """
        super().__init__(empty=empty, id=id)
        self._columns = tuple(columns)
        self._key = key
        self._grow = grow
        self._follow = follow
        self._following = follow
        self._order: Order[R] = Order(key)
        self._cursor_key: str | None = None
        self._cursor_near = 0
        self._sort_key: str | None = None
        self._reverse = False
        self._looked: dict[int, Line] = {}
        """Cells of the rows that are on the screen, as they were last looked at."""
        self._visible: tuple[tuple[Column[R], int], ...] = ()

    @property
    def rows(self) -> Sequence[R]:
        """The rows as they are shown: filtered and sorted."""
        return self._order.rows

    @property
    def shown(self) -> int:
        """Number of rows that the filter leaves."""
        return len(self._order.rows)

    @property
    def following(self) -> bool:
        """True while the cursor goes to the newest row."""
        return self._following and self._sort_key is None

    @property
    def row(self) -> R | None:
        """The row under the cursor."""
        place = self._place()
        return None if place is None else self._order.rows[place]

    @property
    def sorted_by(self) -> str:
        """The column that sorts, in words; empty for the order in which the rows came."""
        column = next((c for c in self._columns if c.key == self._sort_key), None)
        if column is None:
            return ""
        return f"{column.title.lower()} {GLYPHS.descending if self._reverse else GLYPHS.ascending}"

    def show(self, rows: Sequence[R]) -> None:
        """Take new rows; cursor and scroll stay where they are."""
        with self._steady():
            self._order.show(rows)

    def keep(self, wanted: Callable[[R], bool] | None) -> None:
        """Show only the rows for which `wanted` is true."""
        with self._steady():
            self._order.keep(wanted)

    def sort_by(self, key: str | None, *, reverse: bool = False) -> None:
        """Sort by a column, or (None) not at all."""
        self._sort_key, self._reverse = key, reverse
        column = next((c for c in self._columns if c.key == key), None)
        self._strips.clear()
        self._order.sort_by(column.sort if column else None, reverse=reverse)
        self._settle(self._cursor_near)
        place = self._place()
        if place is not None:
            self._scroll_to_see(place)
        self.refresh()

    def sort_next(self) -> None:
        """Sort by the next column: up, then down, then the next one, at last not at all."""
        keys = [column.key for column, _ in self._visible]
        if self._sort_key is not None and not self._reverse:
            self.sort_by(self._sort_key, reverse=True)
            return
        place = keys.index(self._sort_key) + 1 if self._sort_key in keys else 0
        self.sort_by(keys[place] if place < len(keys) else None)

    def move_to(self, key: str) -> bool:
        """Put the cursor on the row with that key and leave it there; False if none has it."""
        place = self._order.place(key)
        if place is None:
            return False
        self._go(place)
        self._following = False
        return True

    def repaint_changed(self) -> None:
        """Paint the visible rows whose cells differ from what is on the screen."""
        self._looked.clear()
        super().repaint_changed()

    @contextmanager
    def _steady(self) -> Iterator[None]:
        rows, before = self._order.rows, self._place()
        # Rows that went a moment ago are scrolled past until the next layout.
        top = min(round(self.scroll_y), max(0, len(rows) - 1))
        # The rows that are on the screen stay there, except that the newest is to be seen.
        held = rows[top] if self._follow and rows and (top or not self.following) else None
        yield
        self._settle(before)
        if held is not None:
            place = self._order.place(self._key(held), top)
            if place is not None and place != top:
                self._scroll_along(place)
        self.repaint_changed()

    def _scroll_along(self, top: int) -> None:
        # The rows on the screen are the same as before, so there is nothing to paint.
        top = min(top, self.max_scroll_y)
        self.set_scroll(None, top)
        self.scroll_target_y = top
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = top

    def _settle(self, before: int | None) -> None:
        rows = self._order.rows
        if rows and self.following:
            self._cursor_key, self._cursor_near = self._key(rows[0]), 0
        elif rows and self._place() is None:
            # The row is gone: the next one takes its place under the cursor.
            self._cursor_near = min(before or 0, len(rows) - 1)
            self._cursor_key = self._key(rows[self._cursor_near])
        self._take_height(len(rows) + 1)

    def _take_height(self, height: int) -> None:
        before, size = self.virtual_size, Size(self.size.width, height)
        if size == before:
            return
        if size.width == before.width and self.container_size.height < min(height, before.height):
            # Only the scroll bar changes.
            self._take_height_quietly(size)
        else:
            self.virtual_size = size

    def _place(self) -> int | None:
        if self._cursor_key is None:
            return None
        place = self._order.place(self._cursor_key, self._cursor_near)
        self._cursor_near = place or 0
        return place

    def _from_here(self) -> int:
        return self._place() or 0

    def _go(self, place: int) -> None:
        rows = self._order.rows
        if not rows:
            return
        place = min(max(place, 0), len(rows) - 1)
        key = self._key(rows[place])
        self._following = self._follow and place == 0
        if key != self._cursor_key:
            self._cursor_key, self._cursor_near = key, place
            self.post_message(self.CursorMoved(self, rows[place]))
        self._scroll_to_see(place)
        self.repaint_changed()

    def _scroll_to_see(self, place: int) -> None:
        visible = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        # By force: the scroll bar of rows that have just come is not there yet.
        if place < top:
            self.scroll_to(y=place, animate=False, force=True)
        elif place >= top + visible:
            self.scroll_to(y=place - visible + 1, animate=False, force=True)

    def _click_header(self, x: int) -> None:
        for column, width in self._visible:
            if x < width + 1:
                again = column.key == self._sort_key
                self.sort_by(column.key, reverse=again and not self._reverse)
                return
            x -= width + 1

    def on_resize(self) -> None:
        """Fit the columns into the new width."""
        self._layout_columns()
        self._strips.clear()
        place = self._place()
        self._settle(place)
        if place is not None and (place or not self._follow):
            self._scroll_to_see(place)

    def _layout_columns(self) -> None:
        columns = list(self._columns)
        while True:
            fixed = sum(c.width for c in columns) + len(columns)
            growing = [c for c in columns if c.width == 0]
            spare = self.size.width - fixed
            droppable = [c for c in columns if c.drop]
            if spare >= self._grow * len(growing) or not droppable:
                break
            place = columns.index(max(droppable, key=lambda c: c.drop))
            instead = columns[place].narrow
            columns[place : place + 1] = [] if instead is None else [instead]
        share = max(1, spare // len(growing)) if growing else 0
        self._visible = tuple((c, c.width or share) for c in columns)
        self._looked.clear()

    def _identity(self, y: int) -> object:
        place, rows = self.scroll_offset.y + y - 1, self._order.rows
        if place >= len(rows):
            return self._empty() if place == 0 and not rows else None
        row = rows[place]
        cursor = self._key(row) == self._cursor_key
        return self._cells(row), cursor, cursor and self.has_focus

    def _cells(self, row: R) -> Line:
        known = self._looked.get(id(row))
        if known is not None:
            return known
        cells: list[Part] = []
        for column, width in self._visible:
            text, style = self._cell(column, row)
            cells.append((fit(text, width, right=column.right) + " ", style))
        line = self._looked[id(row)] = tuple(cells)
        return line

    def _cell(self, column: Column[R], row: R) -> Part:
        # Looked at again with every paint: what fails would take the whole screen with it.
        try:
            return column.cell(row)
        except Exception as error:
            if isinstance(self.app, InterceptingApp) and self.app.bears(error):
                return FAILED
            raise

    def render_line(self, y: int) -> Strip:
        """Paint the header, or the row that is scrolled to this line."""
        return super().render_line(y) if y else self._header()

    def _paint(self, identity: Any) -> Strip:
        if not self.rows:
            return strip_of(self, identity, self.size.width)
        cells, cursor, focused = identity
        base = cursor_style(self, focused=focused) if cursor else ""
        return strip_of(self, cells, self.size.width, base)

    def _header(self) -> Strip:
        parts: list[Part] = []
        for column, width in self._visible:
            sign = ""
            if column.key == self._sort_key:
                sign = GLYPHS.descending if self._reverse else GLYPHS.ascending
            # The sign is worth more than the end of the word.
            name = column.title[: max(0, width - len(sign))] + sign
            title = fit(name, width, right=column.right)
            parts.append((title + " ", "$faint" if not sign else "$accent"))
        return strip_of(self, tuple(parts), self.size.width)
