"""Hands news to the story of a runner, also what happened before the story was begun."""

from collections.abc import Callable

import anyio

from dmr_tui.monitor.history.history import Story
from dmr_tui.monitor.requests.tracker import Traffic
from dmr_tui.monitor.source import FIRST_PAINT_S
from dmr_tui.runner.errors.explain import telling_line
from dmr_tui.runner.names import Names


class Narrator:
    """Begins the story after the first paint, which does not need it; keeps news until then."""

    def __init__(
        self, begin: Callable[[], Story], traffic: Traffic, names: Callable[[], Names]
    ) -> None:
        """What the log tells of calls goes to `traffic`; `names` are those of the models now."""
        self.story: Story | None = None
        self._begin = begin
        self._traffic = traffic
        self._names = names
        self._untold: list[Callable[[Story], None]] = []

    async def run(self) -> None:
        """Begin, and read the log for ever."""
        await anyio.sleep(FIRST_PAINT_S)
        await self.begin().log.run()

    def begin(self) -> Story:
        """Begin now, with all that happened before."""
        self.story = story = self._begin()
        story.log.read = self._log_was_read
        for news in self._untold:
            news(story)
        self._untold.clear()
        return story

    def tell(self, news: Callable[[Story], None]) -> None:
        """Something happened."""
        if self.story is not None:
            news(self.story)
        else:
            self._untold.append(news)

    def _log_was_read(self) -> None:
        if self.story is None:
            return
        log = self.story.log
        for digest, facts in log.engines.facts.items():
            if facts.ready_at is not None:
                self._traffic.tell_load(digest, facts.started_at, facts.ready_at, facts.context)
        self._traffic.tell_tasks(log.tasks)
        for exit in log.exits:
            if (died := self._names().digest(exit.model)) is not None:
                self._traffic.tell_exit(died, exit.at, telling_line(exit.error))
        log.exits = []


def config_changed(story: Story, digest: str) -> None:
    """Tell the story that a model was configured."""
    story.config_changed(digest)
