"""VRAM and RAM: how full, with the last minute."""

from collections.abc import Sequence
from dataclasses import dataclass

from dmr_tui import figures
from dmr_tui.machine.reading import Reading
from dmr_tui.monitor.snapshot import Series
from dmr_tui.plain import plain
from dmr_tui.ui.panes.hardware import stale_note, whose
from dmr_tui.ui.panes.pane import Pane
from dmr_tui.ui.widgets.lines import Line, Part, fit
from dmr_tui.ui.widgets.pictures import bar, history, load_style

LABEL = 6
TALLEST = 4
HEAVY, CRITICAL = 85.0, 95.0


@dataclass(frozen=True, slots=True)
class Store:
    """One kind of memory."""

    label: str
    used: Reading[int]
    total: Reading[int]
    series: Series


class MemoryPane(Pane):
    """A bar for each memory, and its history where there is room."""

    def titles(self) -> tuple[str, str]:
        """Whose memory, if it is not the runner's."""
        return "Memory" + whose(self.snapshot), stale_note(self.snapshot)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """VRAM of each GPU, RAM, swap."""
        state = self.snapshot.machine
        if state.machine is None:
            return [(("reading the machine …", "$faint"),)]
        host, gpu = state.machine.host, state.machine.gpu
        stores = [
            Store(
                f"VRAM{g.index}" if len(gpu.gpus) > 1 else "VRAM", g.memory_used, g.memory_total, s
            )
            for g, s in zip(gpu.gpus, state.gpu_memory, strict=False)
        ] or [Store("VRAM", Reading(None, gpu.reason), Reading(None), ())]
        stores.append(Store("RAM", host.ram_used, host.ram_total, state.ram))
        known = sum(1 for store in stores if store.used.value is not None)
        rows = max(0, min(TALLEST, (height - 1 - len(stores)) // max(1, known)))
        lines: list[Line] = []
        for store in stores:
            lines += _store(store, width - 1, rows, state.span_s / 60.0)
        lines.append(_swap(host.swap_used, host.swap_total))
        return lines[:height]


def _store(store: Store, width: int, rows: int, per_cell: float) -> list[Line]:
    used, total = store.used.value, store.total.value
    if used is None or not total:
        reason = plain(store.used.reason or store.total.reason)
        return [((fit(store.label, LABEL), "$label"), (f"{figures.UNKNOWN} {reason}", "$label"))]
    percent = 100.0 * used / total
    style = load_style(percent, heavy=HEAVY, critical=CRITICAL)
    word = " full" if percent >= CRITICAL else ""
    value: list[Part] = [
        (f"{figures.gib(used):>6}", "bold $value"),
        (f" / {figures.gib(total)} GiB", "$label"),
        (f"{percent:4.0f} %", "$label"),
        (word, "bold $load-critical"),
    ]
    room = max(4, width - LABEL - sum(len(text) for text, _ in value))
    lines: list[Line] = [((fit(store.label, LABEL), "$label"), (bar(percent, room), style), *value)]
    if rows:
        cells = min(60, width - LABEL - 6)
        span = f" {figures.age(cells * per_cell)}"
        for number, row in enumerate(history(store.series[-cells:], cells, 100.0, rows=rows), 1):
            tail = span if number == rows else ""
            lines.append(((" " * LABEL, ""), (row, "$faint"), (tail, "$faint")))
    return lines


def _swap(used: Reading[int], total: Reading[int]) -> Line:
    head: Part = (fit("swap", LABEL), "$label")
    if used.value is None or total.value is None:
        return (head, (f"{figures.UNKNOWN} {plain(used.reason)}", "$label"))
    if total.value == 0:
        return (head, ("none on this machine", "$label"))
    heavy = used.value / total.value > 0.25
    return (
        head,
        (figures.gib(used.value), "bold $load-heavy" if heavy else "bold $value"),
        (f" of {figures.gib(total.value)} GiB", "$label"),
    )
