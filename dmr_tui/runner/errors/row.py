"""A row of the table of errors."""

import re
from collections.abc import Collection
from typing import Literal

from msgspec import Struct

Kind = Literal[
    "context overflow",
    "out of memory",
    "model missing",
    "backend missing",
    "wrong kind of model",
    "bad request",
    "engine died",
    "engine too old",
    "loading",
    "refused",
    "unreachable",
    "timed out",
    "busy",
    "client left",
    "failed",
]
"""The kinds of error; `loading` and `client left` are no fault of the runner's."""


class Row(Struct, frozen=True):
    """One row; {model}, {name} and {said} stand for the model, its name in a command, the line."""

    pattern: str
    """Matched without regard to case."""
    kind: Kind
    what: str
    cause: str = ""
    step: str = ""
    statuses: Collection[int] = ()
    """The HTTP statuses that it is limited to, if any."""

    def matches(self, text: str, status: int) -> bool:
        """True if this row explains `text`; `status` is 0 for a text that came without one."""
        if self.statuses and status not in self.statuses:
            return False
        # Compiled when there is an error to explain: most days there is none.
        return re.search(self.pattern, text, re.IGNORECASE) is not None
