"""News of before the history was begun, and of after."""

from dmr_tui.monitor.outbox import Outbox


class Told:
    """A history that keeps what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def config_changed(self, digest: str) -> None:
        self.heard.append(digest)


def test_nothing_is_lost_that_happened_before_the_story_was_begun() -> None:
    told, outbox = Told(), Outbox[Told]()
    for digest in ("a", "b"):
        outbox.tell(lambda history, digest=digest: history.config_changed(digest))  # type: ignore[misc]
    assert told.heard == []
    outbox.deliver_to(told)
    outbox.tell(lambda history: history.config_changed("c"))
    assert told.heard == ["a", "b", "c"], "in order, and each once"
