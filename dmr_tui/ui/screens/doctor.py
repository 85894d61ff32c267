"""Where the runner is looked for, what came back, how to enable it, and how each source is."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer

from dmr_tui import figures
from dmr_tui.machine.reading import Reading
from dmr_tui.monitor.snapshot import Snapshot, SourceState
from dmr_tui.plain import plain
from dmr_tui.runner.explain import ENABLE_ON_DESKTOP, INSTALL_ON_LINUX
from dmr_tui.ui.actions import bindings
from dmr_tui.ui.panes.header import HeaderPane
from dmr_tui.ui.panes.pane import Page, now
from dmr_tui.ui.screens.live import LiveScreen
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, wrapped

LABEL = 22
HEALTH_STYLES = {"ok": "$success", "stale": "$warning", "absent": "$label", "waiting": "$label"}
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


class DoctorScreen(LiveScreen):
    """Opens by itself while no runner answers, and can be opened at any time."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("doctor")]

    def compose(self) -> ComposeResult:
        yield HeaderPane(id="header").data_bind(DoctorScreen.snapshot)
        with VerticalScroll(id="doctor-scroll"):
            yield DoctorPane(id="doctor").data_bind(DoctorScreen.snapshot)
        yield Footer(compact=True)


class DoctorPane(Page):
    """The findings as lines."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """What was tried and how to help, or how each source is."""
        snapshot = self.snapshot
        lines = list(_search(snapshot))
        if not snapshot.runner.up:
            lines += _remedies()
        else:
            lines += _backends(snapshot)
            lines += _sources(snapshot)
        lines += _unknown(snapshot)
        return [row for line in lines for row in wrapped(line, width, LABEL + 3)]


def _title(text: str) -> Line:
    return ((text, "bold $accent"),)


def _fact(label: str, *parts: Part) -> Line:
    return ((f"  {label:{LABEL}} ", "$label"), *parts)


def _search(snapshot: Snapshot) -> Iterator[Line]:
    runner = snapshot.runner
    if runner.up is None:
        yield _title("Looking for Docker Model Runner …")
    elif runner.up:
        yield _title("Docker Model Runner answers")
    elif runner.down_since is not None:
        ago = figures.age(now() - runner.down_since)
        yield _title(f"Docker Model Runner stopped answering {ago} ago")
        yield _fact("last answer", (plain(runner.down_reason), "$error"))
    else:
        yield _title("No Docker Model Runner answers")
    for attempt in snapshot.attempts:
        sign, style = (GLYPHS.up, "$success") if attempt.ok else (GLYPHS.down, "$error")
        yield (
            (f"  {sign} ", style),
            (f"{plain(attempt.endpoint.label):{LABEL}}", "bold $value"),
            (f" {plain(attempt.answer)}", "$value"),
            (f"  ({plain(attempt.endpoint.rule)})", "$faint"),
        )
    if not runner.up:
        every = f"{snapshot.interval_s:g}"
        yield (
            ("  It is tried again by itself, at first every ", "$label"),
            (f"{every} s", "$value"),
            ("; this screen closes when a runner answers.", "$label"),
        )
    yield ()


def _remedies() -> Iterator[Line]:
    yield _title("How to enable it")
    yield _fact("Docker Desktop", (ENABLE_ON_DESKTOP, "bold $value"))
    yield _fact("", ("or Settings, AI: Docker Model Runner and host-side TCP", "$label"))
    yield _fact("Docker Engine on Linux", (INSTALL_ON_LINUX, "bold $value"))
    yield _fact("", ("docker model install-runner", "bold $value"))
    yield _fact("elsewhere", ("dmr-tui --host http://HOST:12434", "bold $value"))
    yield _fact("", ("or the variable MODEL_RUNNER_HOST, or host in the settings file", "$label"))
    yield _fact("no runner at hand", ("press d for a simulated one", "bold $value"))
    yield ()


def _backends(snapshot: Snapshot) -> Iterator[Line]:
    yield _title("Backends")
    styles = {"running": "$success", "error": "$error", "installing": "$warning"}
    for backend in snapshot.runner.backends:
        style = styles.get(backend.state, "$label")
        detail = f"  {plain(backend.detail)}" if backend.detail else ""
        yield _fact(plain(backend.name), (backend.state, style), (detail, "$label"))
    yield ()


def _sources(snapshot: Snapshot) -> Iterator[Line]:
    yield _title("Sources")
    for source in snapshot.sources:
        name = SOURCES.get(source.name, source.name)
        yield _fact(name, *_health(source))
    yield ()


def _health(source: SourceState) -> list[Part]:
    words = {"ok": "ok", "absent": "this version of the runner does not have it"}
    if source.name in OF_MACHINE and source.health in {"ok", "absent"} and source.reason:
        # What is not on this computer is no fault.
        return [(plain(source.reason), "$label")]
    if source.health == "waiting":
        when = {
            "requests in flight": "asked only while a model is busy",
            "log": "read when a model was loaded or something went wrong",
            "archive": "opened soon",
        }
        return [(when.get(source.name, "not asked yet"), "$label")]
    parts: list[Part] = [(words.get(source.health, "stale"), HEALTH_STYLES[source.health])]
    if source.health == "stale" and source.good_at is not None:
        parts.append((f", good {figures.age(now() - source.good_at)} ago", "$label"))
    if source.reason:
        parts.append((f": {plain(source.reason)}", "$value"))
    return parts


def _unknown(snapshot: Snapshot) -> Iterator[Line]:
    """Every figure that has no value, with the reason."""
    found = list(_missing(snapshot))
    if not found:
        return
    yield _title("What is not known, and why")
    for name, reason in found:
        yield _fact(name, (plain(reason), "$value"))


def _missing(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    machine = snapshot.machine.machine
    if machine is not None:
        host = machine.host
        figures_of_host: list[tuple[str, Reading[float]]] = [
            ("CPU", host.cpu),
            ("RAM", host.ram_used),
            ("swap", host.swap_used),
        ]
        yield from ((n, r.reason) for n, r in figures_of_host if r.value is None)
        if not machine.gpu.gpus:
            yield "GPU", machine.gpu.reason
        for gpu in machine.gpu.gpus:
            figures_of_gpu: list[tuple[str, Reading[Any]]] = [
                ("use", gpu.use),
                ("memory", gpu.memory_used),
                ("temperature", gpu.temperature),
                ("power", gpu.power),
                ("clock", gpu.clock),
                ("processes", gpu.processes),
                ("throttling", gpu.throttle),
            ]
            for name, reading in figures_of_gpu:
                if reading.value is None:
                    yield f"GPU {gpu.index} {name}", reading.reason
    if snapshot.runner.up:
        yield from _memory(snapshot)
        if snapshot.runner.slots_total is None:
            yield "number of slots", "min(CPUs, 8) of the runner's machine, which is not this one"
        if snapshot.throughput.untimed:
            yield "some rates", f"{snapshot.throughput.untimed} replies hold no timings"


def _memory(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    memory = snapshot.memory
    if memory is None:
        return
    if memory.note:
        yield "memory of each model", memory.note
    if memory.room.value is None and memory.room.reason != memory.note:
        yield "free memory", memory.room.reason
    if memory.pressure.word is None and not memory.note:
        yield "memory pressure", "nothing on this system tells it"
