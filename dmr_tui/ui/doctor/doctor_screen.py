"""The doctor: where the runner is looked for, how to enable it, and the state of each source."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll

from dmr_tui.machine.reading import Reading
from dmr_tui.state.plan import LoadPlan
from dmr_tui.state.request_filter import View
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.state.source_state import SourceState
from dmr_tui.text import format
from dmr_tui.text.doctor.check import Check, Result
from dmr_tui.text.doctor.diagnosis import ORDER, diagnose
from dmr_tui.text.doctor.runner_checks import smallest_model
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.commands.table import bindings
from dmr_tui.ui.shell.header import HeaderPane
from dmr_tui.ui.shell.keybar import KeyBar
from dmr_tui.ui.shell.live_screen import LiveScreen
from dmr_tui.ui.shell.pane import Page, now, preferences_of
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, wrapped

LABEL = 22
NAME = 29
WIDE = 100
HEALTH: dict[str, Part] = {
    "ok": ("ok", "$success"),
    "stale": ("stale", "$warning"),
    "absent": ("this version of the runner does not have it", "$label"),
}
WAITING = {
    "requests in flight": "asked only while a model is busy",
    "log": "read when a model was loaded or something went wrong",
    "archive": "opened soon",
}
SOURCES = {
    "runners": "what is loaded",
    "backends": "state of the backends",
    "models": "list of models",
    "configuration": "stored configuration",
    "disk": "disk use",
    "requests in flight": "calls in flight",
    "requests feed": "finished calls",
    "log": "runner's log",
    "archive": "archive of calls",
    "machine": "this machine",
}
OF_MACHINE = frozenset(
    {"NVIDIA GPUs", "AMD GPUs", "Intel GPUs", "Apple GPU", "engine processes", "container"}
)


SIGNS: dict[Result, tuple[str, str]] = {
    "ok": ("up", "$success"),
    "note": ("up", "$label"),
    "warning": ("down", "$warning"),
    "problem": ("down", "$error"),
    "unknown": ("unknown", "$label"),
}


class DoctorScreen(LiveScreen):
    """Opens by itself while no runner answers, and can be opened at any time."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("doctor")]

    def compose(self) -> ComposeResult:
        yield HeaderPane(id="header").data_bind(DoctorScreen.snapshot)
        with VerticalScroll(id="doctor-scroll"):
            yield DoctorPane(id="doctor").data_bind(DoctorScreen.snapshot)
        yield KeyBar().data_bind(DoctorScreen.snapshot)

    @property
    def view(self) -> View:
        """Ask Docker and the computer only while this screen is read."""
        return View(doctor=True)

    def action_copy_step(self) -> None:
        """Copy the first command that fixes the gravest finding, or else a step in words."""
        checks = diagnose(self.snapshot, preferences_of(self.app).units)
        ranked = sorted(checks, key=lambda check: ORDER.index(check.result))
        steps = [step for check in ranked for step in check.steps]
        if not steps:
            self.notify("There is nothing to do")
            return
        copied = plain(next((step.to_run for step in steps if step.to_run), steps[0].text))
        self.app.copy_to_clipboard(copied)
        self.notify(f"Copied: {copied}", markup=False)

    def action_prove_engine(self) -> None:
        """Load the smallest model, after asking, to see whether an engine works."""
        from dmr_tui.ui.models.confirm_dialog import ConfirmDialog

        model = smallest_model(self.snapshot)
        if self.snapshot.read_only:
            self.notify("Read-only mode: nothing is sent that loads a model", severity="warning")
        elif model is not None and model.digest is not None:
            plan = LoadPlan(model.name, model.ref, model.digest)
            remarks = ["The status of a backend proves nothing; a load does."]
            self.app.push_screen(ConfirmDialog(plan, remarks, self.monitor))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim (None) what cannot be done now."""
        if action == "prove_engine":
            can = self.snapshot.runner.up and smallest_model(self.snapshot) is not None
            return True if can else None
        return True


class DoctorPane(Page):
    """The findings as lines."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return what fixes it, every check, and the state of each source."""
        snapshot = self.snapshot
        checks = diagnose(snapshot, self.preferences.units)
        parts: list[tuple[Iterable[Line], int]] = [
            (_title_of(snapshot), 2),
            (_to_do(snapshot, checks), 8),
            # A narrow window has no room for a column of names in each row that goes on.
            (_checks(checks, width), 8 if width < WIDE else NAME + 14),
        ]
        if snapshot.runner.up:
            parts.append((_sources(snapshot), LABEL + 3))
        parts.append((_unknown(snapshot), LABEL + 3))
        return [
            row for lines, indent in parts for line in lines for row in wrapped(line, width, indent)
        ]


def _title(text: str) -> Line:
    return ((text, "bold $accent"),)


def _fact(label: str, *parts: Part) -> Line:
    return ((f"  {label:{LABEL}} ", "$label"), *parts)


def _title_of(snapshot: Snapshot) -> Iterator[Line]:
    runner = snapshot.runner
    if runner.up is None:
        yield _title("Looking for Docker Model Runner …")
    elif runner.up:
        yield _title("Docker Model Runner answers")
    elif runner.down_since is not None:
        ago = format.age(now() - runner.down_since)
        yield _title(f"Docker Model Runner stopped answering {ago} ago")
    else:
        yield _title("No Docker Model Runner answers")
    if not runner.up:
        yield (
            ("  It is tried again by itself, at first every ", "$label"),
            (f"{snapshot.interval_s:g} s", "$value"),
            ("; this screen closes when a runner answers.", "$label"),
        )
    yield ()


def _to_do(snapshot: Snapshot, checks: Sequence[Check]) -> Iterator[Line]:
    """Yield the way out of each problem, in the order in which they are to be solved."""
    problems = [each for each in checks if each.result == "problem" and each.fix]
    if problems or not snapshot.runner.up:
        yield _title("What to do")
    for check in problems:
        yield (
            (f"  {GLYPHS.down} ", "$error"),
            (f"{plain(check.name)}: ", "bold $value"),
            (plain(check.evidence), "$value"),
        )
        yield from _steps(check)
    if not snapshot.runner.up:
        yield _fact("a runner elsewhere", ("dmr-tui --host http://HOST:12434", "bold $value"))
        yield _fact("", ("C chooses another context", "$label"))
        yield _fact("no runner at hand", ("press d for a simulated one", "bold $value"))
    if problems or not snapshot.runner.up:
        yield ()


def _steps(check: Check) -> Iterator[Line]:
    for step in check.fix:
        yield ((f"      {GLYPHS.then} ", "$label"), (plain(step), "bold $value"))


def _checks(checks: Sequence[Check], width: int) -> Iterator[Line]:
    for group, members in groupby(checks, key=lambda check: check.group):
        yield _title(group)
        found = list(members)
        longest = max(len(plain(check.name)) for check in found)
        column = min(longest, NAME) if width < WIDE else NAME
        for check in found:
            sign, style = SIGNS[check.result]
            yield (
                (f"  {getattr(GLYPHS, sign)} ", style),
                (f"{plain(check.name):{column}} ", "bold $value"),
                (f"{check.result:8} ", style),
                (plain(check.evidence), "$value"),
            )
            if check.result != "problem":
                yield from _steps(check)
        yield ()


def _sources(snapshot: Snapshot) -> Iterator[Line]:
    yield _title("Sources")
    for source in snapshot.sources:
        yield _fact(SOURCES.get(source.name, source.name), *_health(source))
    yield ()


def _health(source: SourceState) -> list[Part]:
    if source.name in OF_MACHINE and source.health in {"ok", "absent"} and source.reason:
        # What is not on this computer is no fault.
        return [(plain(source.reason), "$label")]
    if source.health == "waiting":
        return [(WAITING.get(source.name, "not asked yet"), "$label")]
    parts: list[Part] = [HEALTH[source.health]]
    if source.health == "stale" and source.good_at is not None:
        parts.append((f", good {format.age(now() - source.good_at)} ago", "$label"))
    if source.reason:
        parts.append((f": {plain(source.reason)}", "$value"))
    return parts


def _unknown(snapshot: Snapshot) -> Iterator[Line]:
    """Yield every number that has no value, with the reason."""
    if found := list(_missing(snapshot)):
        yield _title("What is not known, and why")
        yield from (_fact(name, (plain(reason), "$value")) for name, reason in found)


def _missing(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    machine = snapshot.machine.machine
    if machine is not None:
        host, gpus = machine.host, machine.gpu.gpus
        numbers: list[tuple[str, Reading[Any]]] = [
            ("CPU", host.cpu),
            ("RAM", host.ram_used),
            ("swap", host.swap_used),
        ]
        if not gpus:
            numbers.append(("GPU", Reading(None, machine.gpu.reason)))
        for gpu in gpus:
            gpu_name = f"GPU {gpu.index}"
            numbers += [
                (f"{gpu_name} use", gpu.use),
                (f"{gpu_name} memory", gpu.memory_used),
                (f"{gpu_name} temperature", gpu.temperature),
                (f"{gpu_name} power", gpu.power),
                (f"{gpu_name} clock", gpu.clock),
                (f"{gpu_name} processes", gpu.processes),
                (f"{gpu_name} throttling", gpu.throttle),
            ]
        yield from ((name, number.reason) for name, number in numbers if number.value is None)
    if not snapshot.runner.up:
        return
    if (memory := snapshot.memory) is not None:
        if memory.note:
            yield "memory of each model", memory.note
        if memory.pool.value is None and memory.pool.reason != memory.note:
            yield "free memory", memory.pool.reason
        if memory.pressure.word is None and not memory.note:
            yield "memory pressure", "nothing on this system tells it"
    if snapshot.runner.slots_total is None:
        yield "number of slots", "min(CPUs, 8) of the runner's machine, which is not this one"
    if snapshot.throughput.untimed:
        yield "some rates", f"{snapshot.throughput.untimed} replies hold no timings"
