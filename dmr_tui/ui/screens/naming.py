"""What a person calls a caller, and after how many seconds it hangs up."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from dmr_tui.plain import plain

LONGEST = 40
LONGEST_LIMIT = 86_400.0
ABOUT = (
    "Seconds after which the caller hangs up, n8n's AI nodes after 300. A call in flight shows a"
    " clock that fills up to it, and one that ended at it is called timed out."
)


@dataclass(frozen=True, slots=True)
class CallerName:
    """A name, empty for the caller's own, and its time limit in seconds."""

    name: str
    limit: float | None


class NameDialog(ModalScreen[CallerName | None]):
    """Two fields; both may be empty."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel"),
        Binding("ctrl+s", "save", "Save", key_display="^s", priority=True),
    ]

    def __init__(self, caller: str, known: CallerName) -> None:
        super().__init__()
        self._caller = caller
        self._known = known

    def compose(self) -> ComposeResult:
        limit = self._known.limit
        with Vertical(classes="dialog", id="naming"):
            yield Label("Its own name")
            yield Static(Content.styled(plain(self._caller), "bold $value"), markup=False)
            yield Label("Name to show")
            yield Input(
                self._known.name,
                placeholder="its own",
                id="caller-name",
                max_length=LONGEST,
                compact=True,
            )
            yield Label("Time limit in seconds")
            yield Input(
                "" if limit is None else f"{limit:g}",
                placeholder="none known",
                id="caller-limit",
                compact=True,
            )
            yield Static(ABOUT, id="naming-about", markup=False)
            yield Static("", id="naming-problem", markup=False)
            with Horizontal(id="naming-buttons"):
                yield Button("Save", variant="primary", id="save", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        box = self.query_one("#naming")
        box.border_title = Content("Name the caller")
        box.border_subtitle = Content("enter saves, esc cancels")

    @on(Button.Pressed, "#save")
    @on(Input.Submitted)
    def action_save(self) -> None:
        """Take the fields if the limit is a number of seconds."""
        text = self.query_one("#caller-limit", Input).value.strip().removesuffix("s").strip()
        limit = _seconds(text)
        if text and limit is None:
            problem = self.query_one("#naming-problem", Static)
            problem.update(f"{text!r} is no number of seconds; empty if none is known")
            return
        name = " ".join(self.query_one("#caller-name", Input).value.split())
        self.dismiss(CallerName("" if name == self._caller else name, limit))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """Leave everything as it was."""
        self.dismiss(None)


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 < value <= LONGEST_LIMIT else None
