"""Rows that are painted one by one, each only when it differs from what is on the screen."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from dmr_tui.ui.widgets.lines import Line

R = TypeVar("R")


class RowView(ScrollView, Generic[R], can_focus=True):
    """Rows of one kind with a cursor that keys and the mouse move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home,g", "move_to(0)", show=False),
        Binding("end,G", "move_to(-1)", show=False),
    ]
    HEADER = 0
    """Cells above the rows that do not scroll."""

    @dataclass
    class Chosen(Message):
        """A double click on a row."""

        view: "RowView[Any]"
        row: Any

    def __init__(self, *, empty: Callable[[], Line], id: str | None) -> None:
        """`empty` is the line shown in place of rows."""
        super().__init__(id=id)
        self._empty = empty
        self._drawn: dict[int, object] = {}
        """The identity from which each line of the screen was painted."""
        self._strips: dict[object, Strip] = {}

    @property
    @abstractmethod
    def row(self) -> R | None:
        """The row under the cursor."""

    @property
    @abstractmethod
    def shown(self) -> int:
        """Number of rows that the filter leaves."""

    @property
    def line_width(self) -> int:
        """Cells of a line."""
        return self.size.width

    @abstractmethod
    def keep(self, wanted: Callable[[R], bool] | None) -> None:
        """Show only the rows for which `wanted` is true."""

    def repaint_changed(self) -> None:
        """Paint the visible rows that differ from what is on the screen."""
        width, height = self.size
        changed = [y for y in range(self.HEADER, height) if self._drawn.get(y) != self._identity(y)]
        if len(changed) == height:
            self.refresh()
        elif changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """Paint the row that is scrolled to this line."""
        identity = self._drawn[y] = self._identity(y)
        if identity is None:
            return Strip.blank(self.line_width, self.rich_style)
        strip = self._strips.get(identity)
        if strip is None:
            # As the screen before may come again, and no more: with all that Textual keeps in a
            # strip, each takes about 10 KiB.
            if len(self._strips) >= 2 * self.size.height + 8:
                del self._strips[next(iter(self._strips))]
            strip = self._strips[identity] = self._paint(identity)
        return strip

    @abstractmethod
    def _identity(self, y: int) -> object:
        """All that a painted line depends on; None for a blank one."""

    @abstractmethod
    def _paint(self, identity: Any) -> Strip:
        """Paint the line of that identity."""

    @abstractmethod
    def _from_here(self) -> int:
        """The place from which keys move the cursor."""

    @abstractmethod
    def _go(self, place: int) -> None:
        """Move the cursor to a place among the shown rows, or to the nearest one there is."""

    def action_move(self, steps: int) -> None:
        """Move the cursor by rows."""
        self._go(self._from_here() + steps)

    def action_page(self, pages: int) -> None:
        """Move the cursor by screens, of which one row stays visible."""
        self._go(self._from_here() + pages * max(1, self.size.height - self.HEADER - 1))

    def action_move_to(self, place: int) -> None:
        """Move the cursor to a row, counted from the end if negative."""
        self._go(place if place >= 0 else self.shown + place)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a row; choose it with the second click."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self.HEADER:
            self._click_header(offset.x)
            return
        place = self.scroll_offset.y + offset.y - self.HEADER
        if place < self.shown:
            self._go(place)
            if event.chain == 2:
                self.post_message(self.Chosen(self, self.row))

    def _click_header(self, x: int) -> None:
        pass

    def on_mount(self) -> None:
        """Paint again in the colours of another theme, which are in the strips."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._forget_strips())

    def on_unmount(self) -> None:
        """Let go: the subscription would keep this widget until the theme changes."""
        self.app.theme_changed_signal.unsubscribe(self)

    def _forget_strips(self) -> None:
        self._strips.clear()
        self.refresh()

    def on_focus(self) -> None:
        """Show the cursor as that of the widget with the keys."""
        self.repaint_changed()

    def on_blur(self) -> None:
        """Show the cursor as one that the keys do not move."""
        self.repaint_changed()

    def _take_height_quietly(self, size: Size) -> None:
        # Set in the usual way, each row that comes would lay out the whole screen.
        self.set_reactive(Widget.virtual_size, size)
        self.vertical_scrollbar.window_virtual_size = size.height
