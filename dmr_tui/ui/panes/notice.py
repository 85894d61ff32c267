"""One line of talk: the most important thing that is wrong, and what to press."""

from collections.abc import Sequence

from dmr_tui import figures
from dmr_tui.monitor.snapshot import Snapshot
from dmr_tui.plain import plain
from dmr_tui.ui.panes.pane import Pane, now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, fit


class NoticePane(Pane):
    """Hidden while nothing is wrong."""

    def watch_snapshot(self) -> None:
        """Take a row of the screen only when there is something to say."""
        wanted = notice(self.snapshot) is not None
        if wanted != self.display:
            self.display = wanted
        super().watch_snapshot()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The one line."""
        said = notice(self.snapshot)
        if said is None:
            return ()
        text, severe = said
        return [
            ((fit(f"{GLYPHS.warning} {text}", width), "bold $error" if severe else "$warning"),)
        ]


def notice(snapshot: Snapshot) -> tuple[str, bool] | None:
    """What to say and whether it is severe; None if all is well."""
    runner = snapshot.runner
    if runner.down_since is not None:
        ago = figures.age(now() - runner.down_since)
        return (
            f"The runner has not answered for {ago}: {plain(runner.down_reason)}."
            " Numbers are from before; it is tried again by itself (6 Doctor)",
            True,
        )
    broken = [backend for backend in runner.backends if backend.state == "error"]
    if broken:
        return f"{plain(broken[0].name)} reports: {plain(broken[0].detail)} (6 Doctor)", True
    stale = [source for source in snapshot.sources if source.health == "stale"]
    if stale:
        source = stale[0]
        ago = "" if source.good_at is None else f", {figures.age(now() - source.good_at)} old"
        return f"{source.name}: {plain(source.reason)}{ago} (6 Doctor)", False
    return None
