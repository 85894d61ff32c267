"""Footprints: memory that loads took, by model and launch config, kept across restarts."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from dmr_tui.measure.fit import LaunchConfig
from dmr_tui.monitor.private_file import UNREADABLE, file_words, write_privately
from dmr_tui.state.memory import Footprint

FILE = "loads.json"
KEPT = 400
"""Loads that are remembered; the oldest are forgotten."""

Key = tuple[str, str, int, str, str, int | None]


class Footprints:
    """The loads, in memory and (with a folder) in a small file that only its owner can read."""

    def __init__(self, folder: Path | None = None) -> None:
        self.problem = ""
        """Reason why they are not kept, in words; empty if they are."""
        self._path = None if folder is None else folder / FILE
        self._loads: dict[Key, Footprint] = {}

    def read(self) -> None:
        """Read the file; blocking. One that cannot be read is left alone and said so."""
        if self._path is None:
            return
        try:
            self._merge(msgspec.json.decode(self._path.read_bytes(), type=list[Footprint]))
        except FileNotFoundError:
            return
        except UNREADABLE as error:
            self.problem = f"{self._path} cannot be read: {file_words(error)}"

    def find(self, digest: str, launch: LaunchConfig, kind: str) -> Footprint | None:
        """The load of that model with that context, cache type and share of the GPU."""
        return self._loads.get(_key_of(digest, launch, kind))

    def put(self, footprint: Footprint) -> bool:
        """Remember a load; whether that is news."""
        key = _key(footprint)
        before = self._loads.get(key)
        if before is not None:
            # The engine's own words say more than what its process holds.
            says_more = before.weights is None and footprint.weights is not None
            if not says_more and abs(before.total - footprint.total) <= before.total // 50:
                return False
        self._loads[key] = footprint
        return True

    def write(self) -> None:
        """Write the file, with what another instance put there meanwhile; blocking."""
        if self._path is None or self.problem.startswith(str(self._path)):
            return
        mine = dict(self._loads)
        with suppress(*UNREADABLE):
            self._merge(msgspec.json.decode(self._path.read_bytes(), type=list[Footprint]))
        self._loads |= mine
        newest = sorted(self._loads.values(), key=lambda load: load.at)[-KEPT:]
        self._loads = {_key(load): load for load in newest}
        try:
            write_privately(self._path, msgspec.json.encode(newest))
            self.problem = ""
        except OSError as error:
            self.problem = f"what loads took cannot be kept: {file_words(error)}"

    def _merge(self, loads: Iterable[Footprint]) -> None:
        self._loads |= {_key(load): load for load in loads if load.total > 0}


def _key(footprint: Footprint) -> Key:
    return _key_of(footprint.digest, footprint.asked, footprint.kind)


def _key_of(digest: str, launch: LaunchConfig, kind: str) -> Key:
    # Without the number of slots: llama-server chooses it, and it hardly changes what is taken.
    types = (launch.key_type, launch.value_type)
    return (digest, kind, launch.context, *types, launch.gpu_layers)
