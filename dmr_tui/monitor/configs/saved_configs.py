"""The stored configurations as they are, and those that were lost."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import anyio
import anyio.to_thread

from dmr_tui.monitor.configs.config_file import SavedConfigFile
from dmr_tui.runner.wire import StoredConfig
from dmr_tui.state.frozen import frozen, thawed
from dmr_tui.state.lost_config import LostConfig
from dmr_tui.state.source_state import SourceState


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
