"""What a person can choose: flags before environment before TOML file before default."""

from dmr_tui.settings.choices import SETTABLE, THEMES, VARIABLES, BadSettings, Settings, flag_of
from dmr_tui.settings.load import config_path, data_path, load

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
