"""Errors of dmr-tui itself: each is written to a private file, and what failed begins again."""

import hashlib
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import anyio
import msgspec
import platformdirs

from dmr_tui import __version__
from dmr_tui.monitor.private_file import write_privately

AGAIN_S = 60.0
"""Seconds for which the same error at the same place is not reported again."""
KEPT_FILES = 20
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
HARMLESS = (AttributeError, ImportError, NameError, NotImplementedError, TypeError)
"""Errors whose message names code, never data; any other message may hold a prompt."""

Report = Callable[["Crash"], None]


class Crash(msgspec.Struct, frozen=True):
    """One error of dmr-tui itself."""

    part: str
    """What failed, as the user knows it: "the timeline"."""
    error: str
    """The type of the exception."""
    reference: str
    """Six hexadecimal digits, the same for the same error at the same place."""
    file: Path | None = None
    """The file with the traceback; None if it could not be written."""
    told: bool = False
    """The same error was reported less than AGAIN_S ago."""


class Crashes:
    """Writes one file for each new error, once a minute at most."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds the files; by default it is where the platform keeps logs."""
        self._folder = folder
        self._written: dict[str, tuple[float, Path | None]] = {}

    def take(self, error: BaseException, part: str) -> Crash:
        """Write down an error, unless the same one was written down less than AGAIN_S ago.

        The file has types, files and lines, but no values: no prompt, no address, no credential.
        """
        text = "\n".join(_lines(error))
        reference = hashlib.sha256(text.encode()).hexdigest()[:6]
        now = time.monotonic()
        at, file = self._written.get(reference, (-AGAIN_S, None))
        told = now - at < AGAIN_S
        if not told:
            head = f"dmr-tui {__version__}, Python {_python()}\n{part}"
            file = self._write(reference, f"{head}\n{text}\n")
            self._written[reference] = now, file
        return Crash(part, type(innermost(error)).__name__, reference, file, told)

    def _write(self, reference: str, text: str) -> Path | None:
        folder = self._folder or Path(platformdirs.user_log_dir("dmr-tui", appauthor=False))
        file = folder / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{reference}.txt"
        try:
            write_privately(file, text.encode())
        except OSError:
            return None
        with suppress(OSError):
            for old in sorted(folder.glob("crash-*.txt"))[:-KEPT_FILES]:
                old.unlink()
        return file


def innermost(error: BaseException) -> BaseException:
    """Return the error that groups of tasks are wrapped around."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def crash_text(crash: Crash) -> str:
    """Say in one line what failed, and where more is written."""
    where = f"details in {crash.file}" if crash.file else "its details could not be written"
    return f"{crash.part} failed by an error of dmr-tui ({crash.error} {crash.reference}); {where}"


def _python() -> str:
    return f"{sys.version.split()[0]} on {sys.platform}"


def _lines(error: BaseException) -> Iterator[str]:
    seen: set[int] = set()
    chained: BaseException | None = error
    while chained is not None and id(chained) not in seen:
        seen.add(id(chained))
        inner = innermost(chained)
        said = f": {str(inner)[:200]}" if isinstance(inner, HARMLESS) else ""
        yield f"{type(inner).__module__}.{type(inner).__qualname__}{said}"
        for frame in traceback.extract_tb(inner.__traceback__):
            yield f"  {_place(frame.filename)}:{frame.lineno} {frame.name}"
        chained = inner.__cause__ or inner.__context__


def _place(file: str) -> str:
    # The path above the package may name the user.
    parts = Path(file).parts
    for root in ("site-packages", "dmr_tui"):
        if root in parts:
            return "/".join(parts[parts.index(root) :])
    return "/".join(parts[-2:])


class Supervisor:
    """Keeps parts running: one that fails is reported, and begins again after a pause."""

    def __init__(self, report: Report, crashes: Crashes | None = None) -> None:
        self._report = report
        self._crashes = crashes or Crashes()

    async def keep(self, part: str, run: Callable[[], Awaitable[object]]) -> None:
        """Run a part until it returns; after an unforeseen error, again."""
        pause = FIRST_PAUSE_S
        while True:
            began = anyio.current_time()
            try:
                await run()
                return
            except Exception as error:
                self.failed(error, part)
            if anyio.current_time() - began > LONGEST_PAUSE_S:
                pause = FIRST_PAUSE_S
            await anyio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def failed(self, error: BaseException, part: str) -> None:
        """Report an unforeseen error."""
        crash = self._crashes.take(error, part)
        if not crash.told:
            self._report(crash)
