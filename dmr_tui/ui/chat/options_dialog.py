"""Options of the chat: system prompt, temperature, token limit, seed."""

from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.validation import Function
from textual.widgets import Input, Label, Static, TextArea

from dmr_tui.ui.chat.chat_pane import ChatOptions
from dmr_tui.ui.shell.form import FormDialog

FIELDS = (
    ("temperature", "Temperature, 0 to 2", "the model's own"),
    ("max_tokens", "Token limit of an answer", "none"),
    ("seed", "Seed", "random"),
)


class OptionsDialog(FormDialog[ChatOptions]):
    """Four fields; empty leaves the choice to the engine."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s,ctrl+o", "save", "Save", key_display="^s", priority=True),
    ]

    def __init__(self, options: ChatOptions) -> None:
        super().__init__()
        self._options = options

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="options"):
            yield Label("System prompt")
            yield TextArea(self._options.system, id="system", compact=True)
            for name, label, placeholder in FIELDS:
                value = getattr(self._options, name)
                yield Label(label)
                yield Input(
                    "" if value is None else f"{value:g}" if name == "temperature" else str(value),
                    placeholder=placeholder,
                    id=name.replace("_", "-"),
                    validators=[Function(partial(_valid, name))],
                    compact=True,
                )
            yield Static("", id="options-problem", markup=False)
            yield self.buttons("Save")

    def on_mount(self) -> None:
        box = self.query_one("#options")
        box.border_title = Content("Chat options")
        box.border_subtitle = Content("ctrl+s saves, esc cancels")

    def action_save(self) -> None:
        """Take the fields if they are right, else say which one is not."""
        values: dict[str, float | int | None] = {}
        for name, label, _ in FIELDS:
            text = self.query_one(f"#{name.replace('_', '-')}", Input).value.strip()
            if not _valid(name, text):
                self.query_one("#options-problem", Static).update(f"{label}: {text!r} is not that")
                return
            values[name] = _number(name, text)
        seed, limit = values["seed"], values["max_tokens"]
        self.dismiss(
            ChatOptions(
                system=self.query_one("#system", TextArea).text.strip(),
                temperature=values["temperature"],
                max_tokens=None if limit is None else int(limit),
                seed=None if seed is None else int(seed),
            )
        )


def _number(name: str, text: str) -> float | int | None:
    if not text:
        return None
    return float(text) if name == "temperature" else int(text)


def _valid(name: str, text: str) -> bool:
    try:
        number = _number(name, text.strip())
    except ValueError:
        return False
    if number is None:
        return True
    return {"temperature": 0.0 <= number <= 2.0, "max_tokens": number >= 1, "seed": number >= 0}[
        name
    ]
