"""What the dashboard does about errors of its own: it writes them down, says so, and goes on."""

import time
from collections import deque
from typing import Any, ClassVar
from weakref import WeakKeyDictionary, WeakSet

from textual.message_pump import MessagePump
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static
from textual.worker import WorkerFailed

from dmr_tui.monitor.crashes import Crash, Crashes, crash_text
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.live_screen import LiveScreen
from dmr_tui.ui.widgets.textual_internals import CRASHED, InterceptingApp

FAILING_S = 10.0
FAILURES = 3
"""Errors within FAILING_S after which a screen is made again."""
TOO_MANY = 100
"""Errors within FAILING_S after which the dashboard ends."""
NOTIFIED_S = 20.0


class GuardedApp(InterceptingApp):
    """An app that an unforeseen error costs one message, or one screen for a moment."""

    goes_on: ClassVar[bool] = True
    """Survive unforeseen errors; tests are to hear of them instead."""

    def __init__(self) -> None:
        super().__init__()
        self._crashes = Crashes()
        self._failed_at: deque[float] = deque(maxlen=TOO_MANY)
        self._screens_failed_at: WeakKeyDictionary[Screen[Any], deque[float]]
        self._screens_failed_at = WeakKeyDictionary()
        self._blank: WeakSet[Screen[Any]] = WeakSet()
        """Screens that could not be made; they say why, and are made again when they are shown."""

    def survives(self, error: Exception, pump: MessagePump) -> bool:
        """Write an unforeseen error down, say so, and go on unless it happens all the time."""
        if self._exit:
            # While the app ends its screens lose their panes one by one.
            return True
        if not self.goes_on or not self.screen_stack:
            return False
        now = time.monotonic()
        self._failed_at.append(now)
        if len(self._failed_at) == TOO_MANY and now - self._failed_at[0] < FAILING_S:
            return False
        screen = pump.screen if isinstance(pump, Widget) and pump.is_attached else self.screen
        if screen in self._blank:
            # Whatever looks for its panes fails as well.
            return True
        part = "a dialog" if isinstance(screen, ModalScreen) else f"the screen {self.current_mode}"
        crash = self._crashes.take(_cause(error), part)
        if not crash.told:
            self.tell(crash)
        if isinstance(screen, LiveScreen) and not screen.children:
            self._blank.add(screen)
            screen.call_later(screen.mount, Static(plain(crash_text(crash))))
            return True
        failed_at = self._screens_failed_at.setdefault(screen, deque(maxlen=FAILURES))
        failed_at.append(now)
        if len(failed_at) == FAILURES and now - failed_at[0] < FAILING_S:
            failed_at.clear()
            self._begin_again(screen)
        return True

    def bears(self, error: Exception) -> bool:
        """Write down an error of one cell, and say so; it is no reason to make a screen again."""
        if not self.goes_on:
            return False
        crash = self._crashes.take(error, f"a cell of the screen {self.current_mode}")
        if not crash.told:
            self.tell(crash)
        return True

    def tell(self, crash: Crash) -> None:
        """Say in a line what failed."""
        self.notify(plain(crash_text(crash)), severity="error", timeout=NOTIFIED_S, markup=False)

    def make_if_blank(self, screen: LiveScreen) -> None:
        """Make a screen again that could not be made before."""
        if screen in self._blank:
            self._blank.discard(screen)
            screen.refresh(recompose=True)
            screen.call_after_refresh(screen.look)

    def _begin_again(self, screen: Screen[object]) -> None:
        """Make a screen again that fails again and again; a dialog is closed."""
        if isinstance(screen, LiveScreen):
            screen.refresh(recompose=True)
        else:
            screen.dismiss()

    def fail(self, error: Exception) -> None:
        """End with an error that cannot be survived: a line, and never what variables hold."""
        if not self.goes_on:
            super().fail(error)
            return
        crash = self._crashes.take(_cause(error), "the dashboard")
        self.exit(return_code=CRASHED, message=f"dmr-tui: {crash_text(crash)}")


def _cause(error: Exception) -> BaseException:
    """Return the error itself: Textual wraps that of a worker in one without a place."""
    return error.error if isinstance(error, WorkerFailed) else error
