"""The runner's log: read when something happened, or while a screen shows it; never followed.

A follower that stops ends the new lines of every other follower until the runner is restarted
(v1.2.6), `docker model logs -f` included.
"""

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable

import anyio
import anyio.lowlevel

from dmr_tui.monitor.log.engine_log import EngineLog
from dmr_tui.monitor.requests.slot_tasks import SlotTasks
from dmr_tui.monitor.source import Crashed, Polled
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.logs.log_event import EngineExited, LogEvent
from dmr_tui.runner.logs.log_line import LONGEST, LogLine, parse_line, read_line
from dmr_tui.runner.names import Names
from dmr_tui.runner.wire import Running

SHARE = 20.0
"""Between two reads passes this many times the time that one takes."""
PAUSE_S = 2.0
READS = 3
"""Number of times that the log is read for a model that it may never mention."""
LAG_S = 2.0
"""Seconds that a log line may be ahead of or behind what `GET /engines/ps` says."""
SHOWN_LINES = 20_000
AT_ONCE = 500
"""Lines after which other tasks of the loop have their turn."""
WITNESS = 1024
"""Bytes before the place where reading ended that have to be the same the next time."""
LONGEST_LINE = LONGEST
"""Bytes of a line; the rest of it is left out."""
SHOWN_OF_A_LINE = 8_000
SHOWN_CHARACTERS = 2**24


class LogReader:
    """Reads the log for engines, slots and events; times by the runner's clock."""

    def __init__(
        self,
        client: RunnerClient,
        interval: float,
        changed: Callable[[], None],
        clock: Callable[[], float],
        *,
        restart: Callable[[], None],
        take: Callable[[LogEvent], None],
        read: Callable[[], None],
        crashed: Crashed = lambda error, part: None,
    ) -> None:
        """`restart` is called before the first event of a log, the same one or another.

        `take` gets the event of each line, and `read` is called after each reading with new lines.
        """
        self.engines = EngineLog()
        self.tasks = SlotTasks()
        self.source = Polled("log", interval, self._fetch, changed, clock, crashed)
        self._exits: deque[EngineExited] = deque(maxlen=21)
        """Engines that died and were not taken yet."""
        self._crashed = crashed
        self._restart = restart
        self._take_event = take
        self._after_read = read
        self._client = client
        self._changed = changed
        self._tail = LogTail()
        self._wanted = anyio.Event()
        self._silent: dict[str, int] = {}
        """By digest, the number of times that the log was read in vain."""
        self._shown = False
        self._raw: deque[str] = deque(maxlen=SHOWN_LINES)
        self._lines: deque[LogLine] = deque()
        self._length = 0
        """Characters of `_lines`."""
        self.lines: tuple[LogLine, ...] = ()
        """The newest lines, oldest first, while a screen shows them."""

    def show(self, shown: bool) -> None:
        """Read the log again and again while a screen shows it."""
        if shown == self._shown:
            return
        self._shown = shown
        if shown:
            self._tail.restart()
            self.want()
        else:
            self._forget_lines()
            self.lines = ()

    def _forget_lines(self) -> None:
        self._raw.clear()
        self._lines.clear()
        self._length = 0

    def take_exits(self) -> list[EngineExited]:
        """Return the ends of engines since the last time."""
        exits = list(self._exits)
        self._exits.clear()
        return exits

    def want(self) -> None:
        """Have the log read soon: something happened that may stand in it."""
        self._wanted.set()

    def check(self, running: Iterable[Running], names: Names, asked_at: float) -> None:
        """Have the log read if a chat model is loaded of whose engine nothing is known."""
        chats = {
            digest: run
            for run in running
            if run.mode == "completion" and (digest := names.digest(run.model_name))
        }
        for digest, facts in list(self.engines.facts.items()):
            run = chats.get(digest)
            # Unloaded, or being loaded again: these are facts of an engine that is gone.
            if (run is None or run.loading) and facts.started_at < asked_at - LAG_S:
                self.engines.gone(digest)
        silent = {
            digest
            for digest, run in chats.items()
            if not run.loading
            and run.backend_name == "llama.cpp"
            and digest not in self.engines.facts
        }
        self._silent = {digest: self._silent.get(digest, 0) for digest in silent}
        if any(reads < READS for reads in self._silent.values()):
            self.want()

    async def run(self) -> None:
        """Read when there is a reason, for ever."""
        while True:
            await self._wanted.wait()
            self._wanted = anyio.Event()
            began = time.perf_counter()
            await self.source.poll()
            self._silent = {digest: reads + 1 for digest, reads in self._silent.items()}
            spent = time.perf_counter() - began
            pause = self.source.interval if self._shown else PAUSE_S
            await self.source.pause(max(pause, spent * SHARE))
            if self._shown:
                self._wanted.set()

    async def _fetch(self) -> None:
        if not await self._read_on():
            # It is another log, so it is read again from its beginning.
            await self._read_on()

    async def _read_on(self) -> bool:
        async with self._client.log() as parts:
            from_beginning = self._tail.at_beginning
            lines = await self._tail.read(parts)
            if lines is None:
                return False
            if from_beginning:
                self.engines.clear()
                self._restart()
                self.tasks = SlotTasks()
                self._forget_lines()
            count = 0
            async for line in lines:
                try:
                    self._take(line)
                except Exception as error:
                    # One line costs itself, and not those that follow.
                    self._crashed(error, "a line of the log")
                count += 1
                if count % AT_ONCE == 0:
                    await anyio.lowlevel.checkpoint()
        if count:
            await self._parse()
            self._after_read()
            self._changed()
        return True

    def _take(self, line: str) -> None:
        event = read_line(line)
        if event is not None:
            self.engines.take(event)
            self.tasks.take(event)
            self._take_event(event)
            if isinstance(event, EngineExited):
                self._exits.append(event)
        if self._shown:
            self._raw.append(line[:SHOWN_OF_A_LINE])

    async def _parse(self) -> None:
        if not self._shown:
            return
        # Others have their turn meanwhile, among them the user who leaves the screen.
        raw, self._raw = self._raw, deque(maxlen=SHOWN_LINES)
        for number, line in enumerate(raw):
            if line.strip():
                self._keep(parse_line(line))
            if number % AT_ONCE == 0:
                await anyio.lowlevel.checkpoint()
        if self._shown:
            self.lines = tuple(self._lines)
        else:
            self._lines.clear()

    def _keep(self, line: LogLine) -> None:
        if len(self._lines) == SHOWN_LINES:
            self._length -= len(self._lines.popleft().text)
        self._lines.append(line)
        self._length += len(line.text)
        while self._length > SHOWN_CHARACTERS:
            self._length -= len(self._lines.popleft().text)


class LogTail:
    """The place where reading ended; another log, or a shorter one, is read from its beginning."""

    def __init__(self) -> None:
        self._offset = 0
        self._witness = b""
        self._in_long_line = False

    @property
    def at_beginning(self) -> bool:
        """Return whether nothing was read yet."""
        return self._offset == 0

    def restart(self) -> None:
        """Read everything the next time."""
        self._offset, self._witness, self._in_long_line = 0, b"", False

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
            self._pass(lines)
            if self._in_long_line and lines:
                # The end of a line is none, whatever it looks like.
                self._in_long_line = False
                del lines[0]
            if len(rest) > LONGEST_LINE or (self._in_long_line and rest):
                self._pass([rest], cut=True)
                lines += [] if self._in_long_line else [rest]
                self._in_long_line, rest = True, b""
            for line in lines:
                yield line[:LONGEST_LINE].decode("utf-8", "replace")
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
