"""A screen that shows the Snapshot: with the header, and clocks that go on."""

from textual.reactive import var
from textual.screen import Screen

from dmr_tui.monitor.calls import View
from dmr_tui.monitor.snapshot import Snapshot
from dmr_tui.ui.panes.header import HeaderPane
from dmr_tui.ui.panes.pane import Pane


class LiveScreen(Screen[None]):
    """One of the numbered screens."""

    snapshot: var[Snapshot] = var(Snapshot(), init=False)

    @property
    def view(self) -> View:
        """What this screen needs beside what every Snapshot holds."""
        return View()

    def tick(self, heard_at: float) -> None:
        """A second has passed: clocks go on; the monitor last spoke at `heard_at`."""
        self.query_one(HeaderPane).heard_at = heard_at
        for pane in self.query(Pane):
            pane.tick()
