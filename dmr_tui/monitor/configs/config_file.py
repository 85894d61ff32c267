"""The configurations of models, remembered while neither runner nor dashboard runs."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from dmr_tui.monitor.private_file import UNREADABLE, file_words, write_privately
from dmr_tui.runner.endpoint import Endpoint

FILE = "configurations.json"
KEPT_S = 90 * 86400.0
"""Seconds after which a configuration that was not set again is forgotten."""


class SavedConfig(msgspec.Struct, frozen=True):
    """One configuration, with every key of it."""

    digest: str
    mode: str
    config: dict[str, Any]
    at: float
    """Time at which it was last seen stored, in seconds since 1970."""


def saved_config_file(folder: Path | None, endpoint: Endpoint) -> "SavedConfigFile | None":
    """Return the file about that runner; None if nothing is to be remembered."""
    return None if folder is None else SavedConfigFile(folder / FILE, endpoint.place)


class SavedConfigFile:
    """The configurations at one runner, in a small file about all of them."""

    def __init__(
        self, path: Path, place: tuple[str, str | None], clock: Callable[[], float] = time.time
    ) -> None:
        """`place`: URL and socket of the runner; DMR itself has no name for it."""
        self.problem = ""
        """The reason why they are not kept, in words; empty if they are."""
        self._path = path
        self._place = " ".join(filter(None, place))
        self._clock = clock

    def read(self) -> list[SavedConfig]:
        """Those of this runner that are not too old; blocking."""
        try:
            kept = self._all().get(self._place, [])
        except UNREADABLE as error:
            self.problem = f"{self._path} cannot be read: {file_words(error)}"
            return []
        return [each for each in kept if self._clock() - each.at < KEPT_S]

    def write(self, configs: Mapping[tuple[str, str], dict[str, Any]]) -> None:
        """Put these, by digest and mode, in the place of what was kept of this runner; blocking."""
        if self.problem.startswith(str(self._path)):
            # It was not written by this program, or is damaged: left as it is.
            return
        own = [SavedConfig(*key, config, self._clock()) for key, config in sorted(configs.items())]
        try:
            # Another dashboard may have written about another runner meanwhile.
            write_privately(self._path, msgspec.json.encode({**self._all(), self._place: own}))
            self.problem = ""
        except UNREADABLE as error:
            self.problem = f"configurations cannot be kept: {file_words(error)}"

    def _all(self) -> dict[str, list[SavedConfig]]:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return {}
        return msgspec.json.decode(content, type=dict[str, list[SavedConfig]])
