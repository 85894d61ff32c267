"""Answers to the questions of a screen that no Snapshot answers."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct

from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import MemoryPool
from dmr_tui.runner.errors.explain import Explanation
from dmr_tui.state.memory import Fit
from dmr_tui.state.model_row import ModelRow

Holder = Literal["none", "itself", "another"]
NOT_READ: Reading[MemoryPool] = Reading(None, "the machine was not read yet")


class Bodies(Struct, frozen=True):
    """Prompt and answer of one request, read only when the user opens it."""

    id: str
    prompt: tuple[tuple[str, str], ...] = ()
    """Role and text of each message, or a name and the JSON of what is no chat."""
    answer: str = ""
    reasoning: str = ""
    source: Literal["runner", "archive", ""] = ""
    failure: Explanation | None = None
    """The reason why there is none."""


class StoredConfigResult(Struct, frozen=True):
    """A configuration as it is stored, or why it could not be read."""

    config: dict[str, Any] = {}
    """Every key, unknown ones too; empty if none is stored."""
    failure: Explanation | None = None


class RemoteModel(Struct, frozen=True):
    """One model that could be pulled."""

    name: str
    """As the user wrote it."""
    row: ModelRow | None = None
    """None if it was not found; then `failure` says why."""
    installed: bool = False
    """True if the very same model is on the disk already."""
    holder: Holder = "none"
    """The installed model with this name: "another" one would lose it to the new one."""
    fit: Fit | None = None
    """The verdict on it; None if it cannot be judged."""
    pool: Reading[MemoryPool] = NOT_READ
    """The memory into which it would be loaded."""
    names: Mapping[str, str] = MappingProxyType({})
    """The names of the installed models by key, to name those that could make room for it."""
    failure: Explanation | None = None

    @property
    def never_fits(self) -> bool:
        """True if it is too big for this computer even with the shortest context."""
        return self.fit is not None and self.fit.verdict == "too big" and self.fit.alone is None
