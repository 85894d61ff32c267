"""The offset of the runner's clock from ours, bounded by the Date headers of its answers."""


class ClockOffset:
    """Seconds to add to our time to get the runner's; 0 while that agrees with every answer.

    A Date header is the whole second in which the answer was made, somewhere between sending
    and receiving, so each answer bounds the offset from both sides. Servers may make the header
    only once a second, so it may be one second old.
    """

    def __init__(self) -> None:
        self._low = float("-inf")
        self._high = float("inf")

    def add(self, date: float, sent: float, received: float) -> None:
        """Add one answer: its Date, and the times of sending and arrival, in seconds since 1970."""
        low, high = date - received, date + 2.0 - sent
        if high < self._low or low > self._high:
            # One of the clocks was set, so that the earlier bounds are void.
            self._low, self._high = low, high
        else:
            self._low, self._high = max(self._low, low), min(self._high, high)

    @property
    def seconds(self) -> float:
        """The offset: zero if the bounds allow it, else the middle between them."""
        if self._low <= 0.0 <= self._high:
            return 0.0
        return (self._low + self._high) / 2.0

    @property
    def known(self) -> bool:
        """True once an answer had a Date."""
        return self._high < float("inf")
