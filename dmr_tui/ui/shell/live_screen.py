"""A screen that shows the Snapshot: with the header, and clocks that go on."""

from collections.abc import Callable

from textual.reactive import var

from dmr_tui.monitor.live import Monitor
from dmr_tui.state.request_filter import View
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.ui.shell.header import HeaderPane
from dmr_tui.ui.shell.pane import Pane
from dmr_tui.ui.widgets.dialog import OwnScreen

READ_ONLY = "Read-only mode: nothing is sent that changes the runner"


class LiveScreen(OwnScreen[None]):
    """One of the numbered screens."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-tiny"),
        (56, "-narrow"),
        (80, "-normal"),
        (120, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-flat"),
        (18, "-short"),
        (40, "-tall"),
    ]

    snapshot: var[Snapshot] = var(Snapshot(), init=False)

    def __init__(self, monitor: Callable[[], Monitor]) -> None:
        """`monitor` answers the monitor of this moment: the demo replaces it."""
        super().__init__()
        self.monitor = monitor

    @property
    def view(self) -> View:
        """The data that this screen needs beside what every Snapshot holds."""
        return View()

    def look(self) -> None:
        """Tell the monitor what this screen needs."""
        self.monitor().look(self.view)

    def tick(self, heard_at: float) -> None:
        """Move the clocks on: a second has passed; the monitor last spoke at `heard_at`."""
        self.query_one(HeaderPane).heard_at = heard_at
        for pane in self.query(Pane):
            pane.tick()
