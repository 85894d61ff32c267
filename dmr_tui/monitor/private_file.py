"""Small files that only their owner can read."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec

UNREADABLE = (OSError, msgspec.MsgspecError, ValueError, RecursionError)
"""Errors of reading a file of JSON that is not there, not allowed, or damaged."""


def write_privately(path: Path, content: bytes) -> None:
    """Write the file whole before it takes its name: a full disk leaves the one of before.

    Blocking. Raises OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def file_words(error: Exception) -> str:
    """Say in words why a file could not be read or written."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
