"""What every screen of the dashboard has in common, and every dialog."""

from typing import Generic, TypeVar

from textual.await_complete import AwaitComplete
from textual.geometry import Offset, Size
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

R = TypeVar("R")


class OwnScreen(Screen[R], Generic[R]):
    """A screen whose mouse and size are those of now, not of a moment ago."""

    def get_widget_and_offset_at(self, x: int, y: int) -> tuple[Widget | None, Offset | None]:
        """Return the widget at a cell, and the place in its text; neither of a removed one."""
        # Until the next layout Textual still finds a removed widget, and fails as it has no parent.
        widget, offset = super().get_widget_and_offset_at(x, y)
        return (widget, offset) if widget is not None and widget.is_attached else (None, None)

    def _screen_resized(self, size: Size) -> None:
        # Each layout that changes the size of the screen reports that size again, behind another
        # one that is on its way: of two sizes each would follow the other without end.
        super()._screen_resized(self.app.size)


class ClosesItself(OwnScreen[R], Generic[R]):
    """A screen whose `dismiss` removes that screen, and does nothing once it is gone.

    Among the bases of a class it comes last, as Textual takes styles from the first one only.

    Textual's own removes whatever is in front: the palette instead of the dialog below it, or, the
    second time, the screen behind.
    """

    def dismiss(self, result: R | None = None) -> AwaitComplete:
        """Close with a result; what lies over it closes without one."""
        if self not in self.app.screen_stack:
            nothing: AwaitComplete = AwaitComplete.nothing()  # type: ignore[no-untyped-call]
            return nothing
        while self.app.screen is not self:
            self.app.pop_screen()
        return super().dismiss(result)


class Dialog(ModalScreen[R], ClosesItself[R], Generic[R]):
    """A dialog of the dashboard."""
