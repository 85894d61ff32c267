"""The field for prompts: Enter sends, the arrows bring back earlier ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

REMEMBERED = 200


class PromptArea(TextArea):
    """A few lines of text with a history; the history is not kept on disk."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "earlier", show=False),
        Binding("down", "later", show=False),
    ]

    @dataclass
    class Submitted(Message):
        """Enter was pressed on a text that is not empty."""

        text: str

    def __init__(self) -> None:
        super().__init__(
            id="prompt",
            soft_wrap=True,
            compact=True,
            highlight_cursor_line=False,
            placeholder="ask the chosen model …",
        )
        self._history: list[str] = []
        self._place = 0
        """Place in the history of the prompt that is shown; after the last one it is the draft."""
        self._draft = ""

    def on_key(self, event: events.Key) -> None:
        """Send with enter, before the text area takes it for a new line."""
        # The text area takes this key before any binding; another one may be chosen for sending.
        keymap: Mapping[str, str] = getattr(self.app, "keymap", {})
        if event.key == "enter" and "enter" in keymap.get("chat.send_prompt", "enter").split(","):
            event.stop()
            event.prevent_default()
            self.submit()

    def submit(self) -> None:
        """Send the text."""
        if self.text.strip():
            self.post_message(self.Submitted(self.text.strip()))

    def remember(self, text: str) -> None:
        """Add a prompt that was sent to the history."""
        if not self._history or self._history[-1] != text:
            self._history.append(text)
            del self._history[:-REMEMBERED]
        self._place = len(self._history)

    def restore(self, text: str) -> None:
        """Give a prompt back, unless another one has been begun."""
        if not self.text.strip():
            self._fill(text)

    def action_earlier(self) -> None:
        """Bring back the prompt before this one from the first line; else go one line up."""
        if self.cursor_location[0] > 0:
            self.action_cursor_up()
            return
        if self._place == len(self._history):
            self._draft = self.text
        if self._place > 0:
            self._place -= 1
            self._fill(self._history[self._place])

    def action_later(self) -> None:
        """Bring back the prompt after this one from the last line; else go one line down."""
        if self.cursor_location[0] < self.document.line_count - 1:
            self.action_cursor_down()
        elif self._place < len(self._history):
            self._place += 1
            self._fill([*self._history, self._draft][self._place])

    def _fill(self, text: str) -> None:
        self.text = text
        self.move_cursor(self.document.end)
