"""Everything on the screen in ASCII, for terminals that show nothing else."""

import unicodedata
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_SIGNS = {
    **dict.fromkeys("─━═┄┈▁▔▂▃▄", "-"),
    **dict.fromkeys("│┃║┆┊▌▐▎▏▕", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╔╗╚╝┏┓┗┛", "+"),
    **dict.fromkeys("█▇▆▅▓▒", "#"),
    **dict.fromkeys("—–", "-"),
    "░": ".",
    "…": "~",
    "·": "-",
    "×": "x",
    "≤": "<",
    "≥": ">",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "⏎": "<",
    "°": " ",
    "␛": "?",
}
"""Of what a screen is made of, each by a sign of one cell."""


class AsciiFilter(LineFilter):
    """Puts a sign of ASCII in the place of each that is not, as many cells as it takes."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the same cells in ASCII."""
        return [
            segment if segment.text.isascii() else Segment(to_ascii(segment.text), segment.style)
            for segment in segments
        ]


def to_ascii(text: str) -> str:
    """Turn `text` into ASCII in as many cells: é is e, and a sign that cannot be guessed is ?."""
    return "".join(sign if sign.isascii() else _sign(sign) for sign in text)


@lru_cache(maxsize=4096)
def _sign(sign: str) -> str:
    known = _SIGNS.get(sign)
    if known is not None:
        return known
    plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    cells = cell_len(sign)
    return plain if plain.isprintable() and len(plain) == cells and plain else "?" * cells
