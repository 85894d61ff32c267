"""What a person can choose: flags before environment before TOML file before default."""

from dmr_tui.settings.load import config_path, data_path, load
from dmr_tui.settings.schema import SETTABLE, THEMES, VARIABLES, BadSettings, Settings, flag_of

__all__ = [
    "SETTABLE",
    "THEMES",
    "VARIABLES",
    "BadSettings",
    "Settings",
    "config_path",
    "data_path",
    "flag_of",
    "load",
]
