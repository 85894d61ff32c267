"""A dialog with one page to read, which the arrow keys scroll."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from dmr_tui.ui.widgets.lines import Lines


class PageDialog(ModalScreen[None]):
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
