"""A program in a terminal of its own: what it draws, what it costs, how it leaves."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psutil
import pyte


class Terminal:
    """Runs `command` in a pseudo-terminal and keeps the screen that it draws."""

    def __init__(
        self, command: Sequence[str], columns: int = 140, rows: int = 42, **env: str
    ) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.written = bytearray()
        self.drawing = True
        """Whether `screen` shows what is written, which takes more time than anything else."""
        self.started = time.monotonic()
        self._text = ""
        self._text_of = -1
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            _resize(0, columns, rows)
            given = {"TERM": "xterm-256color", "COLORTERM": "truecolor", **env}
            inherited = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "LINES"}}
            # Without an environment of its own it would get that of the C library, in which
            # readline, which pytest loads, sets COLUMNS and LINES behind the back of os.environ.
            os.execvpe(command[0], list(command), {**inherited, **given})
        self.code: int | None = None

    @property
    def text(self) -> str:
        """What stands on the screen."""
        if self._text_of != len(self.written):
            # Joining the cells takes far longer than looking whether anything is new.
            self._text_of = len(self.written)
            self._text = "\n".join(self.screen.display)
        return self._text

    def pump(self, seconds: float, until: Callable[[], object] = lambda: False) -> bool:
        """Take in what is drawn for so long, or until a fact is true; whether it became true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([self._fd], [], [], 0.02)
            if ready and not self._read():
                break
            if until():
                return True
        return bool(until())

    def _read(self) -> bool:
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        self.written += data
        if self.drawing:
            self._stream.feed(data)
        return bool(data)

    def shows(self, *patterns: str, seconds: float = 20.0) -> None:
        """Wait until all of `patterns` are on the screen, or fail with what is there."""
        seen = self.pump(seconds, lambda: all(re.search(p, self.text) for p in patterns))
        assert seen, f"no {patterns} on:\n{self.text}"

    def keys(self, text: str) -> None:
        """Press keys."""
        os.write(self._fd, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Another size."""
        self.screen.resize(rows, columns)
        self._text_of = -1
        _resize(self._fd, columns, rows)

    def signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def end(self, seconds: float = 10.0) -> int:
        """Wait for the program to end; its exit code."""
        deadline = time.monotonic() + seconds
        while self.code is None:
            self.pump(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                # What it wrote last may not have been read yet.
                self.pump(seconds)
            elif time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"still running:\n{self.text}")
        return self.code

    def kill(self) -> None:
        """End it whatever it does."""
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
            self.code = os.waitstatus_to_exitcode(status)
        os.close(self._fd)

    @property
    def processes(self) -> list[psutil.Process]:
        """The program and all that it started."""
        program = psutil.Process(self.pid)
        return [program, *program.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Processor time used so far, of the whole tree."""
        times = [process.cpu_times() for process in self.processes]
        return sum(t.user + t.system for t in times)

    def pss_mib(self) -> float:
        """Memory of the whole tree, shared pages in proportion."""
        return sum(p.memory_full_info().pss for p in self.processes) / 2**20


def _resize(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def dmr_tui(*words: str) -> list[str]:
    """The command line of the console script."""
    return [sys.executable, "-m", "dmr_tui", *words]


@contextmanager
def simulated(*words: str) -> Iterator[str]:
    """A simulated runner in a process of its own, so that its cost is not counted."""
    command = dmr_tui("simulate", "--port", "0", *words)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().rsplit(" ", 1)[1].strip()
    finally:
        process.terminate()
        process.wait(10)
