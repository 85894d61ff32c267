"""What a user does in an hour: screens, sorts, filters, dialogs and questions, at random."""

import random

ESCAPE, ENTER, TAB, F1, F5 = "\x1b", "\r", "\t", "\x1bOP", "\x1b[15~"
UP, DOWN, PAGE_DOWN, END, HOME = "\x1b[A", "\x1b[B", "\x1b[6~", "\x1b[F", "\x1b[H"
BACK = (ESCAPE, ESCAPE, ESCAPE)
SIZES = ((200, 55), (140, 42), (80, 24), (140, 42))

SEQUENCES: dict[str, tuple[str, ...]] = {
    "models sorted": ("1", "s", "s", DOWN, DOWN, UP),
    "models filtered": ("1", "/", *"llama", ENTER, ESCAPE),
    "details of a model": ("1", DOWN, "i", DOWN, PAGE_DOWN, ESCAPE),
    "menu of a model": ("1", "a", DOWN, DOWN, ESCAPE),
    "load asked for and confirmed": ("1", DOWN, "l", ENTER),
    "unload asked for and dropped": ("1", "u", ESCAPE),
    "a model configured": ("1", "o", TAB, "4", "0", "9", "6", ESCAPE),
    "pull looked up": ("1", "n", *"ai/smollm2", ESCAPE),
    "a pane maximized": ("1", "f", DOWN, ESCAPE),
    "a question": ("1", "c", *"tell me a story", ENTER),
    "a question, stopped": ("1", "c", *"tell me a story", ENTER, "", "", ESCAPE),
    "the chat cleared": ("1", "c", "\x0c", ESCAPE),
    "requests sorted": ("2", "s", "s", "s", END, HOME),
    "requests counted": ("2", "v", DOWN, "v", DOWN, "v"),
    "requests filtered": ("2", "/", *"n8n", ENTER, DOWN, ESCAPE),
    "requests of one model and caller": ("2", DOWN, "m", "c", "o", ESCAPE),
    "details of a request": ("2", DOWN, DOWN, ENTER, "b", PAGE_DOWN, END, ESCAPE),
    "a request replayed": ("2", DOWN, ENTER, "r", ENTER, "", "", ESCAPE, ESCAPE),
    "log of a request": ("2", DOWN, "l", DOWN, ESCAPE),
    "what if": ("3", DOWN, "+", "+", "t", "p", "M", "0", ESCAPE),
    "memory sorted": ("3", "s", "s", DOWN),
    "events": ("4", DOWN, DOWN, ENTER, TAB, HOME),
    "events filtered": ("4", "/", *"load", ENTER, "w", "w", "w", ESCAPE),
    "the log searched": ("4", TAB, "/", *"slot", ENTER, PAGE_DOWN, ESCAPE),
    "a whole line": ("4", TAB, UP, ENTER, ESCAPE, "t", "t"),
    "the log paused": ("4", TAB, " ", UP, UP, " ", "b"),
    "doctor": ("6", DOWN, DOWN, END),
    "help": ("?", PAGE_DOWN, ESCAPE),
    "palette": ("\x10", *"sort", ESCAPE),
    "refresh": (F5,),
    "nothing": ("1", *[""] * 20),
}
"""Keys by what they do; none of them ends the dashboard, and an empty one is a rest."""


def sequence(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """Return what is done next, and its keys, which end where they began."""
    name = rng.choice(list(SEQUENCES))
    return name, (*SEQUENCES[name], *BACK)
