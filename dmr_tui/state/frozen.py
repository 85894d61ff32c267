"""JSON that cannot be changed: mappings for objects, tuples for arrays."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any


def frozen(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a copy of a JSON object that nothing can change, at any depth."""
    return MappingProxyType({key: _frozen(value) for key, value in config.items()})


def thawed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a frozen JSON object that can be changed and encoded."""
    return {key: _thawed(value) for key, value in config.items()}


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return frozen(value)
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _thawed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return thawed(value)
    return list(map(_thawed, value)) if isinstance(value, list | tuple) else value
