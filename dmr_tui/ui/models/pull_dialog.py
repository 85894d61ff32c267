"""Looks a model up before a byte is downloaded, and shows the downloads."""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label

from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.names import canonical
from dmr_tui.state.plan import Pull
from dmr_tui.state.replies import RemoteModel
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.format import Units
from dmr_tui.text.memory import free_text, load_advice
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.models.verdicts import VERDICT_STYLES, needs_words
from dmr_tui.ui.shell.pane import Page
from dmr_tui.ui.widgets.lines import Line, Part, wrapped
from dmr_tui.ui.widgets.pictures import bar
from dmr_tui.ui.widgets.table import Column, Table

BAR = 12
ROWS = 9
HINT = "ai/llama3.2:1B-Q8_0, ai/gemma3, hf.co/USER/MODEL:TAG"


class PullDialog(ModalScreen[None]):
    """Enter looks the name up; enter again downloads what was found. Downloads go on behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close", key_display="esc"),
        Binding("ctrl+x", "stop", "Stop", key_display="^x", priority=True),
        Binding("ctrl+r", "again", "Again", key_display="^r", priority=True),
        Binding("ctrl+l", "forget", "Tidy", key_display="^l", priority=True),
    ]

    class Offered(Message):
        """The registry has answered."""

        def __init__(self, remote: RemoteModel) -> None:
            super().__init__()
            self.remote = remote

    def __init__(self, monitor: Callable[[], Monitor], name: str = "") -> None:
        super().__init__()
        self._monitor = monitor
        self._name = name
        self._offer: RemoteModel | None = None
        self._asked = ""
        self._snapshot = Snapshot()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="pulling"):
            yield Label("Name of a model")
            yield Input(self._name, placeholder=HINT, id="pull-name", max_length=200, compact=True)
            yield RemoteModelPage(id="offer")
            yield Table[Pull](
                _columns(), key=lambda pull: canonical(pull.name), empty=_no_pull, id="pull-table"
            )
            with Horizontal(classes="buttons"):
                yield Button("Look up", variant="primary", id="go", compact=True)
                yield Button("Close", id="close", compact=True)

    def on_mount(self) -> None:
        box = self.query_one("#pulling")
        box.border_title = Content("Pull a model")
        self.query_one("#pull-name").focus()
        self.watch(self.app, "snapshot", self._show)

    @property
    def table(self) -> Table[Pull]:
        """The downloads."""
        return self.query_one(Table)

    def _show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        hint = "enter looks up, then pulls; esc closes"
        if snapshot.pulls:
            hint = "enter looks up, then pulls; ^x stops, ^r goes on, ^l clears"
        self.query_one("#pulling").border_subtitle = Content(hint)
        self.table.show(snapshot.pulls)
        self.table.repaint_changed()
        self.table.styles.height = min(ROWS, len(snapshot.pulls) or 1) + 1

    def on_input_changed(self) -> None:
        """Forget what was found: it belongs to another name."""
        if self._offer is not None or self._asked:
            self._offer, self._asked = None, ""
            self._say(None)

    @on(Button.Pressed, "#go")
    @on(Input.Submitted)
    def action_go(self) -> None:
        """Look the name up; pull what was found."""
        name = self.query_one("#pull-name", Input).value.strip()
        if not name or name == self._asked:
            return
        if self._offer is not None and self._offer.row is not None:
            self._pull(name)
            return
        self._asked = name
        self.query_one(RemoteModelPage).ask(name)
        self._monitor().look_up(name, self._heard)

    def _pull(self, name: str) -> None:
        if self._snapshot.read_only:
            self.notify("Read-only mode: nothing is downloaded", severity="warning")
            return
        going = {canonical(pull.name) for pull in self._snapshot.pulls if pull.going}
        if canonical(name) in going:
            self.notify(f"{plain(name)} is being pulled already", markup=False)
        self._monitor().pull(name)
        self.query_one("#pull-name", Input).value = ""

    def _heard(self, remote: RemoteModel) -> None:
        # From the monitor's thread.
        if self.is_running:
            self.post_message(self.Offered(remote))

    def on_pull_dialog_offered(self, event: Offered) -> None:
        """Show what was found, if it is what stands in the field."""
        event.stop()
        if event.remote.name == self._asked:
            self._offer, self._asked = event.remote, ""
            self._say(event.remote)

    def _say(self, remote: RemoteModel | None) -> None:
        self.query_one(RemoteModelPage).show(remote)
        found = remote is not None and remote.row is not None
        self.query_one("#go", Button).label = "Pull" if found else "Look up"

    def action_stop(self) -> None:
        """Stop the download under the cursor, or else the newest."""
        pull = self._one(lambda each: each.going)
        if pull is None:
            self.notify("No download is under way")
        else:
            self._monitor().stop_pull(pull.name)

    def action_again(self) -> None:
        """Go on with the one under the cursor or else the newest, from where it ended."""
        pull = self._one(lambda each: not each.going and each.state != "done")
        if pull is None:
            self.notify("No download was stopped or has failed")
        else:
            self._monitor().pull(pull.name)

    def _one(self, fact: Callable[[Pull], bool]) -> Pull | None:
        """Find the download under the cursor if it is one of those, or else the newest."""
        here = self.table.row
        if here is not None and fact(here):
            return here
        return next((each for each in reversed(self._snapshot.pulls) if fact(each)), None)

    def action_forget(self) -> None:
        """Drop the downloads that are over."""
        self._monitor().forget_pulls()

    @on(Button.Pressed, "#close")
    def action_close(self) -> None:
        """Close the dialog; downloads go on."""
        self.dismiss()


class RemoteModelPage(Page):
    """The model that the registry has under the name."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._offer: RemoteModel | None = None
        self._asked = ""

    def ask(self, name: str) -> None:
        """Say that the registry is asked."""
        self._offer, self._asked = None, name
        self.tick()

    def show(self, remote: RemoteModel | None) -> None:
        """Show the registry's answer."""
        self._offer, self._asked = remote, ""
        self.tick()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return size, quantization, fit, or why there is none."""
        told = [row for line in self._told() for row in wrapped(line, width, 0)]
        return [*told, *([()] * (4 - len(told)))]

    def _told(self) -> list[Line]:
        remote = self._offer
        if self._asked:
            return [((f"asking for {plain(self._asked)} …", "$label"),)]
        if remote is None:
            return [
                (("What it takes and whether it fits is looked up first; nothing", "$label"),),
                (("is downloaded before you press enter again.", "$label"),),
            ]
        if remote.failure is not None:
            why = remote.failure
            rest = [text for text in (why.cause, why.step) if text]
            lines: list[Line] = [((plain(why.what), "bold $error"),)]
            return [*lines, *(((plain(text), "$label"),) for text in rest)]
        return list(_found(remote, self.preferences.units))


def _found(remote: RemoteModel, units: Units) -> list[Line]:
    row, fit = remote.row, remote.fit
    if row is None:
        return []
    facts = (
        ("", plain(format.told_size(row.size_text, row.size_bytes))),
        ("", plain(row.quantization or format.UNKNOWN)),
        ("", f"{format.parameters(row.parameters)} parameters"),
        ("context ", format.window(row.context.packaged or row.context.trained)),
    )
    first: list[Part] = [(f"{plain(row.name)}  ", "bold $value")]
    for label, value in facts:
        first += [(label, "$label"), (f"{value}  ", "$value")]
    lines: list[Line] = [tuple(first)]
    if fit is not None and fit.verdict != "unknown":
        needs, style = needs_words(fit, units)
        lines.append(
            (
                ("needs ", "$label"),
                (needs, style),
                (f" of memory with {format.window(fit.need.launch.context)}: ", "$label"),
                (fit.verdict, VERDICT_STYLES[fit.verdict]),
                *_free(remote, units),
            )
        )
        ways = load_advice(fit, remote.names)
        if ways and fit.lacks_memory and not remote.installed:
            lines.append((("To load it: ", "$label"), (plain(", or ".join(ways)), "$value")))
    elif fit is not None:
        reason = fit.need.total.reason or "free memory is not known"
        lines.append(((f"whether it fits is not known: {plain(reason)}", "$label"),))
    if remote.installed:
        told = (
            "nothing is to be pulled" if remote.holder == "itself" else "a pull only adds the name"
        )
        lines.append(((f"It is installed already; {told}.", "$warning"),))
        return lines
    anyway = " all the same" if remote.never_fits else ""
    lines.append(((f"enter pulls it{anyway}", "bold $accent"),))
    if remote.holder == "another":
        lines.append((("Another model has this name now; it stays, without it.", "$warning"),))
    return lines


def _free(remote: RemoteModel, units: Units) -> Iterator[Part]:
    if (pool := remote.pool.value) is not None:
        yield f", {free_text(pool, units)} free", "$label"


def _columns() -> tuple[Column[Pull], ...]:
    return (
        Column("name", "MODEL", 0, lambda p: (plain(p.name), "$value"), lambda p: p.name),
        Column("bar", "", BAR, _bar, lambda p: p.share),
        Column("share", "", 5, _share, lambda p: p.share, True),
        Column("done", "DONE", 18, _done, lambda p: p.done, True, 2),
        Column("rate", "RATE", 10, _rate, lambda p: p.rate, True, 1),
        Column("left", "LEFT", 14, _left, lambda p: p.left_s, True),
    )


def _no_pull() -> Line:
    return (("nothing is being pulled", "$faint"),)


def _was_there(pull: Pull) -> bool:
    return pull.state == "done" and "cached" in pull.message.lower()


def _bar(pull: Pull) -> Part:
    if _was_there(pull):
        return "", "$label"
    share = pull.share
    style = {"failed": "$load-critical", "stopped": "$label"}.get(pull.state, "$accent")
    return bar(None if share is None else 100.0 * share, BAR), style


def _share(pull: Pull) -> Part:
    share = pull.share
    return ("" if share is None else f"{100.0 * share:.0f} %"), "bold $value"


def _done(pull: Pull) -> Part:
    if not pull.done:
        return "", "$label"
    return f"{format.disk(pull.done)} of {format.disk(pull.total)}", "$value"


def _rate(pull: Pull) -> Part:
    return (f"{format.disk(int(pull.rate))}/s" if pull.rate is not None else ""), "$value"


def _left(pull: Pull) -> Part:
    match pull.state:
        case "waiting":
            return "waiting", "$label"
        case "done":
            return ("was there" if _was_there(pull) else "done"), "$load-ok"
        case "failed":
            what = pull.failure.what if pull.failure else ""
            return f"failed {plain(what)}".strip(), "$load-critical"
        case "stopped":
            return "stopped", "$warning"
    left = pull.left_s
    return (f"{format.clock(left)} left" if left is not None else "…"), "$value"
