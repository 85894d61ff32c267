"""VRAM and RAM on the dashboard: how full, by whom, and how hard it is to find more."""

from collections.abc import Sequence

from dmr_tui.text import format
from dmr_tui.ui.machine.hardware_pane import stale_note, whose
from dmr_tui.ui.machine.memory_bars import Store, bar_line, legend, pressure_line, stores
from dmr_tui.ui.shell.pane import Pane
from dmr_tui.ui.widgets.lines import Line
from dmr_tui.ui.widgets.pictures import history

LABEL = 7
TALLEST = 4


class MemoryPane(Pane):
    """A stacked bar for each memory with its holders, and its history where there is room."""

    def titles(self) -> tuple[str, str]:
        """Name the machine if it is not the runner's."""
        return "Memory" + whose(self.snapshot), stale_note(self.snapshot)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return VRAM of each GPU, RAM, pressure and swap."""
        found = stores(self.snapshot)
        if not found:
            return [(("reading the machine …", "$faint"),)]
        width, units = width - 1, self.preferences.units
        known = [store for store in found if store.used.value is not None]
        pool = height - 1 - len(found)
        named = {id(store) for store in [s for s in known if s.slices][: max(0, pool)]}
        rows = max(0, min(TALLEST, (pool - len(named)) // max(1, len(known))))
        lines: list[Line] = []
        for store in found:
            lines.append(bar_line(store, width, self.preferences, LABEL))
            if id(store) in named:
                lines.append(((" " * LABEL, ""), *legend(store, width - LABEL, units)))
            if store in known:
                lines += trend_lines(store, width, rows, self.snapshot.machine.span_s / 60.0, LABEL)
        lines.append(pressure_line(self.snapshot, self.preferences))
        return lines[:height]


def trend_lines(store: Store, width: int, rows: int, per_cell: float, label: int) -> list[Line]:
    """Draw the store's history on a scale of 0 to 100 %, in so many rows."""
    if not rows:
        return []
    cells = min(60, width - label - 6)
    span = f" {format.age(cells * per_cell)}"
    pictures = history(store.series[-cells:], cells, 100.0, rows=rows)
    return [
        ((" " * label, ""), (row, "$faint"), (span if number == rows else "", "$faint"))
        for number, row in enumerate(pictures, 1)
    ]
