"""One line: the most important thing that is wrong, and what to press."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len

from dmr_tui.runner.names import short
from dmr_tui.state.alert import Alert, AlertScreen
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.alerts import alert_text
from dmr_tui.text.events import event_text
from dmr_tui.text.format import Units
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
        alerts = dismissed.left(snapshot.alerts)
        if self.app.size.height < ROOM_FOR_HINTS:
            alerts = [alert for alert in alerts if alert.level != "hint"]
        return notice(snapshot, alerts, self.preferences.units)

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


def notice(snapshot: Snapshot, alerts: Sequence[Alert], units: Units) -> Notice | None:
    """Choose the first of the warnings, else the news of the timeline; None if all is well."""
    if not alerts:
        return _event(snapshot)
    first = alerts[0]
    text, step = (plain(words) for words in alert_text(first, snapshot, units, now()))
    severe = first.level == "critical"
    if not first.dismissable:
        return Notice(text, severe, step=step, screen=first.screen)
    return Notice(text, severe, first.key, step, first.screen, len(alerts) - 1)


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
            return Notice(f"{model}: {plain(event_text(event))}", screen="timeline")
    return None
