"""Filters of events and log lines: by words, by level, and by model."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from dmr_tui.ui.timeline.model_names import ModelNames

Level = Literal["all", "warnings and errors", "errors"]
LEVELS: tuple[Level, ...] = ("all", "warnings and errors", "errors")


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Conditions on a row; every one that is set has to hold."""

    words: tuple[str, ...] = ()
    """In lower case; each has to be in the row."""
    level: Level = "all"
    model: str = ""
    """Key of a model, as `ModelNames` makes it."""

    def matches(self, row: Any, names: ModelNames) -> bool:
        """Return True if the row meets all conditions."""
        raise NotImplementedError

    def spoken(self, name: str) -> Iterator[str]:
        """Yield the conditions in words; `name` is that of the model."""
        if self.level != "all":
            yield self.level
        yield from self.others()
        if self.model:
            yield f"only {name}"
        if self.words:
            yield f"with {' '.join(self.words)}"

    def others(self) -> Iterator[str]:
        """Yield the conditions that only one kind of row has, in words."""
        return iter(())
