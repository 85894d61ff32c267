"""What a runner's monitor tells those that come to listen later."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from dmr_tui.runner.names import Names
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import Configured, Running

T = TypeVar("T")


class Outbox(Generic[T]):
    """Delivers messages in order, also those from before the listener was there."""

    def __init__(self) -> None:
        self._listener: T | None = None
        self._waiting: list[Callable[[T], None]] = []

    def tell(self, message: Callable[[T], None]) -> None:
        """Call `message` with the listener, now or once there is one."""
        if self._listener is None:
            self._waiting.append(message)
        else:
            message(self._listener)

    def deliver_to(self, listener: T) -> None:
        """Hand over what waits; from now on nothing waits any more."""
        self._listener = listener
        for message in self._waiting:
            message(listener)
        self._waiting.clear()


class HistoryListener(Protocol):
    """A listener to what happens to a runner; times by the runner's clock."""

    def running_is(
        self, before: list[Running] | None, now: list[Running], names: Names, asked_at: float
    ) -> None:
        """`GET /engines/ps` answered."""

    def configured_is(
        self, before: list[Configured], now: list[Configured], changed: set[str], at: float
    ) -> None:
        """The stored configurations changed, of chats those of the digests `changed`."""

    def request_ended(self, request: Request) -> None:
        """A request ended, or more is known of how it ended."""

    def runner_lost(self, at: float, reason: str) -> None:
        """The runner does not answer any more; its last good answer was at `at`."""

    def runner_back(self, at: float, seconds: float) -> None:
        """The runner answers again, so many seconds after the last good answer."""
