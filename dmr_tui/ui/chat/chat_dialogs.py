"""Dialogs of the chat: its options, and the test prompts."""

from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.validation import Integer, Number
from textual.widgets import Input, Label, Static, TextArea

from dmr_tui.ui.chat.chat_pane import ChatOptions
from dmr_tui.ui.chat.presets import PRESETS, Preset
from dmr_tui.ui.shell.choice_dialog import ChoiceDialog
from dmr_tui.ui.shell.form import FormDialog, dialog_box

FIELDS = (
    ("temperature", "Temperature, 0 to 2", "the model's own", Number(0.0, 2.0)),
    ("max_tokens", "Token limit of an answer", "none", Integer(1)),
    ("seed", "Seed", "random", Integer(0)),
)


class OptionsDialog(FormDialog[ChatOptions]):
    """Four fields; empty leaves the choice to the engine."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+o", "save", "Save", priority=True),
    ]

    def __init__(self, options: ChatOptions) -> None:
        super().__init__()
        self._options = options

    def compose(self) -> ComposeResult:
        with dialog_box("options", "Chat options", "ctrl+s saves, esc cancels"):
            yield Label("System prompt")
            yield TextArea(self._options.system, id="system", compact=True)
            for name, label, placeholder, validator in FIELDS:
                value = getattr(self._options, name)
                yield Label(label)
                yield Input(
                    "" if value is None else f"{value:g}" if name == "temperature" else str(value),
                    placeholder=placeholder,
                    id=name.replace("_", "-"),
                    validators=[validator],
                    valid_empty=True,
                    compact=True,
                )
            yield Static("", id="options-problem", markup=False)
            yield self.buttons("Save")

    def action_save(self) -> None:
        """Take the fields if they are right, else say which one is not."""
        values: dict[str, Any] = {}
        for name, label, _, validator in FIELDS:
            text = self.query_one(f"#{name.replace('_', '-')}", Input).value.strip()
            if text and not validator.validate(text).is_valid:
                self.query_one("#options-problem", Static).update(f"{label}: {text!r} is not that")
                return
            read = float if name == "temperature" else int
            values[name] = read(text) if text else None
        self.dismiss(ChatOptions(self.query_one("#system", TextArea).text.strip(), **values))


class PresetsDialog(ChoiceDialog[Preset]):
    """The test prompts, each with what it shows."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+t", "cancel", "Cancel")]

    def __init__(self) -> None:
        super().__init__(
            [(preset, _words(preset)) for preset in PRESETS],
            id="presets",
            title="Test prompts",
            hint="enter sends, esc cancels",
        )


def _words(preset: Preset) -> Content:
    return Content.assemble((f"{preset.title:14}", "bold $value"), (preset.shows, "$label"))
