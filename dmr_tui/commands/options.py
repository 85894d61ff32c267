"""The options that every command takes, and the settings that they and the files make."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dmr_tui.settings.errors import BadSettings
from dmr_tui.settings.load import config_path, load
from dmr_tui.settings.schema import Settings

_REPEATED = {"key": "keys", "threshold": "thresholds"}
"""Options that may be given several times, and the setting they are about."""


class Given:
    """The options that every command takes, before or after its name; the later ones win."""

    def __init__(self) -> None:
        self._flags: dict[str, Any] = {}

    def take(self, options: Mapping[str, Any]) -> None:
        """Add what was given."""
        for name, value in options.items():
            if name in _REPEATED:
                self._flags.setdefault(_REPEATED[name], []).extend(value or ())
            elif value is not None:
                self._flags[name] = value

    @property
    def first(self) -> str | None:
        """The first of the options that were given."""
        return next((name for name, value in self._flags.items() if value), None)

    @property
    def demo(self) -> bool:
        """True if a simulated runner is wanted."""
        return bool(self._flags.get("demo"))

    @property
    def file(self) -> Path:
        """The settings file, whether or not it is there."""
        path = self._flags.get("config")
        return config_path() if path is None else Path(path)

    def settings(self) -> Settings:
        """The settings in force. Raises BadSettings."""
        flags = {k: v for k, v in self._flags.items() if k not in {"demo", "config"}}
        for name in ("host", "context"):
            if self.demo and flags.get(name) is not None:
                raise BadSettings(f"--demo and --{name}: the demo watches a runner of its own")
        settings = load(flags, path=self.file if "config" in self._flags else None)
        if settings.keys:
            # Only the dashboard needs them, but what is wrong is said by every command.
            from dmr_tui.ui.commands.keymap import keymap

            keymap(settings)
        return settings
