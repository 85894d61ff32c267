"""Standard output whose reader may leave at any time."""

import os
import sys


def print_line(line: str) -> None:
    """Print the line while there is a reader; the work goes on without one."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        drop_output()


def drop_output() -> None:
    """Drop what is left after the reader has gone: flushing it at the end would fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
