"""What each setting may be; a mistake says what is allowed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dmr_tui.measure import thresholds
from dmr_tui.measure.thresholds import Levels
from dmr_tui.settings.schema import MEMORY_UNITS, TEMPERATURE_UNITS, THEMES, BadSettings
from dmr_tui.text.sanitize import plain
from dmr_tui.text.suggest import did_you_mean


def checked(name: str, value: Any, where: str) -> Any:
    """The value as it is used. Raises BadSettings, which names the place `where` it stands."""
    try:
        return _CHECKS[name](value)
    except (TypeError, ValueError) as error:
        shown = plain(str(value))
        raise BadSettings(f"{where}: {name} = {shown!r}: {error}") from None


def entry(table: str, name: str, value: Any, where: str) -> Any:
    """One entry of a table, as it is used. Raises BadSettings."""
    try:
        return _keys(value) if table == "keys" else _levels(name, value)
    except (TypeError, ValueError) as error:
        shown = plain(str(value))
        raise BadSettings(f"{where}: {plain(name)} = {shown!r}: {error}") from None


def _text(kind: str) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            raise ValueError(f"{kind} in quotes")
        return value or None

    return check


def _number(lowest: float, highest: float, allowed: str, more: str = "") -> Callable[[Any], float]:
    def check(value: Any) -> float:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(allowed) from None
        if isinstance(value, bool) or not lowest <= number <= highest:
            raise ValueError(allowed + more)
        return number

    return check


def _one_of(choices: Sequence[str]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return str(value)

    return check


def _switch(value: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError("true or false")


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


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "host": _text("an address"),
    "context": _text("the name of a context"),
    "tls": _switch,
    "tls_skip_verify": _switch,
    "tls_ca_cert": _text("the path of a file"),
    "interval": _number(
        0.25,
        60.0,
        "a number of seconds from 0.25 to 60",
        "; faster polling would disturb what it watches",
    ),
    "read_only": _switch,
    "theme": _one_of(THEMES),
    "memory_unit": _one_of(MEMORY_UNITS),
    "temperature_unit": _one_of(TEMPERATURE_UNITS),
    "archive": _switch,
    "archive_file": _text("the path of a file"),
    "archive_days": _number(0.01, 36_500.0, "a number of days from 0.01 to 36500"),
    "archive_mb": _number(1.0, 1e9, "a number of megabytes, 1 or more"),
    "archive_bodies": _switch,
}
