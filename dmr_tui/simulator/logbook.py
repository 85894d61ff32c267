"""The runner's log: lines of the service and of its engines, kept and followed."""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from functools import partialmethod

from dmr_tui.simulator.golang import log_stamp, log_value, quoted

_KEPT = 20_000
_LONGEST_PIECE = 9_000


class Logbook:
    """Lines in order of their time; those of the engines can be left out.

    As in the real runner (v1.2.6), once any follower has left, no follower gets a new line until
    the runner is restarted: the first one to leave takes the watch on the files along.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._lines: deque[tuple[bool, bytes]] = deque(maxlen=_KEPT)
        self._followers: set[asyncio.Queue[tuple[bool, bytes] | None]] = set()
        self._one_has_left = False

    def write(self, level: str, message: str, at: int | None = None, /, **facts: object) -> None:
        """Add a line of the service; `at` in Unix nanoseconds, now if left out."""
        values = "".join(f" {key}={log_value(str(value))}" for key, value in facts.items())
        self._add(False, level, log_value(message) + values, at)

    info = partialmethod(write, "INFO")
    warn = partialmethod(write, "WARN")
    error = partialmethod(write, "ERROR")

    def engine(self, text: str, at: int | None = None) -> None:
        """Add a line that an engine printed, wrapped as the runner does it."""
        self._add(True, "INFO", quoted(text), at)

    def clear(self) -> None:
        """Forget every line, as in a new container, and end every follower's stream."""
        self._lines.clear()
        self._one_has_left = False
        for follower in self._followers:
            follower.put_nowait(None)

    def text(self, engines: bool) -> bytes:
        """Every line kept."""
        return b"".join(line for own, line in self._lines if engines or not own)

    async def follow(self, engines: bool) -> AsyncGenerator[bytes, None]:
        """Every line kept and then each new one, cut into pieces at random bytes."""
        queue: asyncio.Queue[tuple[bool, bytes] | None] = asyncio.Queue()
        backlog = self.text(engines)
        self._followers.add(queue)
        try:
            for piece in self._pieces(backlog):
                yield piece
            while (entry := await queue.get()) is not None:
                if engines or not entry[0]:
                    for piece in self._pieces(entry[1]):
                        yield piece
        finally:
            self._followers.discard(queue)
            self._one_has_left = True

    def _pieces(self, text: bytes) -> Iterator[bytes]:
        start = 0
        while start < len(text):
            end = start + self._rng.randint(1, _LONGEST_PIECE)
            yield text[start:end]
            start = end

    def _add(self, engine: bool, level: str, rest: str, at: int | None) -> None:
        stamp = log_stamp(time.time_ns() if at is None else at)
        line = f"[{stamp}] time={stamp[:23]}Z level={level} msg={rest}\n".encode()
        self._lines.append((engine, line))
        if self._one_has_left:
            return
        for follower in self._followers:
            follower.put_nowait((engine, line))
