"""A list of the runners that Docker's files name."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.runner_choices import Choice, Choices


class ContextsDialog(ModalScreen[str | None]):
    """Named contexts and Docker's own; choosing changes nothing outside this program."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,C", "cancel", "Cancel")]

    def __init__(self, choices: Choices) -> None:
        super().__init__()
        self._choices = choices.runners
        self._now = choices.now
        self._notes = choices.notes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="contexts"):
            yield OptionList(
                *(_option(choice, choice.name == self._now) for choice in self._choices),
                *(
                    Option(Content.styled(plain(note), "$warning"), disabled=True)
                    for note in self._notes
                ),
            )

    def on_mount(self) -> None:
        box = self.query_one("#contexts")
        box.border_title = Content("Watch another runner")
        box.border_subtitle = Content("enter watches it, esc cancels")
        names = [choice.name for choice in self._choices]
        if self._now in names:
            self.query_one(OptionList).highlighted = names.index(self._now)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Watch the chosen runner."""
        self.dismiss(self._choices[event.option_index].name)

    def action_cancel(self) -> None:
        """Keep watching the same runner."""
        self.dismiss(None)


def _option(choice: Choice, now: bool) -> Option:
    sign = "* " if now else "  "
    note = f"  {plain(choice.note)}" if choice.note else ""
    return Option(
        Content.assemble(
            (f"{sign}{plain(choice.name):18} ", "bold $value"),
            (plain(choice.place), "$value"),
            (note, "$label"),
        )
    )
