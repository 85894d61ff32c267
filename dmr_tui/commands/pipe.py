"""Standard output that somebody reads, for as long as they like."""

import os
import sys


def say(line: str) -> None:
    """Print the line, for as long as somebody reads; what is being done goes on without."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        nobody_reads()


def nobody_reads() -> None:
    """Whoever read the lines has enough: what is left would be flushed, and fail, at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
