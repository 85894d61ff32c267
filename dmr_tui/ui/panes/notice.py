"""One line of talk: the most important thing that is wrong, and what to press."""

from collections.abc import Sequence

from dmr_tui import figures
from dmr_tui.monitor.snapshot import Snapshot
from dmr_tui.plain import plain
from dmr_tui.runner.names import short
from dmr_tui.ui.panes.pane import Pane, now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, fit

NAMED = frozenset({"reload thrash", "config drift", "out of memory"})
NEWS_S = 600.0


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
    told = snapshot.source("archive")
    if told.reason:
        return f"archive: {plain(told.reason)}", False
    return _event(snapshot)


def _event(snapshot: Snapshot) -> tuple[str, bool] | None:
    """What the timeline has to say that nobody may miss, for as long as it is news."""
    since = now() + snapshot.clock_offset - NEWS_S
    for event in reversed(snapshot.events):
        if event.at < since:
            return None
        if event.kind in NAMED:
            rows = snapshot.models
            name = next((row.name for row in rows if row.digest == event.digest), "")
            model = plain(name or short(event.model) or "a model")
            return f"{model}: {plain(event.text)} (4 Timeline)", False
    return None
