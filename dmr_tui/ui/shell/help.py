"""Keys by place, and what the numbers mean."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from textual.binding import Binding, BindingType

from dmr_tui.ui.commands.keymap import key_words
from dmr_tui.ui.commands.table import COMMANDS
from dmr_tui.ui.shell.page_dialog import PageDialog, Text
from dmr_tui.ui.widgets.lines import Line

WORDS_AT = 21
"""Cells before the words that say what a key does."""

PLACES = (
    ("everywhere", "Everywhere"),
    ("models", "In the list of models"),
    ("chat", "In the chat"),
    ("requests", "In the list of calls"),
    ("request", "In a call and its replay"),
    ("memory", "On the memory screen"),
    ("timeline", "In the timeline"),
    ("log", "In the log"),
    ("doctor", "In the doctor"),
)
HERE = {
    "dashboard": ("models", "chat"),
    "requests": ("requests", "request"),
    "memory": ("memory",),
    "timeline": ("timeline", "log"),
    "doctor": ("doctor",),
}
"""Places of each screen: their keys come first when help is asked for there."""
NUMBERS = (
    ("decode", "tokens per second after the first one; the first comes out of the prefill"),
    ("prefill", "new prompt tokens per second; cached ones cost nothing and are left out"),
    ("first token", "from sending to the first piece of reasoning or text (TTFT)"),
    ("load (cold)", "the model was not loaded: how long that took, apart from the rest"),
    ("server", "the engine's own stopwatch"),
    ("client", "measured here, as the answer arrived"),
    ("~", "an estimate, until the engine tells"),
    ("—", "not known; the doctor (6) says why"),
    ("p50, p95", "half, and 95 of 100, of the calls were at most that fast"),
    ("context", "window in use of what the model was trained for; k is 1,024 tokens"),
    ("reload thrash", "one model was loaded three times in ten minutes: something evicts it"),
    ("config drift", "a context window changed although nobody configured it"),
    ("from", "who told of an event: log, ps (what is loaded), feed (calls), config, poll"),
    ("wait", "before the engine began with it: by its log, else duration less engine time"),
    ("TTFT", "waited + prefill, of streamed calls; the load of a cold model is not in it"),
    ("cold", "calls for which the model was loaded first; their record begins after that"),
    ("left", "the caller hung up before the end; timed out if that was at its time limit"),
    ("×3", "the caller sent it three times; only the last try is shown"),
    ("0:04/5:00", "time since it was sent, of the time after which the caller gives up"),
    ("! 12.3", "decoded slower than this model usually does; the line below says why"),
    ("together", "tokens per second of calls that decoded at once, added up, at the highest"),
    ("needs", "weights, KV cache, compute and the driver's part; ~ by formula, else as measured"),
    ("fits", "what it needs, a tenth more and 300 MiB are free; tight: only what it needs is"),
    ("no room", "more than is free now: unloading or a shorter context may help"),
    ("too big", "more than this computer has, whatever is unloaded: a shorter context may help"),
    ("largest", "the largest context window with which the model fits now"),
    ("own, mapped", "RAM of an engine; mapped weights can be dropped and read again, slowly"),
    ("unexplained", "memory in use that no program that can be seen holds"),
    ("pressure", "how hard the computer has to look for memory, and what says so"),
    ("idle 3:12", "unloads in 3 minutes 12 seconds unless it is used"),
)


class HelpDialog(PageDialog):
    """Made of the table of commands; those of the screen behind it come first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Close", key_display="esc")
    ]

    def __init__(self, mode: str, keymap: Mapping[str, str]) -> None:
        """`keymap`: the keys of actions that do not have their usual ones."""
        page = Text(list(_content(mode, keymap)), indent=WORDS_AT)
        super().__init__(page, id="help", title="Help", hint="up, down scroll; esc closes")


def _content(mode: str, keymap: Mapping[str, str]) -> Iterator[Line]:
    here = (*HERE.get(mode, ()), "everywhere")
    first = [place for name in here for place in PLACES if place[0] == name]
    others = [place for place in PLACES if place not in first]
    for place in first:
        yield from _keys(*place, keymap)
    yield _title("What the numbers mean")
    for name, meaning in NUMBERS:
        yield _line(name, meaning)
    yield ()
    for place in others:
        yield from _keys(*place, keymap)


def _keys(where: str, title: str, keymap: Mapping[str, str]) -> Iterator[Line]:
    yield _title(title)
    for command in COMMANDS:
        if command.where == where:
            yield _line(key_words(command, keymap), command.help)
    if where == "everywhere":
        yield _line("ctrl+p", "Every command, by name.")
        yield _line("tab", "The next pane.")
    yield ()


def _title(text: str) -> Line:
    return ((text, "bold $accent"),)


def _line(key: str, text: str) -> Line:
    return ((f"  {key:18} ", "bold $value"), (text, "$label"))
