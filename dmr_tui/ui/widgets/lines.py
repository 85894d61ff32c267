"""Lines of styled text that repaint only where they changed."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget

from dmr_tui.ui.widgets.glyphs import GLYPHS

Part = tuple[str, str]
"""A text and its style; the text is never read as markup."""
Line = tuple[Part, ...]


class Lines(Widget):
    """Shows what `lines` answers, and paints again only those that differ from the last time."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._shown: tuple[Line, ...] = ()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines for a space of that many cells; called often, so it has to be cheap."""
        return ()

    def update_lines(self) -> None:
        """Ask for the lines again and repaint those that changed."""
        width, height = self.content_size
        if width <= 0 or height <= 0:
            return
        new = tuple(self.lines(width, height))
        old, self._shown = self._shown, new
        dirty = [
            Region(0, y, width, 1)
            for y in range(max(len(old), len(new)))
            if (old[y] if y < len(old) else None) != (new[y] if y < len(new) else None)
        ]
        if dirty:
            self.refresh(*dirty)

    def on_resize(self) -> None:
        """Make the lines again for another width."""
        self._shown = ()
        self.update_lines()
        self.refresh()

    def on_mount(self) -> None:
        """Make the strips again with another theme, as its colours are in them."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.refresh())

    def on_unmount(self) -> None:
        """Let go: the subscription would keep this widget until the theme changes."""
        self.app.theme_changed_signal.unsubscribe(self)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return as many rows as there are lines, for a height of `auto`."""
        return max(1, len(self.lines(width, viewport.height)))

    def render_line(self, y: int) -> Strip:
        """Paint one row of cells."""
        width = self.size.width
        if y >= len(self._shown):
            return Strip.blank(width, self.rich_style)
        return strip_of(self, self._shown[y], width)


class OneLine(Lines):
    """Shows a line until it is given another."""

    line: Line = ()

    def show(self, line: Line) -> None:
        """Show this line instead of the last one."""
        self.line = line
        self.update_lines()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the line."""
        return [self.line]


def strip_of(widget: Widget, line: Line, width: int, base: str = "") -> Strip:
    """`line` as cells in the colours of `widget`; `base` is a style under all of it.

    What does not fit ends in an ellipsis. Textual's `Content` could do it, at ten times the cost:
    it also wraps, aligns and selects.
    """
    under = widget.visual_style + Style.parse(base)
    segments = [Segment(text, _rich_style(under + Style.parse(name))) for text, name in line]
    strip = Strip(segments)
    if strip.cell_length > width > 0 and cell_len(strip.text.rstrip()) > width:
        cut = strip.crop(0, width - 1)
        style = _rich_style(under + Style.parse(line[-1][1]))
        strip = Strip([*cut, Segment(GLYPHS.ellipsis, style)])
    return strip.adjust_cell_length(width, _rich_style(under))


def cursor_style(widget: Widget, *, focused: bool) -> str:
    """Return the style under the row with the cursor."""
    if widget.app.current_theme.ansi:
        # Which colours the terminal has is not known, so none would be sure to be readable.
        return "reverse" if focused else "underline"
    return "on $block-cursor-background" if focused else "on $block-cursor-blurred-background"


@lru_cache(maxsize=1024)
def _rich_style(style: Style) -> RichStyle:
    return style.rich_style


def width_of(parts: Iterable[Part]) -> int:
    """Count the cells that the parts take."""
    return sum(cell_len(text) for text, _ in parts)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` in exactly `width` cells: padded, or cut with an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(0, width - 1)) + GLYPHS.ellipsis if width > 0 else ""
    padding = " " * (width - length)
    return padding + text if right else text + padding


def cut(text: str, width: int) -> str:
    """`text` if it fits, or as many whole words of it as do: half a number tells a wrong one."""
    if cell_len(text) <= width:
        return text
    kept = ""
    for word in re.findall(r"\s*\S+", text):
        if cell_len(kept + word) + 1 > width:
            break
        kept += word
    return kept + GLYPHS.ellipsis if kept else fit(text, width)


def wrapped(line: Line, width: int, indent: int) -> list[Line]:
    """`line` broken between words where it does not fit, its further lines moved in by `indent`.

    A word that is longer than a line is broken as well.
    """
    lines: list[Line] = []
    parts: list[Part] = []
    pool = width
    for text, style in line:
        for word in re.findall(r"\s*\S+\s*|\s+", text):
            for piece in _pieces(word, max(1, width - indent)):
                if cell_len(piece.rstrip()) > pool and width_of(parts) > indent:
                    lines.append(tuple(parts))
                    parts, pool = [(" " * indent, "")], width - indent
                    piece = piece.lstrip()
                parts.append((piece, style))
                pool -= cell_len(piece)
    return [*lines, tuple(parts)]


def _pieces(word: str, longest: int) -> list[str]:
    return [word] if cell_len(word.rstrip()) <= longest else chop_cells(word, longest)


def spread(left: Sequence[Part], right: Sequence[Part], width: int) -> Line:
    """`left` at the left and `right` at the right edge; `left` gives way if both do not fit."""
    pool = width - width_of(right)
    kept: list[Part] = []
    for text, style in left:
        if pool <= 0:
            break
        cut = text if cell_len(text) <= pool else fit(text, pool)
        kept.append((cut, style))
        pool -= cell_len(cut)
    return (*kept, (" " * max(0, pool), ""), *right)
