"""VRAM and RAM: a stacked bar for each, with its holders and its last minute."""

from collections.abc import Sequence

from dmr_tui.text.sanitize import plain
from dmr_tui.ui.machine.hardware_pane import READING, stale_note, whose
from dmr_tui.ui.machine.memory_bars import Store, pressure_line, store_lines, stores
from dmr_tui.ui.shell.pane import Pane
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line


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
        if _crowded(stores(self.snapshot), self.content_size.height):
            told.append("".join(text for text, _ in pressure_line(self.snapshot, self.preferences)))
        notes = f" {GLYPHS.dot} ".join(filter(None, told))
        return "Who holds what" + whose(self.snapshot) + goes, notes

    def on_resize(self) -> None:
        """Move what has no line into the border."""
        super().on_resize()
        self.tick()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """For each store a bar, its holders, its history; pressure; what cannot be seen.

        Where there is no room for all of it, bars come first, then what is not seen, then holders.
        """
        found = stores(self.snapshot)
        if not found:
            return [READING]
        shown = _fitting(found, height)
        spare = height - len(shown) - (len(shown) < len(found))
        memory, crowded = self.snapshot.memory, _crowded(found, height)
        ends = [] if crowded else [pressure_line(self.snapshot, self.preferences)]
        if memory is not None and memory.note:
            ends.append(((plain(memory.note), "$label"),))
        ends = ends[: max(0, spare)]
        lines = store_lines(shown, self.snapshot, self.preferences, width - 1, spare - len(ends))
        if len(shown) < len(found):
            lines.append(((f"{len(found) - len(shown)} GPUs more", "$faint"),))
        return [*lines, *ends]


def _crowded(found: Sequence[Store], height: int) -> bool:
    """Return True if bars and holders leave no line for the pressure."""
    return height < 2 * len(found) + 1


def _fitting(found: Sequence[Store], height: int) -> list[Store]:
    """Return the stores whose bars fit, RAM always among them."""
    if len(found) <= height:
        return list(found)
    return [*found[: max(0, height - 2)], found[-1]]
