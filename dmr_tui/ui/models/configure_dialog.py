"""The configuration of a model: read, changed, and shown as a difference before it is sent."""

import re
import shlex
from collections.abc import Callable
from typing import Any

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Label, Static

from dmr_tui.monitor.live import Monitor
from dmr_tui.monitor.memory.what_if import forecast_launch
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.plan import ConfigurePlan
from dmr_tui.state.replies import StoredConfigResult
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.plans import differences
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.models.verdicts import SOURCES, VERDICT_STYLES
from dmr_tui.ui.shell.form import FormDialog, dialog_box
from dmr_tui.ui.shell.pane import preferences_of

_DURATION = re.compile(r"-1|0|(?:\d{1,9}(?:\.\d{1,9})?(?:h|m|s|ms)){1,6}")
LONGEST = 2**31 - 1


def _context(text: str) -> int:
    digits = text.replace(",", "").replace(" ", "").lower()
    thousands = digits.endswith("k")
    try:
        number = int(digits.removesuffix("k")) * (1024 if thousands else 1)
    except ValueError:
        raise ValueError("context: a number of tokens, such as 8192 or 8k, or -1") from None
    if number != -1 and not 0 < number <= LONGEST:
        raise ValueError("context: more than 0 tokens, or -1")
    return number


def _keep_alive(text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise ValueError("keep loaded: 30s, 10m, 1h30m, 0 to unload at once, -1 for ever")
    return text


def _flags(text: str) -> list[str]:
    try:
        flags = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"flags: {error}".lower()) from None
    if flags and not flags[0].startswith("-"):
        raise ValueError(f"flags: {flags[0]} is none, flags begin with -")
    return flags


FIELDS = (
    ("context-size", "Context in tokens; -1 for as long as it was trained", "as packaged"),
    ("keep_alive", "Keep loaded after its last call: 10m, 1h30m, 0, or -1 for ever", "5m"),
    ("runtime-flags", "Flags of the engine, as on a command line", "none"),
)
READ = {"context-size": _context, "keep_alive": _keep_alive, "runtime-flags": _flags}
"""What makes a value of the text in each field, or raises ValueError."""
Ask = Callable[[ConfigurePlan, Callable[[bool | None], None]], None]
"""Ask the user, run the plan, and then say whether it was done."""


class ConfigureDialog(FormDialog[None]):
    """Three fields with what is stored; keys that they do not know stay as they are.

    It stays below the question: what was written is still there if the runner refuses it.
    """

    def __init__(self, row: ModelRow, mode: str, monitor: Callable[[], Monitor], ask: Ask) -> None:
        super().__init__()
        self._ask = ask
        self._row = row
        self._mode = mode
        self._monitor = monitor
        self._before: dict[str, Any] | None = None

    def compose(self) -> ComposeResult:
        title = f"Configure {plain(self._row.name)}"
        with dialog_box("configure", title, "enter goes on, esc cancels", small=True):
            for key, label, placeholder in FIELDS:
                yield Label(label)
                yield Input(placeholder=placeholder, id=f"set-{key}", compact=True, disabled=True)
            yield Static("reading what is stored …", id="configure-diff", markup=False)
            yield Static("", id="configure-fit", markup=False)
            yield Static("", id="configure-problem", classes="problem", markup=False)
            yield self.buttons("Go on")

    def on_mount(self) -> None:
        self._read()

    def _read(self) -> None:
        self._monitor().stored_config(self._row.digest or "", self._mode, self._heard)

    def _heard(self, stored: StoredConfigResult) -> None:
        # From the monitor's thread.
        if self.is_running:
            self.call_later(self._fill, stored)

    def _fill(self, stored: StoredConfigResult) -> None:
        if (failure := stored.failure) is not None:
            self.query_one("#configure-diff", Static).update("")
            self._say(f"{failure.what}. {failure.cause}")
            return
        first, before = self._before is None, self._before or {}
        self._before = stored.config
        for key, *_ in FIELDS:
            field = self.query_one(f"#set-{key}", Input)
            # What the user has written stays, also if another program configured it meanwhile.
            if first or field.value.strip() == _text(before.get(key)):
                field.value = _text(self._before.get(key))
            field.disabled = False
        if first:
            self.query_one("#set-context-size").focus()
        self.on_input_changed()

    def on_input_changed(self) -> None:
        """Show what would be different."""
        if self._before is None:
            return
        plan = self._plan()
        shown = self.query_one("#configure-diff", Static)
        if isinstance(plan, str):
            self._say(plan)
            shown.update("")
            self.query_one("#configure-fit", Static).update("")
            return
        self._say("")
        lines = [plain(each) for each in differences(plan)] or ["nothing is different yet"]
        if kept := sorted(self._before.keys() - {key for key, *_ in FIELDS}):
            lines.append(f"kept as it is: {', '.join(map(plain, kept))}")
        shown.update(Content("\n").join(Content.styled(line, "$value") for line in lines))
        self.query_one("#configure-fit", Static).update(self._fit(plan))

    def _fit(self, plan: ConfigurePlan) -> Content:
        """Return what the model would need like this."""
        snapshot: Snapshot = getattr(self.app, "snapshot", Snapshot())
        then = forecast_launch(snapshot, self._row, plan.config)
        tokens = f"with {then.asked.context:,} tokens {SOURCES[then.source]}"
        if (total := then.need.total.value) is None:
            what = f"what it needs {tokens} is not known: {plain(then.need.total.reason)}"
            lines = [Content.styled(what, "$label")]
        else:
            needs = (f"needs ~{preferences_of(self.app).units.memory(total)} {tokens}: ", "$label")
            lines = [Content.assemble(needs, (then.verdict, VERDICT_STYLES[then.verdict]))]
        if then.source == "flag" and "context-size" in plan.config:
            lines.append(Content.styled("the flag wins over the context above", "$warning"))
        if then.trained is not None:
            told = f"it was trained for {then.trained:,} tokens"
            lines.append(Content.styled(told, "$warning"))
        return Content("\n").join(lines)

    def _plan(self) -> ConfigurePlan | str:
        """Return the plan that the fields make, or what is wrong with one."""
        before = self._before or {}
        config = dict(before)
        for key, *_ in FIELDS:
            text = self.query_one(f"#set-{key}", Input).value.strip()
            if text == _text(before.get(key)):
                continue
            config.pop(key, None)
            try:
                if text:
                    config[key] = READ[key](text)
            except ValueError as error:
                return str(error)
        row = self._row
        return ConfigurePlan(row.name, row.ref, row.digest or "", self._mode, config, before)

    def _say(self, text: str) -> None:
        self.query_one("#configure-problem", Static).update(plain(text))

    def action_save(self) -> None:
        """Go on to the question, if something is different."""
        if self._before is None:
            return
        plan = self._plan()
        if isinstance(plan, str):
            self._say(plan)
        elif not differences(plan):
            self._say("change a field first, or leave with esc")
        else:
            self._ask(plan, self._asked)

    def _asked(self, done: bool | None) -> None:
        if done:
            self.dismiss(None)
        else:
            # Another program may have configured it: that is what is compared with now.
            self._read()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return shlex.join(map(str, value)) if isinstance(value, list) else str(value)
