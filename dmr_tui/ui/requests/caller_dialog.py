"""A dialog for the name of a caller, and for the seconds after which it hangs up."""

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.form import FormDialog

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


class NameDialog(FormDialog[CallerName]):
    """Two fields; both may be empty."""

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
            yield self.buttons("Save")

    def on_mount(self) -> None:
        box = self.query_one("#naming")
        box.border_title = Content("Name the caller")
        box.border_subtitle = Content("enter saves, esc cancels")

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


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0.0 < value <= LONGEST_LIMIT else None
