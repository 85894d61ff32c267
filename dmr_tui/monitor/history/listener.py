"""The news of a runner that make its history."""

from typing import Protocol

from dmr_tui.runner.names import Names
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import Configured, Running


class HistoryListener(Protocol):
    """A listener to what happens to a runner; times by the runner's clock."""

    def running_is(
        self, before: list[Running] | None, now: list[Running], names: Names, asked_at: float
    ) -> None:
        """`GET /engines/ps` answered."""
        ...

    def configured_is(self, before: list[Configured], now: list[Configured], at: float) -> None:
        """The stored configurations changed."""
        ...

    def config_changed(self, digest: str) -> None:
        """The configuration of that model changed, which loads it again."""
        ...

    def request_ended(self, request: Request) -> None:
        """A request ended, or more is known of how it ended."""
        ...

    def runner_lost(self, at: float, reason: str) -> None:
        """The runner does not answer any more."""
        ...

    def runner_back(self, at: float, seconds: float) -> None:
        """The runner answers again, after so many seconds."""
        ...
