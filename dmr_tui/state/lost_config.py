"""A configuration that the runner had and has no more."""

from dataclasses import dataclass, field
from typing import Any

pass


@dataclass(frozen=True, slots=True)
class LostConfig:
    """What a model was configured to, and is no more although nobody here changed it."""

    digest: str
    mode: str
    config: dict[str, Any] = field(hash=False)
    """All of it, as it was."""
    now: dict[str, Any] = field(hash=False, default_factory=dict)
    """What is stored in its place."""
    restarted: bool = False
    """Whether the runner forgot everything, as it does when it is restarted."""

    @property
    def alert(self) -> str:
        """The key of the warning about it."""
        return f"lost {self.digest} {self.mode}"
