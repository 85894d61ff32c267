"""A bordered part of a screen that shows one aspect of the Snapshot."""

import time
from typing import Any

from textual.app import App
from textual.content import Content
from textual.reactive import var
from textual.widget import Widget

from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.preferences import DEFAULT_PREFERENCES, Preferences
from dmr_tui.ui.widgets.lines import Lines


class Titled(Widget):
    """A widget with titles in its border.

    Among the bases of a class it comes last, as Textual takes styles from the first one only.
    """

    _titles: tuple[Content | str, Content | str] = ("", "")

    def titles(self) -> tuple[Content | str, Content | str]:
        """Return the title in the upper border at the left, and in the lower one at the right."""
        return "", ""

    def show_titles(self) -> None:
        """Set the titles if they have changed: a title paints the whole widget."""
        titles = self.titles()
        if titles != self._titles:
            self._titles = titles
            self.border_title, self.border_subtitle = map(_content, titles)


def _content(title: Content | str) -> Content:
    # Never read as markup.
    return title if isinstance(title, Content) else Content(title)


class Pane(Lines, Titled):
    """Lines made of the newest Snapshot; it never asks for data and never changes any."""

    snapshot: var[Snapshot] = var(Snapshot(), init=False)

    @property
    def preferences(self) -> Preferences:
        """The user's units and thresholds."""
        return preferences_of(self.app)

    def watch_snapshot(self) -> None:
        """Show what is new."""
        self.tick()

    def tick(self) -> None:
        """Show it again: a second has passed, and clocks go on."""
        self.show_titles()
        self.update_lines()


class Page(Pane):
    """A pane as high as its lines are many, to be scrolled."""

    def tick(self) -> None:
        """Show it again; the number of lines may have changed."""
        before = len(self._shown)
        super().tick()
        if len(self._shown) != before:
            self.refresh(layout=True)


def preferences_of(app: App[Any]) -> Preferences:
    """Return the user's units and thresholds; the defaults in an app that has none."""
    preferences: Preferences = getattr(app, "preferences", DEFAULT_PREFERENCES)
    return preferences


def now() -> float:
    """Return seconds since 1970: the clock by which every view counts."""
    return time.time()
