"""Ends the program when its terminal is gone: a closed window, a connection that broke."""

import os
import select
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

GONE = 129
"""Exit code, as of a program that a hang-up signal ended."""
LONGEST_S = 3.0
"""Seconds that closing what is open may take."""


def end_without_terminal(close: Callable[[], None]) -> None:
    """From now on, `close` and end as soon as the terminal is gone.

    Textual waits for ever for a terminal that takes no more: its thread that writes is dead, the
    one that reads spins, and the loop that would hear of a signal stands still.
    """
    if hasattr(select, "poll"):
        thread = threading.Thread(target=_watch, args=(close,), name="terminal", daemon=True)
        thread.start()


def _watch(close: Callable[[], None]) -> None:
    poll = select.poll()
    # Asking for nothing tells of a hang-up alone, and costs nothing until then.
    poll.register(sys.stdin.fileno(), 0)
    happened = 0
    while not happened & (select.POLLHUP | select.POLLERR):
        with suppress(InterruptedError):
            happened = next((events for _, events in poll.poll()), 0)
        if happened & select.POLLNVAL:
            # A system that cannot tell.
            return
    threading.Timer(LONGEST_S, os._exit, (GONE,)).start()
    with suppress(Exception):
        close()
    os._exit(GONE)
