"""GPU and processor: how busy, how hot, with the last minute; VRAM and RAM: how full, by whom."""

from collections.abc import Sequence

from dmr_tui.machine.gpu.gpu import Gpu
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.stats import Series
from dmr_tui.measure.thresholds import Levels
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.preferences import Preferences
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.machine.memory_bars import pressure_line, store_lines, stores
from dmr_tui.ui.shell.pane import Pane
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, fit, spread
from dmr_tui.ui.widgets.pictures import history, load_style

LABEL = 5
TALLEST = 6
"""Rows of one picture at the most."""
READING: Line = (("reading the machine …", "$faint"),)


class HardwarePane(Pane):
    """Use of each GPU and of the processor, 0 to 100 per cent."""

    def titles(self) -> tuple[str, str]:
        """Return the GPU's name, and a warning if this machine is not the runner's."""
        machine = self.snapshot.machine.machine
        gpus = machine.gpu.gpus if machine else ()
        name = "GPU and CPU"
        if len(gpus) == 1:
            short = plain(gpus[0].name).removeprefix("NVIDIA ").removeprefix("GeForce ")
            name = f"GPU {gpus[0].index} {GLYPHS.dot} {short}"
        elif gpus:
            name = f"{len(gpus)} GPUs"
        return name + whose(self.snapshot), stale_note(self.snapshot)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return a picture for each GPU with its vital signs, and one for the processor."""
        state = self.snapshot.machine
        machine = state.machine
        if machine is None:
            return [READING]
        width -= 1
        gpus, levels = machine.gpu.gpus, self.preferences.thresholds.levels
        rows = max(1, min(TALLEST, (height - 1 - 2 * len(gpus)) // (len(gpus) or 1)))
        lines: list[Line] = []
        for gpu, series in zip(gpus, state.gpu_use, strict=False):
            label = f"GPU {gpu.index}" if len(gpus) > 1 else "use"
            lines += trend(label, gpu.use, series, width, rows, state.span_s, levels("gpu"))
            lines.append(tuple(_vitals(gpu, self.preferences)))
        if not gpus:
            lines.append(((f"GPU  {format.UNKNOWN} {plain(machine.gpu.reason)}", "$label"),))
        cores = f" of {machine.host.cpu_count} cores"
        rows = 1 if gpus else max(1, min(TALLEST, height - 3))
        span, cpu = state.span_s, machine.host.cpu
        lines += trend("CPU", cpu, state.cpu, width, rows, span, levels("cpu"), unit=cores)
        return lines[:height]


class MemoryPane(Pane):
    """A stacked bar for each memory with its holders, and its history where there is room."""

    def titles(self) -> tuple[str, str]:
        """Name the machine if it is not the runner's."""
        return "Memory" + whose(self.snapshot), stale_note(self.snapshot)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return VRAM of each GPU, RAM, pressure and swap."""
        found, preferences = stores(self.snapshot), self.preferences
        if not found:
            return [READING]
        spare = height - 1 - len(found)
        lines = store_lines(found, self.snapshot, preferences, width - 1, spare, label=7, tallest=4)
        return [*lines, pressure_line(self.snapshot, preferences)][:height]


def trend(
    label: str,
    reading: Reading[float],
    series: Series,
    width: int,
    rows: int,
    span_s: float,
    levels: Levels,
    *,
    unit: str = "",
) -> list[Line]:
    """Draw value and history on a scale of 0 to 100: in one line, or in `rows` of its own below it.

    `levels`: the per cent from which on it is heavy, and critical.
    """
    if reading.value is None:
        unknown = f"{format.UNKNOWN} {plain(reading.reason)}"
        return [((fit(label, LABEL), "$label"), (unknown, "$label"))]
    heavy, critical = levels
    style = load_style(reading.value, heavy=heavy, critical=critical)
    head: list[Part] = [
        (fit(label, LABEL), "$label"),
        (f"{reading.value:3.0f}", "bold $value"),
        (f" %{unit}", "$label"),
    ]
    per_cell = span_s / 60.0
    if rows > 1:
        cells = min(width, 60)
        span = f"{format.age(cells * per_cell)}, 0–100 %"
        picture = history(series[-cells:], width, 100.0, rows=rows)
        return [spread(head, [(span, "$faint")], width), *(((row, style),) for row in picture)]
    cells = max(0, min(60, width - sum(len(text) for text, _ in head) - 6))
    span = f" {format.age(cells * per_cell)}"
    (picture_row,) = history(series[-cells:], cells, 100.0)
    return [(head[0], (picture_row, style), (" ", ""), *head[1:], (span, "$faint"))]


def _vitals(gpu: Gpu, preferences: Preferences) -> list[Part]:
    limit = "" if gpu.power_limit.value is None else f" of {gpu.power_limit.value:.0f}"
    clock, power, degrees = gpu.clock.value, gpu.power.value, gpu.temperature.value
    units = preferences.units
    hot = degrees is not None and degrees >= preferences.thresholds.level("temperature")
    return [
        (units.temperature(degrees), "bold $load-critical" if hot else "bold $value"),
        (f" {units.degree}", "$label"),
        (f" {GLYPHS.dot} ", "$faint"),
        (format.UNKNOWN if power is None else f"{power:.0f}", "bold $value"),
        (f"{limit} W", "$label"),
        (f" {GLYPHS.dot} ", "$faint"),
        (format.UNKNOWN if clock is None else f"{clock / 1000:.2f}", "bold $value"),
        (" GHz", "$label"),
    ]


def whose(snapshot: Snapshot) -> str:
    """Return a warning for the title if the runner is on another machine."""
    endpoint = snapshot.runner.endpoint
    if endpoint is None or endpoint.is_this_machine:
        return ""
    return f" {GLYPHS.dot} this machine, not the runner's"


def stale_note(snapshot: Snapshot) -> str:
    """Return the remark for the border when the machine does not answer."""
    source = snapshot.source("machine")
    return f"stale: {source.reason}" if source.health == "stale" else ""
