"""A dialog with a list of choices, of which enter takes one."""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

R = TypeVar("R")


class ChoiceDialog(ModalScreen[R | None], Generic[R]):
    """Returns the choice, or None if the user leaves it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "cancel", "Cancel")]

    def __init__(
        self,
        choices: Sequence[tuple[R, Content]],
        *,
        id: str,
        title: str,
        hint: str,
        first: int = 0,
        notes: Sequence[Content] = (),
    ) -> None:
        """`choices` are values with how they look; `first` has the cursor at once, `notes` stand
        below them.
        """
        super().__init__()
        self._choices = choices
        self._first = first
        self._notes = notes
        self._frame = id, Content(title), Content(hint)

    def compose(self) -> ComposeResult:
        id, title, hint = self._frame
        with Vertical(classes="dialog", id=id) as box:
            box.border_title, box.border_subtitle = title, hint
            yield OptionList(
                *(Option(text) for _, text in self._choices),
                *(Option(note, disabled=True) for note in self._notes),
            )

    def on_mount(self) -> None:
        if self._choices:
            self.query_one(OptionList).highlighted = self._first

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the chosen one."""
        self.dismiss(self._choices[event.option_index][0])

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
