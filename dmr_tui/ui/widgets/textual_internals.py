"""Textual's private names that the dashboard uses, all of them here; tests check that they exist.

Checked against Textual 8.2.8.
"""

import sys
from collections.abc import Callable, Coroutine
from functools import lru_cache, partial
from typing import Any, Literal

from rich.console import RenderableType
from textual import messages
from textual._context import active_message_pump
from textual._styles_cache import StylesCache
from textual.app import App
from textual.color import Color
from textual.command import CommandList, CommandPalette
from textual.dom import DOMNode
from textual.driver import Driver
from textual.events import Event, InputEvent
from textual.keys import _character_to_key
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import ModalScreen, Screen
from textual.style import Style
from textual.widget import AwaitMount, Widget
from textual.widgets import OptionList

from dmr_tui.ui.widgets.dialog import ClosesItself
from dmr_tui.ui.widgets.key_parser import KeyParser
from dmr_tui.ui.widgets.parsed_styles import ParsedStyles

CRASHED = 70
"""Exit code after an error of the dashboard itself (EX_SOFTWARE)."""


def _remember_by_colours_alone() -> None:
    # Textual remembers a thousand results of this method by the object as well: widgets that are
    # gone would stay, each with all the lines that it last painted.
    make = getattr(StylesCache.get_inner_outer, "__wrapped__", None)
    if make is not None:
        remembered = lru_cache(maxsize=256)(partial(make, None))

        def inner_outer(cache: StylesCache, base: Color, background: Color) -> tuple[Style, Style]:
            colours: tuple[Style, Style] = remembered(base, background)
            return colours

        setattr(StylesCache, "get_inner_outer", inner_outer)  # noqa: B010


_remember_by_colours_alone()


def key_name(character: str) -> str:
    """Return Textual's name of the key that types a character: "colon"."""
    return _character_to_key(character)


def begin_suspension(app: App[Any]) -> None:
    """Prepare the terminal's driver for a resume, unless Textual has suspended it itself.

    Textual takes every SIGCONT for the end of its own pause. After a SIGSTOP, which no program
    hears, it would read the keys in two threads and never end.
    """
    driver = app._driver
    if driver is not None and not getattr(driver, "_must_signal_resume", True):
        driver.suspend_application_mode()


def tolerant(base: type[Driver]) -> type[Driver]:
    """Return a driver like `base` that drops what of a terminal is no key or cannot be read.

    Textual's thread that reads keys ends by the first sequence that its parser does not know (an
    X10 mouse report, keys with event types), and the program with it, with exit code 0.
    """
    if not hasattr(base, "run_input_thread"):
        return base
    # The thread makes its parser itself, by the name in its module.
    vars(sys.modules[base.__module__])["XTermParser"] = KeyParser

    class TolerantDriver(base):  # type: ignore[misc, valid-type]
        def run_input_thread(self) -> None:
            while not self.exit_event.is_set():
                try:
                    super().run_input_thread()
                except (OSError, RuntimeError):
                    # The terminal is gone, or the loop that takes the keys.
                    raise
                except Exception:
                    # A new parser: the old one stands in the middle of what it cannot read.
                    continue

    return TolerantDriver


class Options(OptionList):
    """A list of options that can be paged before it is laid out."""

    def _move_page(self, direction: Literal[-1, 1]) -> None:
        if self.size:
            super()._move_page(direction)


class Palette(CommandPalette, ClosesItself[Any]):
    """Textual's palette, whose list can be paged before it is laid out."""

    def _action_command_list(self, action: str) -> None:
        if self.query_one(CommandList).size:
            super()._action_command_list(action)


def _is_of_user(message: Message) -> bool:
    """Return whether a user caused a message, by a key or the mouse."""
    if isinstance(message, Event):
        return isinstance(message, InputEvent)
    return type(message).__module__ != messages.__name__


class InterceptingApp(App[None]):
    """An app that may go on after an exception in any handler of any widget.

    Textual ends the app by it. Here `survives` decides; the message that caused it is lost. What a
    user does to a dialog that is closing already is dropped: a second enter or click would be taken
    for one on the screen behind.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stylesheet = ParsedStyles(variables=self.get_css_variables())

    def survives(self, error: Exception, pump: MessagePump) -> bool:
        """Return True to go on after `error`, which was raised while `pump` handled a message."""
        return False

    def bears(self, error: Exception) -> bool:
        """Return True to show a sign for a cell that `error` kept from being made."""
        return False

    def fail(self, error: Exception) -> None:
        """End the app with an error."""
        super()._handle_exception(error)

    def panic(self, *renderables: RenderableType) -> None:
        """End with an error; Textual's thread that reads keys would end with exit code 0."""
        self._return_code = CRASHED
        super().panic(*renderables)

    def get_driver_class(self) -> type[Driver]:
        """Return a driver that no byte of the terminal ends."""
        return tolerant(super().get_driver_class())

    async def _dispatch_message(self, message: Message) -> None:
        await self._guarded(self, super()._dispatch_message, message)

    def _register_child(
        self, parent: DOMNode, child: Widget, before: int | None, after: int | None
    ) -> None:
        super()._register_child(parent, child, before, after)
        dispatch = child._dispatch_message

        async def guarded(message: Message) -> None:
            await self._guarded(child, dispatch, message)

        child._dispatch_message = guarded  # type: ignore[method-assign]

    async def _guarded(
        self,
        pump: MessagePump,
        dispatch: Callable[[Message], Coroutine[Any, Any, None]],
        message: Message,
    ) -> None:
        if isinstance(pump, ModalScreen) and self._is_gone(pump) and _is_of_user(message):
            return
        try:
            await dispatch(message)
        except Exception as error:
            # What a dialog began before it was closed finds nothing of it any more.
            if not self._was_in_dialog(pump) and not self.survives(error, pump):
                raise

    def _was_in_dialog(self, pump: MessagePump) -> bool:
        nodes = pump.ancestors_with_self if isinstance(pump, DOMNode) else []
        return any(isinstance(node, ModalScreen) and self._is_gone(node) for node in nodes)

    def push_screen(self, screen: Any, *args: Any, **options: Any) -> Any:
        """Show a screen; a dialog that is open already is not opened twice."""
        is_open = any(type(each) is type(screen) for each in self.screen_stack)
        if isinstance(screen, ModalScreen) and is_open:
            return AwaitMount(self.screen, ())
        return super().push_screen(screen, *args, **options)

    def _is_gone(self, screen: Screen[Any]) -> bool:
        return not any(screen in stack for stack in self._screen_stacks.values())

    def action_command_palette(self) -> None:
        """Show the commands to search in."""
        # Without Textual's id: the one before may still be closing.
        self.push_screen(Palette())

    def _handle_exception(self, error: Exception) -> None:
        # Of timers, workers, callbacks and painting, which go on by themselves.
        if not self.survives(error, active_message_pump.get(self)):
            self.fail(error)
