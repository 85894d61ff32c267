"""Text from outside, made safe to show: no escape sequence reaches the terminal."""

import re

# Controls (C0, DEL, C1), direction overrides that make a name read backwards, and lone
# surrogates that no terminal encoding can carry.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_UNSAFE_BUT_LINES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"


def plain(text: str) -> str:
    """One line of `text` in which every control character is a visible sign."""
    return _UNSAFE.sub(_picture, text)


def plain_lines(text: str) -> str:
    """As `plain`, but tabs and line feeds stay; carriage returns before them go."""
    return _UNSAFE_BUT_LINES.sub(_picture, text.replace("\r\n", "\n"))
