"""A bordered part of a screen that shows one aspect of the Snapshot."""

import time
from typing import Any

from textual.app import App
from textual.content import Content
from textual.reactive import var

from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.preferences import DEFAULT_PREFERENCES, Preferences
from dmr_tui.ui.widgets.lines import Lines


class Pane(Lines):
    """Lines made of the newest Snapshot; it never asks for data and never changes any."""

    snapshot: var[Snapshot] = var(Snapshot(), init=False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._titles = ("", "")

    @property
    def preferences(self) -> Preferences:
        """The user's units and thresholds."""
        return preferences_of(self.app)

    def watch_snapshot(self) -> None:
        """Show what is new."""
        self.tick()

    def tick(self) -> None:
        """Show it again: a second has passed, and clocks go on."""
        titles = self.titles()
        if titles != self._titles:
            self._titles = titles
            self.border_title = Content(titles[0])
            self.border_subtitle = Content(titles[1])
        self.update_lines()

    def titles(self) -> tuple[str, str]:
        """What stands in the upper border at the left and in the lower one at the right."""
        return "", ""


class Page(Pane):
    """A pane as high as its lines are many, to be scrolled."""

    def tick(self) -> None:
        """Show it again; the number of lines may have changed."""
        before = len(self._shown)
        super().tick()
        if len(self._shown) != before:
            self.refresh(layout=True)


def preferences_of(app: App[Any]) -> Preferences:
    """The user's units and thresholds; the defaults in an app that has none."""
    preferences: Preferences = getattr(app, "preferences", DEFAULT_PREFERENCES)
    return preferences


def now() -> float:
    """Seconds since 1970: the clock by which every view counts."""
    return time.time()
