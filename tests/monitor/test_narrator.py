"""News of before the story was begun, and of after."""

from typing import Any

from dmr_tui.monitor.history.feeder import Narrator, config_changed
from dmr_tui.monitor.requests.tracker import Traffic
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
    narrator = Narrator(lambda: told, Traffic(), lambda: Names(()))
    for digest in ("a", "b"):
        narrator.tell(lambda story, digest=digest: config_changed(story, digest))  # type: ignore[misc]
    assert (narrator.story, told.heard) == (None, [])
    assert narrator.begin() is told
    narrator.tell(lambda story: config_changed(story, "c"))
    assert told.heard == ["a", "b", "c"], "in order, and each once"
