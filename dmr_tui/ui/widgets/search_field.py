"""A field for words that are looked for when the typing pauses."""

from dataclasses import dataclass

from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

TYPING_S = 0.15
"""Seconds without a key after which the typed words are looked for."""


class SearchField(Input):
    """Hidden until asked for; it tells the words when the typing pauses."""

    @dataclass
    class Typed(Message):
        """Words to look for."""

        words: str

    def __init__(self, hint: str, *, id: str) -> None:
        super().__init__(placeholder=hint, id=id, compact=True)
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        self.display = False

    def open(self) -> None:
        """Let the user type."""
        self.display = True
        self.focus()

    def close(self) -> None:
        """Forget the words."""
        self._stop()
        self.display = False
        with self.prevent(Input.Changed):
            self.value = ""

    def on_input_changed(self, event: Input.Changed) -> None:
        """Wait for the next key."""
        event.stop()
        self._stop()
        self._timer = self.set_timer(TYPING_S, self._tell)

    def on_input_submitted(self) -> None:
        """Look for the words at once."""
        self._stop()
        self.display = False
        self._tell()

    def _tell(self) -> None:
        self.post_message(self.Typed(self.value.strip()))

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
