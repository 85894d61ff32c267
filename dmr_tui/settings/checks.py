"""The checks of settings; the error for a bad one says what is allowed."""

from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from dmr_tui.measure import thresholds
from dmr_tui.measure.thresholds import Levels
from dmr_tui.settings.errors import BadSettings
from dmr_tui.settings.schema import Settings
from dmr_tui.text.sanitize import plain
from dmr_tui.text.suggest import did_you_mean

_TYPES = get_type_hints(Settings, include_extras=True)
_WORDS = {"yes": True, "no": False}


def checked(name: str, value: Any, where: str) -> Any:
    """Return the value as it is used. Raises BadSettings, which names its place `where`.

    Text from a variable or a flag is read as the number or the switch that it spells.
    """
    kind = _TYPES[name]
    spelled = _WORDS.get(value.lower(), value) if isinstance(value, str) else value
    try:
        found = msgspec.convert(spelled, kind, strict=not isinstance(spelled, str))
    except msgspec.ValidationError:
        raise BadSettings(f"{where}: {name} = {plain(str(value))!r}: {_allowed(kind)}") from None
    # An empty text means the default.
    return None if found == "" else found


def _allowed(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    (meta,) = kind.__metadata__
    return str(meta.description)


def entry(table: str, name: str, value: Any, where: str) -> Any:
    """Return one entry of a table as it is used. Raises BadSettings."""
    try:
        return _keys(value) if table == "keys" else _levels(name, value)
    except (TypeError, ValueError) as error:
        shown = plain(str(value))
        raise BadSettings(f"{where}: {plain(name)} = {shown!r}: {error}") from None


def _keys(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError('keys in quotes, several with commas between: "s" or "s,f7"')
    return ",".join(key.strip() for key in value.split(","))


def _levels(name: str, value: Any) -> Levels:
    if name not in thresholds.KNOWN:
        names = tuple(thresholds.KNOWN)
        close = did_you_mean(name, names) or f"; there are {', '.join(names)}"
        raise ValueError(f"no threshold is called so{close}")
    if isinstance(value, str):
        numbers: Sequence[Any] = value.split(",")
    else:
        numbers = value if isinstance(value, list) else [value]
    try:
        found = tuple(float(each) for each in numbers)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(thresholds.allowed(name)) from None
    if any(isinstance(each, bool) for each in numbers):
        raise ValueError(thresholds.allowed(name))
    return thresholds.checked(name, found)
