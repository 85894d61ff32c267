"""Place and limits of the archive."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """Place of the archive, and how much of it stays."""

    path: Path
    keep_days: float = 30.0
    keep_mb: float = 500.0
    bodies: bool = False
    """True to keep prompts and answers as well."""
