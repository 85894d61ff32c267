"""The keys that a user may choose, and those that work now."""

from collections.abc import Iterator, Mapping
from string import punctuation

from textual.keys import Keys

from dmr_tui.settings.errors import BadSettings, did_you_mean
from dmr_tui.settings.schema import Settings
from dmr_tui.ui.commands.table import COMMANDS, Command
from dmr_tui.ui.widgets.textual_internals import key_name

SIGNS = {key_name(sign): sign for sign in punctuation}
"""The names of keys that are signs."""
MODIFIERS = ("ctrl", "alt", "shift", "super", "hyper", "meta")
SPOKEN = {"esc": "escape", "return": "enter", "pgup": "pageup", "pgdn": "pagedown"} | {
    "del": "delete",
    "ins": "insert",
    "plus_sign": "plus",
}
"""Usual names of keys, and Textual's."""
SAME = {
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+h": "backspace",
    "ctrl+left_square_bracket": "esc",
}
"""Keys that a terminal cannot tell from others."""
LIST = ("up", "k", "down", "j", "pageup", "pagedown", "home", "g", "end", "G")
WITH_LISTS = ("everywhere", "models", "requests", "memory", "timeline", "log")
WRITING = ("space", "backspace", "delete", "left", "right", "enter", *LIST)
"""Keys that a prompt is written with, apart from those that are text."""
NAMES = {key.value.rpartition("+")[2] for key in Keys if "<" not in key.value} | set(SIGNS)


def keymap(settings: Settings) -> dict[str, str]:
    """Return Textual's keymap for the chosen keys; empty if none were. Raises BadSettings.

    Textual takes a key from all that share it when one of them gets another: those are in it too.
    """
    ids = {command.id: command for command in COMMANDS}
    chosen: dict[str, str] = {}
    for name, keys in settings.keys.items():
        where = settings.origins.get(f"keys.{name}", "keys")
        if name not in ids:
            near = did_you_mean(name, tuple(ids)) or "; dmr-tui config --keys lists what there is"
            raise BadSettings(f"{where}: no action is called {name!r}{near}")
        try:
            chosen[name] = ",".join(_normal(key) for key in keys.split(","))
        except ValueError as error:
            raise BadSettings(f"{where}: {name} = {keys!r}: {error}") from None
    for name in chosen:
        where = settings.origins.get(f"keys.{name}", "keys")
        for problem in _problems(ids[name], chosen):
            raise BadSettings(f"{where}: {name} = {settings.keys[name]!r}: {problem}")
    sharers = {
        command.id: command.keys
        for command in COMMANDS
        if any(command.where == ids[name].where and _share(command, ids[name]) for name in chosen)
    }
    return sharers | chosen


def keys_of(command: Command, keymap: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys that run the command now."""
    return tuple(keymap.get(command.id, command.keys).split(","))


def key_words(command: Command, keymap: Mapping[str, str]) -> str:
    """Return the same keys under their usual names: "esc /"."""
    return " ".join(_word(key) for key in keys_of(command, keymap))


def _word(key: str) -> str:
    modifiers, plus, name = key.rpartition("+")
    return f"{modifiers}{plus}{SIGNS.get(name, 'esc' if name == 'escape' else name)}"


def _normal(key: str) -> str:
    """Return Textual's name of a key; raise ValueError with what is allowed."""
    # The sign + may itself stand behind a plus.
    head, name = (key[:-1].removesuffix("+"), "+") if key.endswith("+") else ("", key)
    if len(key) > 1 and name == key:
        head, _, name = key.rpartition("+")
    given = head.lower().split("+") if head else []
    modifiers = tuple(each for each in MODIFIERS if each in given)
    if len(modifiers) != len(given):
        raise ValueError(f"modifiers are {', '.join(MODIFIERS)}: ctrl+t")
    if len(name) > 1 or modifiers:
        name = name.lower()
    name = SPOKEN.get(name, name)
    if len(name) == 1:
        if not name.isprintable() or name == " ":
            raise ValueError("write space for the space bar")
        name = key_name(name)
        if modifiers == ("shift",):
            raise ValueError("write the sign that the key gives: S, not shift+s")
    elif name not in NAMES:
        near = (
            did_you_mean(name, tuple(NAMES))
            or "; write a sign, or a name such as f5, space, ctrl+t"
        )
        raise ValueError(f"no key is called {key!r}{near}")
    normal = "+".join((*modifiers, name))
    if normal in SAME:
        raise ValueError(f"a terminal sends {SAME[normal]} for {normal}")
    return normal


def _problems(command: Command, chosen: Mapping[str, str]) -> Iterator[str]:
    """Yield the reasons why these keys cannot be those of `command`."""
    usual = command.keys.split(",")
    for key in keys_of(command, chosen):
        if key in usual:
            # Where it has been shared from the start, it is told apart by what can be done.
            continue
        word = _word(key)
        if key in {"ctrl+p", "ctrl+c"}:
            yield f"{word} is not free: the list of commands, and ending the program"
        if key in {"tab", "shift+tab"}:
            yield f"{word} is not free: it goes to the next pane"
        if command.where in WITH_LISTS and key in LIST:
            yield f"{word} is not free: it moves in lists"
        if command.where == "request" and key in {*LIST[:4], "enter", "i", "space"}:
            yield f"{word} is not free: it scrolls or closes the call"
        writes = command.action == "new_line" and key == "enter"
        if command.where == "chat" and not writes and _is_writing(key):
            yield f"{word} writes the prompt; take a function key, or one with ctrl"
    for other in COMMANDS:
        near = command.where == other.where or "everywhere" in (command.where, other.where)
        if other is command or not near or _share(command, other):
            continue
        for key in keys_of(command, chosen):
            if key in keys_of(other, chosen):
                yield f"{_word(key)} is the key of {other.id} already: {other.help}"


def _is_writing(key: str) -> bool:
    return len(key) == 1 or key in SIGNS or key in WRITING


def _share(one: Command, other: Command) -> bool:
    """Return True if they share a key from the start, and what can be done tells them apart."""
    return not set(one.keys.split(",")).isdisjoint(other.keys.split(","))
