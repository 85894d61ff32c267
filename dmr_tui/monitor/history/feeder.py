"""Hands news to the story of a runner, also what happened before the story was begun."""

from collections.abc import Callable

import anyio

from dmr_tui.monitor.history.history import History
from dmr_tui.monitor.requests.tracker import RequestTracker
from dmr_tui.monitor.source import FIRST_PAINT_S
from dmr_tui.runner.errors.explain import telling_line
from dmr_tui.runner.names import Names


class HistoryFeeder:
    """Begins the story after the first paint, which does not need it; keeps news until then."""

    def __init__(
        self, begin: Callable[[], History], tracker: RequestTracker, names: Callable[[], Names]
    ) -> None:
        """What the log tells of calls goes to `tracker`; `names` are those of the models now."""
        self.history: History | None = None
        self._begin = begin
        self._tracker = tracker
        self._names = names
        self._untold: list[Callable[[History], None]] = []

    async def run(self) -> None:
        """Begin, and read the log for ever."""
        await anyio.sleep(FIRST_PAINT_S)
        await self.begin().log.run()

    def begin(self) -> History:
        """Begin now, with all that happened before."""
        self.history = history = self._begin()
        history.log.read = self._log_was_read
        for news in self._untold:
            news(history)
        self._untold.clear()
        return history

    def tell(self, news: Callable[[History], None]) -> None:
        """Something happened."""
        if self.history is not None:
            news(self.history)
        else:
            self._untold.append(news)

    def _log_was_read(self) -> None:
        if self.history is None:
            return
        log = self.history.log
        for digest, facts in log.engines.facts.items():
            if facts.ready_at is not None:
                self._tracker.tell_load(digest, facts.started_at, facts.ready_at, facts.context)
        self._tracker.tell_tasks(log.tasks)
        for exit in log.exits:
            if (died := self._names().digest(exit.model)) is not None:
                self._tracker.tell_exit(died, exit.at, telling_line(exit.error))
        log.exits = []


def config_changed(history: History, digest: str) -> None:
    """Tell the story that a model was configured."""
    history.config_changed(digest)
