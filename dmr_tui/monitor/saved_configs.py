"""The stored configurations as they are, those that were lost, and the file that keeps both."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import msgspec

from dmr_tui.monitor.private_file import UNREADABLE, file_words, write_privately
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.runner.wire import StoredConfig
from dmr_tui.state.frozen import frozen, thawed
from dmr_tui.state.lost_config import LostConfig
from dmr_tui.state.source_state import SourceState

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


class SavedConfigs:
    """The whole configurations as they were last seen, and what of them was lost."""

    def __init__(self, kept: SavedConfigFile | None = None) -> None:
        """`kept` remembers them while nothing here runs."""
        self._kept = kept
        self._begun = kept is None
        self._seen: dict[tuple[str, str], dict[str, Any]] = {}
        self._lost: dict[tuple[str, str], LostConfig] = {}
        self._installed: set[str] | None = None

    @property
    def lost(self) -> tuple[LostConfig, ...]:
        """The configurations that were lost, by digest."""
        return tuple(self._lost[key] for key in sorted(self._lost))

    @property
    def states(self) -> tuple[SourceState, ...]:
        """The state of remembering, if there is anything to say about it."""
        if self._kept is None or not self._kept.problem:
            return ()
        return (SourceState("remembered configurations", "stale", self._kept.problem),)

    async def take_in(self, stored: Iterable[StoredConfig]) -> None:
        """As `see`, beside what was remembered, and remember it."""
        found = tuple(stored)
        if self._kept is not None and not self._begun:
            before = await anyio.to_thread.run_sync(self._kept.read)
            there = {(each.model_id, each.mode) for each in found}
            # Another configuration by now was a choice.
            remembered = {
                (each.digest, each.mode): each.config
                for each in before
                if (each.digest, each.mode) not in there
            }
            # What was set here meanwhile wins over what was remembered.
            self._seen = remembered | self._seen
            self._begun = True
        self.see(found)
        await self._keep()

    async def forget(self, alert: str) -> None:
        """Drop what the warning `alert` is about: not even the next start knows of it."""
        unwanted = [key for key, lost in self._lost.items() if lost.alert == alert]
        for key in unwanted:
            del self._lost[key]
        if unwanted:
            await self._keep()

    async def _keep(self) -> None:
        if self._kept is not None:
            known = {**self._seen, **{key: thawed(lost.config) for key, lost in self._lost.items()}}
            await anyio.to_thread.run_sync(self._kept.write, known)

    def see(self, stored: Iterable[StoredConfig]) -> None:
        """Take in what is stored now."""
        now = {(each.model_id, each.mode): each.config for each in stored}
        for key, before in self._seen.items():
            after = now.get(key)
            # Another context was a choice; one that is gone was none.
            if before and (after is None or before.keys() - after.keys()):
                self._lost[key] = LostConfig(*key, frozen(before), restarted=not now)
        for key, lost in list(self._lost.items()):
            there = frozen(now.get(key, {}))
            if key in now and there == lost.config:
                del self._lost[key]
            else:
                self._lost[key] = replace(lost, now=there)
        self._seen = now
        self._drop_removed()

    @contextmanager
    def meant(self, digest: str, mode: str, config: dict[str, Any]) -> Iterator[None]:
        """Take `config` as chosen while the block sets it, whatever it lacks; not if it fails.

        From its beginning on, since a look at what is stored may come before its end.
        """
        key = digest, mode
        seen, lost = self._seen.get(key), self._lost.pop(key, None)
        self._seen[key] = config
        try:
            yield
        except BaseException:
            self._seen.pop(key, None)
            if seen is not None:
                self._seen[key] = seen
            if lost is not None:
                self._lost[key] = lost
            raise

    def removed(self, digests: Iterable[str]) -> None:
        """Only these are installed: forget what was lost of any other."""
        self._installed = set(digests)
        self._drop_removed()

    def _drop_removed(self) -> None:
        there = self._installed
        if there is not None:
            self._lost = {key: lost for key, lost in self._lost.items() if key[0] in there}
