"""A configuration that the runner had and lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class LostConfig:
    """A model's configuration that is gone although it was not changed here."""

    digest: str
    mode: str
    config: Mapping[str, Any] = field(hash=False)
    """All of it, as it was."""
    now: Mapping[str, Any] = field(hash=False, default_factory=lambda: MappingProxyType({}))
    """The configuration stored in its place."""
    restarted: bool = False
    """True if the runner forgot everything, as it does when it is restarted."""

    @property
    def alert(self) -> str:
        """The key of the warning about it."""
        return f"lost {self.digest} {self.mode}"
