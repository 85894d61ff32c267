"""The new lines of a log that can only be read as a whole."""

from collections.abc import AsyncIterator

WITNESS = 1024
"""Bytes before that place that have to be the same the next time."""
LONGEST_LINE = 2**20
"""Bytes of a line without an end after which it is taken as it is."""


class LogTail:
    """The place where reading ended; another log, or a shorter one, is read from its beginning."""

    def __init__(self) -> None:
        self._offset = 0
        self._witness = b""

    @property
    def at_beginning(self) -> bool:
        """Return whether nothing was read yet."""
        return self._offset == 0

    def restart(self) -> None:
        """Read everything the next time."""
        self._offset, self._witness = 0, b""

    async def read(self, parts: AsyncIterator[bytes]) -> AsyncIterator[str] | None:
        """The lines after those that were read before, which end in a line feed.

        None if the log is not the one of before: then it has to be read again, from its beginning.
        A line whose end has not come yet is left for the next time, as a number in it may be cut.
        """
        start = self._offset - len(self._witness)
        seen = 0
        head = b""
        async for part in parts:
            if seen + len(part) > start:
                head += part[max(0, start - seen) :]
            seen += len(part)
            if seen >= self._offset:
                break
        if head[: len(self._witness)] != self._witness:
            self.restart()
            return None
        return self._lines(head[len(self._witness) :], parts)

    async def _lines(self, rest: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[str]:
        pieces = [rest]
        ended = False
        while True:
            *lines, rest = b"".join(pieces).split(b"\n")
            if len(rest) > LONGEST_LINE:
                lines, rest = [*lines, rest], b""
                self._pass(lines, cut=True)
            else:
                self._pass(lines)
            for line in lines:
                yield line.decode("utf-8", "replace")
            if ended:
                return
            part = await anext(parts, None)
            ended = part is None
            pieces = [rest, part or b""]

    def _pass(self, lines: list[bytes], *, cut: bool = False) -> None:
        if not lines:
            return
        passed = b"\n".join(lines) + (b"" if cut else b"\n")
        self._offset += len(passed)
        self._witness = (self._witness + passed)[-WITNESS:]
