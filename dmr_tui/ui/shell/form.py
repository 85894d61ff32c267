"""A dialog with fields: enter or ctrl+s takes them, escape leaves everything as it was."""

from typing import ClassVar, Generic, TypeVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Input

from dmr_tui.ui.widgets.dialog import Dialog

R = TypeVar("R")


def dialog_box(id: str, title: str, hint: str, *, small: bool = False) -> Vertical:
    """Make the box of a dialog, with words in its borders."""
    box = Vertical(classes="dialog small-dialog" if small else "dialog", id=id)
    box.border_title, box.border_subtitle = Content(title), Content(hint)
    return box


class FormDialog(Dialog[R | None], Generic[R]):
    """A dialog with fields; each one has an action `save`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "save", "Save", key_display="^s", priority=True),
    ]

    def buttons(self, save: str) -> Horizontal:
        """Make the two buttons below the fields."""
        return Horizontal(
            Button(save, variant="primary", id="save", compact=True),
            Button("Cancel", id="cancel", compact=True),
            classes="buttons",
        )

    @on(Button.Pressed, "#save")
    @on(Input.Submitted)
    async def _take(self) -> None:
        await self.run_action("save")

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Leave everything as it was."""
        self.dismiss(None)
