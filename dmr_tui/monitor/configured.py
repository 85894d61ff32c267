"""The stored configurations as they are, and those that were lost."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dmr_tui.runner.errors import RunnerError
from dmr_tui.runner.explain import Explanation, explain
from dmr_tui.runner.wire import StoredConfig

if TYPE_CHECKING:
    from dmr_tui.monitor.poller import Poller


@dataclass(frozen=True, slots=True)
class LostConfig:
    """What a model was configured to, and is no more although nobody here changed it."""

    digest: str
    mode: str
    config: dict[str, Any] = field(hash=False)
    """All of it, as it was."""
    now: dict[str, Any] = field(hash=False, default_factory=dict)
    """What is stored in its place."""
    restarted: bool = False
    """Whether the runner forgot everything, as it does when it is restarted."""


class Configurations:
    """The whole configurations as they were last seen, and what of them was lost."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], dict[str, Any]] = {}
        self._lost: dict[tuple[str, str], LostConfig] = {}

    @property
    def lost(self) -> tuple[LostConfig, ...]:
        """What was lost, by digest."""
        return tuple(self._lost[key] for key in sorted(self._lost))

    def see(self, stored: Iterable[StoredConfig]) -> None:
        """Take in what is stored now."""
        now = {(each.model_id, each.mode): each.config for each in stored}
        for key, before in self._seen.items():
            after = now.get(key)
            # A context that is another one was chosen by somebody; one that is gone by nobody.
            if after is None or before.keys() - after.keys():
                self._lost[key] = LostConfig(*key, before, restarted=not now)
        for key, lost in list(self._lost.items()):
            if now.get(key) == lost.config:
                del self._lost[key]
            else:
                self._lost[key] = replace(lost, now=now.get(key, {}))
        self._seen = now

    def meant(self, digest: str, mode: str, config: dict[str, Any]) -> None:
        """A person here has set this, whatever it lacks."""
        self._seen[digest, mode] = config
        self._lost.pop((digest, mode), None)

    def removed(self, digests: Iterable[str]) -> None:
        """Forget those whose model is no more installed."""
        there = set(digests)
        self._lost = {key: lost for key, lost in self._lost.items() if key[0] in there}


@dataclass(frozen=True, slots=True)
class StoredOrNot:
    """A configuration as it is stored, or why it could not be read."""

    config: dict[str, Any] = field(default_factory=dict)
    """Every key, unknown ones too; empty if none is stored."""
    failure: Explanation | None = None


async def tell_stored(
    poller: "Poller", digest: str, mode: str, publish: Callable[[StoredOrNot], None]
) -> None:
    """Read the configuration of a model."""
    client = poller.client
    if client is None:
        publish(StoredOrNot(failure=Explanation("No runner answers")))
        return
    try:
        publish(StoredOrNot(await client.stored_config(digest, mode)))
    except RunnerError as error:
        publish(StoredOrNot(failure=explain(error)))
