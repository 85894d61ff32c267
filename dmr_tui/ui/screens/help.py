"""Keys by place, and what the numbers mean."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from dmr_tui.ui.actions import ACTS, Act

PLACES = (
    ("everywhere", "Everywhere"),
    ("models", "In the list of models"),
    ("chat", "In the chat"),
    ("doctor", "In the doctor"),
)
NUMBERS = (
    ("decode", "tokens per second after the first one; the first comes out of the prefill"),
    ("prefill", "new prompt tokens per second; cached ones cost nothing and are left out"),
    ("first token", "from sending to the first piece of reasoning or text (TTFT)"),
    ("load (cold)", "the model was not loaded: how long that took, apart from the rest"),
    ("server", "the engine's own stopwatch"),
    ("client", "measured here, as the answer arrived"),
    ("~", "an estimate, until the engine tells"),
    ("—", "not known; the doctor (6) says why"),
    ("p50, p95", "half, and 95 of 100, of the calls were at most that fast"),
    ("context", "window in use of what the model was trained for; k is 1,024 tokens"),
    ("idle 3:12", "unloads in 3 minutes 12 seconds unless it is used"),
)


class HelpDialog(ModalScreen[None]):
    """Made of the table of actions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Close", key_display="esc"),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog", id="help"):
            yield Static(_content(), markup=False)

    def on_mount(self) -> None:
        box = self.query_one("#help")
        box.border_title = Content("Help")
        box.border_subtitle = Content("esc closes")
        box.focus()

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#help").scroll_relative(y=lines, animate=False)


def _content() -> Content:
    lines: list[Content] = []
    for where, title in PLACES:
        lines.append(Content.styled(title, "bold $accent"))
        lines += [_line(_key(act), act.help) for act in ACTS if act.where == where]
        if where == "everywhere":
            lines.append(_line("ctrl+p", "Every command, by name."))
            lines.append(_line("tab", "The next pane."))
        lines.append(Content(""))
    lines.append(Content.styled("What the numbers mean", "bold $accent"))
    lines += [_line(name, meaning) for name, meaning in NUMBERS]
    return Content("\n").join(lines)


def _key(act: Act) -> str:
    shown = act.shown_key or act.keys.split(",")[0]
    return shown.replace("^", "ctrl+").replace("escape", "esc").replace("slash", "/")


def _line(key: str, text: str) -> Content:
    return Content.assemble((f"  {key:14}", "bold $value"), (text, "$label"))
