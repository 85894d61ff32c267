"""A monkey at the keyboard: reproducible by its seed."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress

from textual import events
from textual.app import App
from textual.geometry import Size

LETTERS = "abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
SIGNS = {
    "/": "slash",
    "?": "question_mark",
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "+": "plus",
    "-": "minus",
    ":": "colon",
    " ": "space",
    "%": "percent_sign",
    "\\": "backslash",
}
MOVES = (
    *("enter", "escape", "tab", "shift+tab", "up", "down", "left", "right"),
    *("home", "end", "pageup", "pagedown", "backspace", "delete", "space"),
)
RARE = (
    *("ctrl+p", "f1", "f5", "ctrl+c", "ctrl+u", "ctrl+k", "ctrl+w", "ctrl+a", "ctrl+e", "ctrl+z"),
    *("ctrl+home", "ctrl+end", "shift+up", "shift+down", "ctrl+enter", "shift+enter", "ctrl+l"),
    *("ctrl+left", "ctrl+right", "ctrl+backspace", "f2", "f6", "f10", "ctrl+v", "ctrl+x"),
)
PASTES = (
    "ai/qwen3:8B-Q4_K_M",
    "[red]not markup[/]",
    "two\nlines\r\nand\ttabs",
    "\x1b[31mred\x1b[0m\x9b2J\x00",
    "日本語 🧑‍🚀 e\u0301 \u202egnol\u202c",
    "9" * 400,
    "x" * 20_000,
    "",
)
SIZES = (
    *((200, 55), (140, 42), (120, 30), (80, 24), (80, 24), (80, 24), (60, 20), (60, 20)),
    *((40, 10), (10, 3), (1, 1)),
)
BURSTS = (1, 1, 2, 5, 10, 20, 30, 50)
"""Inputs that come faster than the dashboard reacts."""
SLOW_S = 20.0
"""A burst that takes longer than this has frozen the dashboard, on a busy machine too."""


class Frozen(AssertionError):
    """The dashboard did not react within SLOW_S."""


class Monkey:
    """Presses random keys; `last` are the newest inputs, for who reads a failure."""

    def __init__(self, seed: str) -> None:
        self.rng = random.Random(seed)
        self.pressed = 0
        self.slowest = 0.0
        self.last: deque[str] = deque(maxlen=60)

    async def play(
        self, app: App[None], presses: int, between: Callable[[random.Random], None]
    ) -> None:
        """Send `presses` inputs in bursts, or fewer if the app ends. Raises Frozen.

        `between` is called before each burst.
        """
        while presses > 0 and app.is_running and app._exception is None and not app._exit:
            between(self.rng)
            burst = min(presses, self.rng.choice(BURSTS))
            presses -= burst
            self.pressed += burst
            for _ in range(burst):
                for event in self._inputs(app):
                    self._send(app, event)
                if self.rng.random() < 0.2:
                    await asyncio.sleep(0)
            await self._drained(app)

    def _send(self, app: App[None], event: events.Event) -> None:
        event.set_sender(app)
        app.post_message(event)

    async def _drained(self, app: App[None]) -> None:
        """Wait until the app, and then the screen in front, has worked off what was sent."""
        began, done = time.monotonic(), asyncio.Event()

        def pass_on() -> None:
            if app.screen_stack:
                app.screen.call_later(done.set)

        app.call_later(pass_on)
        while app.is_running and app._exception is None and not app._exit and not done.is_set():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(done.wait(), 0.2)
            if time.monotonic() - began > SLOW_S:
                raise Frozen(f"no reaction for {SLOW_S} s; the last inputs: {list(self.last)}")
        self.slowest = max(self.slowest, time.monotonic() - began)

    def _inputs(self, app: App[None]) -> Iterator[events.Event]:
        kind = self.rng.random()
        if kind < 0.36:
            yield self._key(self.rng.choice(MOVES))
        elif kind < 0.68:
            yield self._key(self.rng.choice(LETTERS))
        elif kind < 0.76:
            yield self._key(self.rng.choice("123456123461234612346790"))
        elif kind < 0.83:
            yield self._key(self.rng.choice(list(SIGNS)))
        elif kind < 0.87:
            yield self._key(self.rng.choice(RARE))
        elif kind < 0.965:
            yield from self._mouse(app)
        elif kind < 0.98:
            text = self.rng.choice(PASTES)
            self.last.append(f"paste {text[:20]!r}")
            yield events.Paste(text)
        elif kind < 0.999:
            size = Size(*self.rng.choice(SIZES))
            self.last.append(f"size {size.width}x{size.height}")
            yield events.Resize(size, size)
        else:
            yield self._key(self.rng.choice(("q", "ctrl+q")))

    def _key(self, key: str) -> events.Key:
        self.last.append(key)
        if key in SIGNS:
            return events.Key(SIGNS[key], key)
        return events.Key(key, key if len(key) == 1 else " " if key == "space" else None)

    def _mouse(self, app: App[None]) -> Iterator[events.Event]:
        x = self.rng.randrange(max(1, app.size.width))
        y = self.rng.randrange(max(1, app.size.height))
        what = self.rng.choice(("click", "click", "click", "double", "up", "down", "move", "drag"))
        self.last.append(f"{what} {x},{y}")

        def make(kind: type[events.MouseEvent], button: int = 0, at: int = x) -> events.MouseEvent:
            return kind(None, at, y, 0, 0, button, False, False, False, at, y)

        yield make(events.MouseMove)
        match what:
            case "click" | "double":
                button = self.rng.choice((1, 1, 1, 1, 3))
                for _ in range(2 if what == "double" else 1):
                    yield make(events.MouseDown, button)
                    yield make(events.MouseUp, button)
            case "up":
                yield make(events.MouseScrollUp)
            case "down":
                yield make(events.MouseScrollDown)
            case "drag":
                yield make(events.MouseDown, 1)
                yield make(events.MouseMove, 1, max(0, x - 9))
                yield make(events.MouseUp, 1, max(0, x - 9))
