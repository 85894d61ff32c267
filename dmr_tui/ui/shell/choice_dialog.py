"""A dialog with a list of choices, of which enter takes one; and the list of runners."""

from collections.abc import Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.runner_choices import Choice, Choices
from dmr_tui.ui.widgets.dialog import Dialog
from dmr_tui.ui.widgets.textual_internals import Options

R = TypeVar("R")


class ChoiceDialog(Dialog[R | None], Generic[R]):
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
            yield Options(
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


class ContextsDialog(ChoiceDialog[str]):
    """Named contexts and Docker's own; choosing changes nothing outside this program."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("C", "cancel", "Cancel")]

    def __init__(self, choices: Choices) -> None:
        names = [choice.name for choice in choices.runners]
        super().__init__(
            [(each.name, _option(each, each.name == choices.now)) for each in choices.runners],
            id="contexts",
            title="Watch another runner",
            hint="enter watches it, esc cancels",
            first=names.index(choices.now) if choices.now in names else 0,
            notes=[Content.styled(plain(note), "$warning") for note in choices.notes],
        )


def _option(choice: Choice, now: bool) -> Content:
    sign = "* " if now else "  "
    note = f"  {plain(choice.note)}" if choice.note else ""
    return Content.assemble(
        (f"{sign}{plain(choice.name):18} ", "bold $value"),
        (plain(choice.place), "$value"),
        (note, "$label"),
    )
