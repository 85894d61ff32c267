"""A measured value, or the reason why there is none."""

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T", covariant=True)


class Reading(Struct, Generic[T], frozen=True):
    """A value, or None with the reason in words that the user can act on."""

    value: T | None
    reason: str = ""
