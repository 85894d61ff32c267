"""Attributes of an object as JSON, picked by name: what is not named stays private."""

from operator import attrgetter
from typing import Any

from dmr_tui.machine.reading import Reading


def picked(thing: object, names: str) -> dict[str, Any]:
    """Return the attributes `names`, in that order; a Reading with its reason.

    "key=attribute" is an attribute under another key, "name?" a text that is null if it is empty.
    """
    found = {}
    for word in names.split():
        key, _, attribute = word.rstrip("?").partition("=")
        value = attrgetter(attribute or key)(thing)
        if isinstance(value, Reading):
            value = reading_json(value)
        found[key] = None if word.endswith("?") and value == "" else value
    return found


def reading_json(reading: Reading[Any]) -> dict[str, Any]:
    """Return the value, or null with the reason."""
    return {"value": reading.value, "reason": reading.reason or None}
