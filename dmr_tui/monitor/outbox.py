"""Messages to a listener that begins later."""

from collections.abc import Callable
from typing import Generic, TypeVar

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
