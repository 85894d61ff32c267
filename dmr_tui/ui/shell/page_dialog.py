"""A dialog with one page to read, which the arrow keys scroll."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content

from dmr_tui.ui.widgets.dialog import Dialog
from dmr_tui.ui.widgets.lines import Line, Lines, wrapped


class Text(Lines):
    """A page that stays as it is: lines broken between words, as high as they are many."""

    DEFAULT_CSS = "Text { height: auto; }"

    def __init__(self, rows: Sequence[Line], *, indent: int = 0) -> None:
        """`indent`: cells by which what does not fit in a row is moved in."""
        super().__init__()
        self._rows = rows
        self._indent = indent

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return all of the text."""
        return [line for row in self._rows for line in wrapped(row, width, self._indent)]


class PageDialog(Dialog[None]):
    """The page in a box; each dialog has its own keys that close it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
    ]

    def __init__(self, page: Lines, *, id: str, title: str, hint: str = "esc closes") -> None:
        """`id` is that of the box, `hint` stands in its lower border."""
        super().__init__()
        self._box = VerticalScroll(page, classes="dialog", id=id)
        self._box.border_title = Content(title)
        self._box.border_subtitle = Content(hint)

    def compose(self) -> ComposeResult:
        yield self._box

    def on_mount(self) -> None:
        self._box.focus()

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self._box.scroll_relative(y=lines, animate=False)
