"""News of before the story was begun, and of after."""

from typing import Any

from dmr_tui.monitor.history.feeder import HistoryFeeder, config_changed
from dmr_tui.monitor.requests.tracker import RequestTracker
from dmr_tui.runner.names import Names


class Log:
    read: Any = None


class Told:
    """A story that keeps what it is told."""

    def __init__(self) -> None:
        self.log = Log()
        self.heard: list[str] = []

    def config_changed(self, digest: str) -> None:
        self.heard.append(digest)


def test_nothing_is_lost_that_happened_before_the_story_was_begun() -> None:
    told: Any = Told()
    feeder = HistoryFeeder(lambda: told, RequestTracker(), lambda: Names(()))
    for digest in ("a", "b"):
        feeder.tell(lambda history, digest=digest: config_changed(history, digest))  # type: ignore[misc]
    assert (feeder.history, told.heard) == (None, [])
    assert feeder.begin() is told
    feeder.tell(lambda history: config_changed(history, "c"))
    assert told.heard == ["a", "b", "c"], "in order, and each once"
