"""Look-up of a remote model before a byte is downloaded, and the downloads."""

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input, Label, Static

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
from dmr_tui.ui.shell.form import dialog_box
from dmr_tui.ui.shell.pane import preferences_of
from dmr_tui.ui.widgets.dialog import Dialog
from dmr_tui.ui.widgets.lines import Line, Part
from dmr_tui.ui.widgets.pictures import bar
from dmr_tui.ui.widgets.table import Column, Table

BAR = 12
ROWS = 9
HINT = "ai/llama3.2:1B-Q8_0, ai/gemma3, hf.co/USER/MODEL:TAG"


class PullDialog(Dialog[None]):
    """Enter looks the name up; enter again downloads what was found. Downloads go on behind it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close", key_display="esc"),
        Binding("ctrl+x", "stop", "Stop", key_display="^x", priority=True),
        Binding("ctrl+r", "again", "Again", key_display="^r", priority=True),
        Binding("ctrl+l", "forget", "Tidy", key_display="^l", priority=True),
    ]

    def __init__(self, monitor: Callable[[], Monitor]) -> None:
        super().__init__()
        self._monitor = monitor
        self._remote: RemoteModel | None = None
        """The registry's answer."""
        self._asked = ""
        """The name that the registry is asked for."""
        self._snapshot = Snapshot()

    def compose(self) -> ComposeResult:
        with dialog_box("pulling", "Pull a model", ""):
            yield Label("Name of a model")
            yield Input(placeholder=HINT, id="pull-name", max_length=200, compact=True)
            yield Static(id="remote-model", markup=False)
            yield Table[Pull](
                _columns(),
                key=lambda pull: canonical(pull.name),
                empty=lambda: (("nothing is being pulled", "$faint"),),
                id="pull-table",
            )
            with Horizontal(classes="buttons"):
                yield Button("Look up", variant="primary", id="go", compact=True)
                yield Button("Close", id="close", compact=True)

    def on_mount(self) -> None:
        self._say(None)
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
        self.query_one("#pulling").border_subtitle = hint
        self.table.show(snapshot.pulls)
        self.table.repaint_changed()
        self.table.styles.height = min(ROWS, len(snapshot.pulls) or 1) + 1

    def on_input_changed(self) -> None:
        """Forget what was found: it belongs to another name."""
        self._say(None)

    @on(Button.Pressed, "#go")
    @on(Input.Submitted)
    def action_go(self) -> None:
        """Look the name up; pull what was found."""
        name = self.query_one("#pull-name", Input).value.strip()
        if not name or name == self._asked:
            return
        if self._found:
            self._pull(name)
        else:
            self._say(None, asked=name)
            self._monitor().look_up(name, self._heard)

    @property
    def _found(self) -> bool:
        return self._remote is not None and self._remote.row is not None

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
            self.call_later(self._take, remote)

    def _take(self, remote: RemoteModel) -> None:
        # Another name may stand in the field by now.
        if remote.name == self._asked:
            self._say(remote)

    def _say(self, remote: RemoteModel | None, asked: str = "") -> None:
        self._remote, self._asked = remote, asked
        lines = _told(remote, asked, preferences_of(self.app).units)
        words = Content("\n").join(Content.assemble(*line) for line in lines)
        self.query_one("#remote-model", Static).update(words)
        self.query_one("#go", Button).label = "Pull" if self._found else "Look up"

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


def _told(remote: RemoteModel | None, asked: str, units: Units) -> list[Line]:
    """Return size, quantization, fit, or why there is none."""
    if asked:
        return [((f"asking for {plain(asked)} …", "$label"),)]
    if remote is None:
        return [
            (("What it takes and whether it fits is looked up first; nothing", "$label"),),
            (("is downloaded before you press enter again.", "$label"),),
        ]
    if (why := remote.failure) is not None:
        rest = [text for text in (why.cause, why.step) if text]
        return [((plain(why.what), "bold $error"),), *(((plain(text), "$label"),) for text in rest)]
    return _found(remote, units)


def _found(remote: RemoteModel, units: Units) -> list[Line]:
    row, fit = remote.row, remote.fit
    if row is None:
        return []
    facts = (
        plain(format.told_size(row.size_text, row.size_bytes)),
        plain(row.quantization or format.UNKNOWN),
        f"{format.parameters(row.parameters)} parameters  ",
    )
    window = format.window(row.context.packaged or row.context.trained)
    name: Part = (f"{plain(row.name)}  ", "bold $value")
    lines: list[Line] = [
        (name, ("  ".join(facts), "$value"), ("context ", "$label"), (window, "$value"))
    ]
    if fit is not None and fit.verdict != "unknown":
        needs, style = needs_words(fit, units)
        pool = remote.pool.value
        free = "" if pool is None else f", {free_text(pool, units)} free"
        lines.append(
            (
                ("needs ", "$label"),
                (needs, style),
                (f" of memory with {format.window(fit.need.launch.context)}: ", "$label"),
                (fit.verdict, VERDICT_STYLES[fit.verdict]),
                (free, "$label"),
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


def _columns() -> tuple[Column[Pull], ...]:
    return (
        Column("name", "MODEL", 0, lambda p: (plain(p.name), "$value"), lambda p: p.name),
        Column("bar", "", BAR, _bar, lambda p: p.share),
        Column("share", "", 5, _share, lambda p: p.share, True),
        Column("done", "DONE", 18, _done, lambda p: p.done, True, 2),
        Column("rate", "RATE", 10, _rate, lambda p: p.rate, True, 1),
        Column("left", "LEFT", 14, _left, lambda p: p.left_s, True),
    )


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
