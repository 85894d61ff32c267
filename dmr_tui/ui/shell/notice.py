"""One line: the most important thing that is wrong, and what to press."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from dmr_tui.runner.names import short
from dmr_tui.state.alert import Alert, AlertScreen
from dmr_tui.state.snapshot import Snapshot, SourceState
from dmr_tui.text import format
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.pane import Pane, now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, cut, fit

SCREEN_KEYS = {"dashboard": "1", "requests": "2", "memory": "3", "timeline": "4", "doctor": "6"}
"""Unless the user has chosen others."""
NAMED = frozenset({"reload thrash", "config drift"})
NEWS_S = 600.0
ROOM_FOR_HINTS = 24
"""Rows of a window from which on there is room for a hint."""
QUIET_S = 60.0
"""Seconds for which a dismissed warning has to be gone until it is shown again."""


@dataclass(frozen=True, slots=True)
class Dismissed:
    """Warnings that the user does not want to see until they were gone for a while."""

    seen_at: Mapping[str, float] = field(default_factory=dict)
    """Seconds since 1970 at which each was there last, by its key."""

    def add(self, key: str, at: float) -> "Dismissed":
        """Return these and one more."""
        return Dismissed({**self.seen_at, key: at})

    def seen(self, alerts: Iterable[Alert], at: float) -> "Dismissed":
        """Return those that are there now, or were a short time ago."""
        here = {alert.key for alert in alerts}
        times = {key: at if key in here else seen for key, seen in self.seen_at.items()}
        return Dismissed({key: seen for key, seen in times.items() if at - seen < QUIET_S})

    def left(self, alerts: Iterable[Alert]) -> list[Alert]:
        """Return the warnings that are to be shown."""
        return [alert for alert in alerts if alert.key not in self.seen_at]


NONE_DISMISSED = Dismissed()


@dataclass(frozen=True, slots=True)
class Notice:
    """The text of the line."""

    text: str
    severe: bool = False
    alert: str = ""
    """The key of the warning, which can be dismissed; empty for what cannot."""
    step: str = ""
    screen: AlertScreen = ""
    more: int = 0
    """Number of other warnings that wait."""


class NoticePane(Pane):
    """Hidden while nothing is wrong."""

    def watch_snapshot(self) -> None:
        """Take a row of the screen only when there is something to say."""
        wanted = self._notice() is not None
        if wanted != self.display:
            self.display = wanted
        super().watch_snapshot()

    def _notice(self) -> Notice | None:
        snapshot = self.snapshot
        dismissed: Dismissed = getattr(self.app, "dismissed", NONE_DISMISSED)
        alerts = dismissed.left(alerts_of(snapshot))
        if self.app.size.height < ROOM_FOR_HINTS:
            alerts = [alert for alert in alerts if alert.level != "hint"]
        return notice(snapshot, alerts)

    @property
    def dismissable(self) -> str:
        """Key of the warning that is shown, if it can be dismissed; else empty."""
        said = self._notice()
        return said.alert if said is not None else ""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the one line."""
        said = self._notice()
        if said is None:
            return ()
        style = "bold $error" if said.severe else "$warning"
        more = f"  {said.more} more" if said.more else ""
        tail = f"{more}  x dismisses" if said.alert else ""
        text = said_in(said, self._place(said.screen), width - len(tail))
        return [((text, style), (tail, "$faint"))]

    def _place(self, screen: str) -> str:
        """Return the key that goes to a screen, and the name of the screen."""
        if not screen:
            return ""
        keymap: Mapping[str, str] = getattr(self.app, "keymap", {})
        key = keymap.get(f"everywhere.show_{screen}", SCREEN_KEYS[screen])
        return f"{key.partition(',')[0]} {screen.capitalize()}"


def said_in(said: Notice, place: str, width: int) -> str:
    """Say what is wrong, what to do and where, in so many cells; where is never left out."""
    text = f"{GLYPHS.warning} {said.text}"
    whole = f"{said.step} ({place})" if said.step and place else said.step or place
    if not whole:
        return fit(cut(text, width), width)
    # What to do is worth more than the end of what is wrong, but no more than half of the line.
    pool = max(width // 2, width - cell_len(text) - 2)
    step = whole if cell_len(whole) <= pool else place or fit(whole, pool)
    return fit(f"{cut(text, width - cell_len(step) - 2)}: {step}", width)


def notice(snapshot: Snapshot, alerts: Sequence[Alert]) -> Notice | None:
    """Choose what to say; None if all is well. The runner's own troubles come first."""
    own = _runners(snapshot)
    if own is not None:
        return own
    if alerts:
        first = alerts[0]
        severe = first.level == "critical"
        step, more = plain(first.step), len(alerts) - 1
        return Notice(plain(first.text), severe, first.key, step, first.screen, more)
    return _event(snapshot)


def _runners(snapshot: Snapshot) -> Notice | None:
    runner = snapshot.runner
    if runner.down_since is not None:
        ago = format.age(now() - runner.down_since)
        text = f"The runner has not answered for {ago}: {plain(runner.down_reason)}"
        return Notice(
            text, True, step="numbers are from before; it is tried again", screen="doctor"
        )
    if runner.up is False:
        step = "what was tried, and what to do"
        return Notice("No runner answers", True, step=step, screen="doctor")
    broken = [backend for backend in runner.backends if backend.state == "error"]
    if broken:
        text = f"{plain(broken[0].name)} reports: {plain(broken[0].detail)}"
        return Notice(text, True, screen="doctor")
    return None


def alerts_of(snapshot: Snapshot) -> Sequence[Alert]:
    """Return the warnings; those about sources that fail come after the critical ones."""
    failing = [each for each in snapshot.sources if each.health == "stale" or _archive(each)]
    if not failing:
        return snapshot.alerts
    told = []
    for source in failing:
        ago = "" if source.good_at is None else f", {format.age(now() - source.good_at)} old"
        text = f"{source.name}: {source.reason}{ago}"
        told.append(Alert(f"source:{source.name}", "warning", text, "", "doctor"))
    critical = [alert for alert in snapshot.alerts if alert.level == "critical"]
    return [*critical, *told, *(each for each in snapshot.alerts if each.level != "critical")]


def _archive(source: SourceState) -> bool:
    return source.name == "archive" and bool(source.reason)


def _event(snapshot: Snapshot) -> Notice | None:
    """Choose what the timeline has to say that must not be missed, while it is news."""
    since = now() + snapshot.clock_offset - NEWS_S
    for event in reversed(snapshot.events):
        if event.at < since:
            return None
        if event.kind in NAMED:
            rows = snapshot.models
            name = next((row.name for row in rows if row.digest == event.digest), "")
            model = plain(name or short(event.model) or "a model")
            return Notice(f"{model}: {plain(event.text)}", screen="timeline")
    return None
