"""A list of the runners that Docker's files name."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.choice_dialog import ChoiceDialog
from dmr_tui.ui.shell.runner_choices import Choice, Choices


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
