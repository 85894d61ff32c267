"""The keys that work here and now, in one line; each is a button."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from textual import events
from textual.binding import ActiveBinding
from textual.screen import Screen

from dmr_tui.ui.shell.pane import Pane
from dmr_tui.ui.widgets.lines import Line, Part

SHOW = "app.show("
LAST = ("app.quit", "app.help")
SCREENS = "Screens"


@dataclass(frozen=True, slots=True)
class Mark:
    """One key with its word."""

    action: str
    key: str
    sign: str
    """The key as it is shown."""
    word: str
    enabled: bool
    tooltip: str

    @property
    def width(self) -> int:
        """Cells of sign and word."""
        return cell_len(f"{self.sign} {self.word}" if self.word else self.sign)


class KeyBar(Pane):
    """As Textual's Footer, in one piece, and with the way to help and the screens always in it.

    Where not all keys have room, the screens lose their names, then the last keys go. Textual's
    Footer makes a widget for each key, which took 60 ms of the first paint, and what has no room
    lies outside of the window, where it is not found.
    """

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__(id="keys")
        self._placed: tuple[tuple[int, Mark], ...] = ()
        self._under: Mark | None = None

    def on_mount(self) -> None:
        """Show other keys when something else has the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def on_unmount(self) -> None:
        """Hear no more of other keys."""
        self.screen.bindings_updated_signal.unsubscribe(self)

    def _bindings_changed(self, screen: Screen[object]) -> None:
        # While the terminal has not the focus nothing in it has.
        if screen is self.screen and self.app.app_focus:
            self.tick()

    def tick(self) -> None:
        """Look again: what can be done depends on the model, and on what is known of it."""
        # The other panes show the newest Snapshot first.
        self.call_after_refresh(self.update_lines)

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the one line."""
        marks = list(self._marks())
        palette = marks.pop() if marks and marks[-1].action == "app.command_palette" else None
        pool = width - (palette.width + 1 if palette is not None else 0)
        placed, at = [], 0
        for mark in fitting(marks, pool):
            placed.append((at, mark))
            at += mark.width + 1
        if palette is not None:
            placed.append((max(at, width - palette.width), palette))
        self._placed = tuple(placed)
        return [tuple(self._parts())]

    def _parts(self) -> Iterator[Part]:
        end = 0
        for at, mark in self._placed:
            yield " " * (at - end), ""
            under = " underline" if mark == self._under and mark.enabled else ""
            yield mark.sign, ("bold $accent" if mark.enabled else "$faint") + under
            if mark.word:
                yield f" {mark.word}", ("$value" if mark.enabled else "$faint") + under
            end = at + mark.width

    def _marks(self) -> Iterator[Mark]:
        active = self.screen.active_bindings
        found: dict[str, Mark] = {}
        for each in active.values():
            if each.binding.show:
                found.setdefault(each.binding.action, self._mark(each))
        here = [mark for mark in found.values() if not _is_everywhere(mark)]
        screens = [mark for mark in found.values() if mark.action.startswith(SHOW)]
        quit, help = ([found[each]] if each in found else [] for each in LAST)
        yield from (*here, *quit, *screens, *help)
        palette = active.get(self.app.COMMAND_PALETTE_BINDING)
        if palette is not None:
            yield replace(self._mark(palette), action="app.command_palette")

    def _mark(self, active: ActiveBinding) -> Mark:
        binding = active.binding
        sign = self.app.get_key_display(binding)
        tooltip = active.tooltip or binding.description
        return Mark(binding.action, binding.key, sign, binding.description, active.enabled, tooltip)

    def _at(self, event: events.MouseEvent) -> Mark | None:
        offset = event.get_content_offset(self)
        if offset is None:
            return None
        found = (mark for at, mark in self._placed if at <= offset.x < at + mark.width)
        return next(found, None)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Press the key under the pointer."""
        mark = self._at(event)
        if mark is not None and mark.enabled:
            self.app.simulate_key(mark.key)
        elif mark is not None:
            self.app.bell()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Say what the key under the pointer does."""
        self._point_to(self._at(event))

    def on_leave(self) -> None:
        """Forget the key under the pointer."""
        self._point_to(None)

    def _point_to(self, mark: Mark | None) -> None:
        if mark != self._under:
            self._under = mark
            self.tooltip = mark.tooltip if mark is not None else None
            self.update_lines()


def _is_everywhere(mark: Mark) -> bool:
    return mark.action in LAST or mark.action.startswith(SHOW)


def fitting(marks: Sequence[Mark], pool: int) -> Sequence[Mark]:
    """Return as many of them as there is room for, in their order."""
    if _width(marks) <= pool:
        return marks
    kept = list(_short(marks))
    here = [mark for mark in kept if not _is_everywhere(mark)]
    # The first one is what enter does, or nearly so.
    while len(here) > 1 and _width(kept) > pool:
        kept.remove(here.pop())
    return kept


def _short(marks: Sequence[Mark]) -> Iterator[Mark]:
    """Yield the screens as numbers, with one word behind them."""
    last = next((mark for mark in reversed(marks) if mark.action.startswith(SHOW)), None)
    for mark in marks:
        if mark is last:
            yield replace(mark, word=SCREENS)
        else:
            yield replace(mark, word="") if mark.action.startswith(SHOW) else mark


def _width(marks: Sequence[Mark]) -> int:
    return sum(mark.width + 1 for mark in marks) - 1
