"""What the terminal sends, without what no user typed.

Checked against Textual 8.2.8.
"""

import re
import time
from collections.abc import Iterable
from functools import lru_cache
from math import prod

from textual import events
from textual._xterm_parser import (
    BRACKETED_PASTE_END,
    BRACKETED_PASTE_START,
    SPECIAL_SEQUENCES,
    XTermParser,
)
from textual.constants import ESCAPE_DELAY
from textual.message import Message

REPLY_S = 1.0
"""Seconds in which the rest of a reply may come."""
LONGEST = 65_536
"""Characters of a reply, as one with the clipboard; of a longer one the rest is typed."""
LONGEST_KNOWN = 64
"""Characters of a control sequence that may be a key, a click or a size."""
GREATEST = 9_999_999
"""A character has at most 7 digits, and a place on the screen fewer."""
MOST_CELLS = 1_000_000
_NUMBER = re.compile(r"\d+")
_SEQUENCE = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC
    r"|\x1b[P_^X][^\x1b]*\x1b\\"  # DCS, APC, PM, SOS
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # CSI
)
_PASTE = re.compile(r"(\x1b\[20[01]~)")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[P_^X][^\x1b]*\x1b?)?\Z")


class KeyParser(XTermParser):
    """Textual's parser, which takes a sequence that it does not know for keys that were pressed.

    Such are the replies that a terminal sends late, to a program that asked and has ended, or in a
    form of its own: a colour would type `]11;rgb:…`, and each of these letters may be a command.
    """

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._pasting = False
        self._held = ""
        """The beginning of a sequence whose rest is still to come."""
        self._held_at = 0.0

    def feed(self, data: str) -> Iterable[Message]:
        """Parse keys, the mouse, pasted text and what Textual has asked for."""
        if not data:
            yield from super().feed(data)
            return
        text = self._cleaned(self._held + data)
        if text:
            yield from super().feed(text)

    def tick(self) -> Iterable[Message]:
        """Parse the escape key, and alt with a key; forget a reply that does not go on."""
        is_key = len(self._held) <= 2
        held_s = time.monotonic() - self._held_at
        if self._held and not self._pasting and held_s > (ESCAPE_DELAY if is_key else REPLY_S):
            held, self._held = self._held, ""
            if held == "\x1b":
                # At once: Textual would wait once more for what follows.
                yield events.Key("escape", held)
            elif is_key:
                yield from super().feed(held)
        yield from super().tick()

    def _cleaned(self, text: str) -> str:
        *parts, last = _PASTE.split(text)
        kept = [self._cleaned_part(part) for part in parts]
        rest = _UNFINISHED.search(last)
        self._held = "" if rest is None or len(rest[0]) > LONGEST else rest[0]
        if self._held:
            self._held_at = time.monotonic()
            last = last[: -len(self._held)]
        return "".join((*kept, self._cleaned_part(last)))

    def _cleaned_part(self, part: str) -> str:
        if part in {BRACKETED_PASTE_START, BRACKETED_PASTE_END}:
            self._pasting = part == BRACKETED_PASTE_START
            return part
        if self._pasting:
            # Textual would take what follows an escape for keys here, too.
            return _SEQUENCE.sub("", part).replace("\x1b", "")
        return _SEQUENCE.sub(_kept, part)


def _kept(found: re.Match[str]) -> str:
    sequence = found[0]
    return sequence if sequence[1] == "[" and _is_known(sequence) else ""


@lru_cache(maxsize=256)
def _is_known(sequence: str) -> bool:
    """Return whether Textual's parser is through with a control sequence at its end.

    A size that no terminal has, for which Textual would lay out as many lines, is not known either.
    """
    numbers = [int(number) for number in _NUMBER.findall(sequence[:LONGEST_KNOWN])]
    if len(sequence) > LONGEST_KNOWN or max(numbers, default=0) > GREATEST:
        return False
    if sequence.startswith("\x1b[48;") and prod(numbers[1:3]) > MOST_CELLS:
        return False
    if sequence in SPECIAL_SEQUENCES or sequence.startswith(("\x1b[<", "\x1b[M")):
        return True
    try:
        *_, last = (None, *XTermParser().feed(f"{sequence}\r"))
    except Exception:
        return False
    return isinstance(last, events.Key) and last.key == "enter"
