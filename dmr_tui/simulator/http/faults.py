"""The faults that can be made to happen on the way to a client, and how often."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "refuse",
    "hang",
    "slow",
    "status",
    "html",
    "garbage",
    "wrong types",
    "half",
    "reset",
    "huge",
]
"""
refuse       the connection is closed as soon as it is accepted
hang         no answer ever comes
slow         the headers come after `seconds`
status       `status` with `text`
html         200 with a page, as a captive portal or the wrong server answers
garbage      200 with text that is no JSON
wrong types  the right answer with numbers for texts and texts for numbers
half         the right answer is promised in full, and ends in the middle
reset        the connection is reset after `after` bytes of the body
huge         200 with a list of records of 10 MB
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong for requests whose path begins with `path`."""

    kind: Kind
    path: str = "/"
    count: int | None = None
    """The requests that it hits; None for all."""
    probability: float = 1.0
    seconds: float = 2.0
    after: int = 200
    status: int = 503
    text: str = "service unavailable"


class Faults:
    """The faults that are in force; may be changed from any thread while requests come."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._rng = random.Random(seed)
        self._left: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Put `fault` in force; of several that fit a request, the one added first hits it."""
        with self._lock:
            self._left.append((fault, fault.count))

    def clear(self) -> None:
        """Take every fault out of force."""
        with self._lock:
            self._left.clear()

    def strike(self, path: str) -> Fault | None:
        """The fault that hits a request for `path`; it counts as used."""
        return self._draw(lambda fault: fault.kind != "refuse" and path.startswith(fault.path))

    def refuses(self) -> bool:
        """Tell if a connection is closed on arrival; the fault counts as used."""
        return self._draw(lambda fault: fault.kind == "refuse") is not None

    def _draw(self, fits: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for place, (fault, left) in enumerate(self._left):
                if not fits(fault) or self._rng.random() >= fault.probability:
                    continue
                if left is not None:
                    self._left[place] = (fault, left - 1)
                    if left == 1:
                        del self._left[place]
                return fault
        return None
