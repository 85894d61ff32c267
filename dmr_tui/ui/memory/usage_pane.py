"""VRAM and RAM: a stacked bar for each, with its holders and its last minute."""

from collections.abc import Sequence

from dmr_tui.text.sanitize import plain
from dmr_tui.ui.machine.hardware_pane import stale_note, whose
from dmr_tui.ui.machine.memory_bars import LABEL, Store, bar_line, legend, pressure_line, stores
from dmr_tui.ui.machine.memory_pane import trend_lines
from dmr_tui.ui.shell.pane import Pane
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line

TALLEST = 5


class UsagePane(Pane):
    """The bars, larger than on the dashboard and with everybody's name."""

    def watch_snapshot(self) -> None:
        """Show what is new; high pressure colours the border."""
        memory = self.snapshot.memory
        pressed = memory is not None and memory.pressure.word in {"high", "critical"}
        self.set_class(pressed, "-pressed")
        super().watch_snapshot()

    def titles(self) -> tuple[str, str]:
        """Name the machine if it is not the runner's, and the memory that models use."""
        memory = self.snapshot.memory
        pool = memory.pool.value if memory else None
        goes = f" {GLYPHS.dot} models go to RAM" if pool is not None and pool.kind == "RAM" else ""
        told = [stale_note(self.snapshot)]
        if self._crowded(stores(self.snapshot), self.content_size.height):
            told.append("".join(text for text, _ in pressure_line(self.snapshot, self.preferences)))
        return "Who holds what" + whose(self.snapshot) + goes, f" {GLYPHS.dot} ".join(
            filter(None, told)
        )

    def on_resize(self) -> None:
        """Move what has no line into the border."""
        super().on_resize()
        self.tick()

    def _crowded(self, found: Sequence[Store], height: int) -> bool:
        """Return True if bars and holders leave no line for the pressure."""
        return height < 2 * len(found) + 1

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """For each store a bar, its holders, its history; pressure; what cannot be seen.

        Where there is no room for all of it, bars come first, then what is not seen, then holders.
        """
        found = stores(self.snapshot)
        if not found:
            return [(("reading the machine …", "$faint"),)]
        width, units = width - 1, self.preferences.units
        shown = _fitting(found, height)
        left = height - len(shown) - (len(shown) < len(found))
        ends = self._ends(crowded=self._crowded(found, height))[: max(0, left)]
        left -= len(ends)
        named = [store for store in shown if store.slices][: max(0, left)]
        known = [store for store in shown if store.used.value is not None]
        rows = max(0, min(TALLEST, (left - len(named)) // max(1, len(known))))
        lines: list[Line] = []
        for store in shown:
            lines.append(bar_line(store, width, self.preferences))
            if store in named:
                lines.append(((" " * LABEL, ""), *legend(store, width - LABEL, units)))
            if store in known:
                per_cell = self.snapshot.machine.span_s / 60.0
                lines += trend_lines(store, width, rows, per_cell, LABEL)
        if len(shown) < len(found):
            lines.append(((f"{len(found) - len(shown)} GPUs more", "$faint"),))
        return [*lines, *ends]

    def _ends(self, *, crowded: bool) -> list[Line]:
        """Return the pressure, and what cannot be seen."""
        memory = self.snapshot.memory
        ends = [] if crowded else [pressure_line(self.snapshot, self.preferences)]
        if memory is not None and memory.note:
            ends.append(((plain(memory.note), "$label"),))
        return ends


def _fitting(found: Sequence[Store], height: int) -> list[Store]:
    """Return the stores whose bars fit, RAM always among them."""
    if len(found) <= height:
        return list(found)
    return [*found[: max(0, height - 2)], found[-1]]
