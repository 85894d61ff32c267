"""Where and how much is archived."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """Where the archive is, and how much of it stays."""

    path: Path
    keep_days: float = 30.0
    keep_mb: float = 500.0
    bodies: bool = False
    """Whether prompts and answers are kept as well."""
