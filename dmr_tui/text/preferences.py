"""The user's choices about how things are shown and judged, handed down as one value."""

from dataclasses import dataclass

from dmr_tui.measure.thresholds import DEFAULTS, Thresholds
from dmr_tui.text.format import DEFAULT_UNITS, Units


@dataclass(frozen=True, slots=True)
class Preferences:
    """Units and thresholds."""

    units: Units = DEFAULT_UNITS
    thresholds: Thresholds = DEFAULTS


DEFAULT_PREFERENCES = Preferences()
