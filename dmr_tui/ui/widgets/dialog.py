"""Screens over another one that close themselves once, whatever lies over them."""

from typing import Generic, TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen

R = TypeVar("R")


class ClosesItself(Screen[R], Generic[R]):
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
