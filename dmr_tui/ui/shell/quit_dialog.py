"""Asks before the end of the dashboard would end a download."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from dmr_tui.state.plan import Pull
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.widgets.dialog import Dialog


class QuitDialog(Dialog[bool]):
    """Returns True to quit all the same."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,q,ctrl+q", "quit", "Quit"),
        Binding("escape,n", "stay", "Stay"),
    ]

    def __init__(self, pulls: Sequence[Pull], act: str = "Quit") -> None:
        """`pulls`: the downloads that would end; `act`: what would end them, in a word."""
        super().__init__()
        yet = "Downloads are" if len(pulls) > 1 else "A download is"
        told = (
            f"{yet} under way, and would end. What has come stays with the runner: the next pull"
            " goes on from there."
        )
        self._lines = [
            *(Content.styled(_how_far(pull), "bold $value") for pull in pulls),
            Content(""),
            Content.styled(told, "$label"),
        ]
        self._act = act

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small-dialog", id="quitting") as box:
            box.border_title = Content(self._act)
            box.border_subtitle = Content("y does it, esc stays")
            yield Static(Content("\n").join(self._lines), markup=False)
            with Horizontal(classes="buttons"):
                yield Button(self._act, variant="primary", id="quit", compact=True)
                yield Button("Stay", id="stay", compact=True)

    def on_mount(self) -> None:
        self.query_one("#stay").focus()

    @on(Button.Pressed, "#quit")
    def action_quit(self) -> None:
        """End the dashboard."""
        self.dismiss(True)

    @on(Button.Pressed, "#stay")
    def action_stay(self) -> None:
        """Stay in the dashboard."""
        self.dismiss(False)


def _how_far(pull: Pull) -> str:
    share = "waiting" if pull.share is None else f"{100.0 * pull.share:.0f} %"
    return f"{plain(pull.name)}  {share}"
