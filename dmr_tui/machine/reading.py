"""A measured value, or the reason why there is none."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T", covariant=True)


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """A value, or None with the reason in words that the user can act on."""

    value: T | None
    reason: str = ""
