"""Small files of the kernel: whatever they hold is text, and a number only if it can be one."""

import os

LONGEST = 2**20
"""Bytes that are read; the kernel writes far less about a process, a card or a group."""


def read(path: str | os.PathLike[str]) -> str:
    """The text of a file; bytes that are not UTF-8 are replaced. Raises OSError."""
    with open(path, "rb") as file:
        return file.read(LONGEST).decode("utf-8", "replace")


def whole(text: str, most: int = 2**64 - 1) -> int | None:
    """The whole number from 0 to `most` that `text` says; None for anything else."""
    # Python takes long for thousands of digits, and refuses more.
    if not (text.isascii() and text.isdecimal() and len(text) <= 20):
        return None
    number = int(text)
    return number if number <= most else None
