"""The changes and downloads that the user can order, and the progress of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct

from dmr_tui.runner.errors.explain import Explanation

StepState = Literal["waiting", "running", "done", "failed"]


class LoadPlan(Struct, frozen=True):
    """Load a model, after unloading others or with another configuration if there are any."""

    name: str
    ref: str
    """A name that the runner knows."""
    digest: str
    mode: str = "completion"
    unload: tuple[tuple[str, str], ...] = ()
    """Digest and name of the models to be unloaded first."""
    context: int | None = None
    """Tokens; None leaves context, cache type and slots as they are configured."""
    cache_type: str | None = None
    slots: int | None = None

    @property
    def configures(self) -> bool:
        """True if the stored configuration is to be replaced."""
        return any(each is not None for each in (self.context, self.cache_type, self.slots))


class UnloadPlan(Struct, frozen=True):
    """Unload models."""

    name: str
    digest: str
    others: tuple[tuple[str, str], ...] = ()
    """Digest and name of more models to be unloaded after it."""

    @property
    def models(self) -> tuple[tuple[str, str], ...]:
        """Digest and name of all of them."""
        return ((self.digest, self.name), *self.others)


@dataclass(frozen=True, slots=True)
class ConfigurePlan:
    """Replace the whole configuration of a model."""

    name: str
    ref: str
    digest: str
    mode: str
    config: Mapping[str, Any] = field(hash=False)
    """All of it, unknown keys too."""
    before: Mapping[str, Any] = field(hash=False, default_factory=lambda: MappingProxyType({}))
    """The configuration at the time of the decision."""
    again: bool = False
    """True if it restores one that was lost."""


class RemovePlan(Struct, frozen=True):
    """Delete a model from the disk, with all its names."""

    name: str
    ref: str
    digest: str
    loaded: bool = False
    """True if it is to be unloaded first."""
    names: tuple[str, ...] = ()
    size: str = ""
    """Its size on disk, as the runner prints it."""


class UntagPlan(Struct, frozen=True):
    """Remove one name of a model, which keeps the others."""

    name: str
    ref: str
    """The name that goes, as the runner knows it."""
    digest: str
    others: tuple[str, ...]
    """The names that stay."""


class TagPlan(Struct, frozen=True):
    """Give a model another name."""

    name: str
    ref: str
    repository: str
    tag: str

    @property
    def target(self) -> str:
        """The new name."""
        return f"{self.repository}:{self.tag}"


Plan = LoadPlan | UnloadPlan | ConfigurePlan | RemovePlan | TagPlan | UntagPlan


class Progress(Struct, frozen=True):
    """The steps of a plan, each with its state."""

    steps: tuple[StepState, ...]
    """One for each request to the runner, in the order of the plan."""
    ended: bool = False
    failure: Explanation | None = None
    stopped: bool = False
    note: str = ""
    """Something that goes on although it was stopped."""


PullState = Literal["waiting", "pulling", "done", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class Pull:
    """One download; bytes."""

    name: str
    """As the user wrote it."""
    state: PullState = "waiting"
    """`waiting` until the runner begins, as it pulls few models at a time."""
    done: int = 0
    total: int | None = None
    rate: float | None = None
    """Bytes per second over the last seconds; None until it is known."""
    resumed: int = 0
    """Bytes that an earlier try left."""
    message: str = ""
    """The runner's words beside its progress: a warning, or that nothing was to be done."""
    failure: Explanation | None = None
    updated_at: float = field(default=0.0, compare=False)
    """Time of the last line about it, by the loop's clock."""

    @property
    def left_s(self) -> float | None:
        """Seconds until it is there, at the rate of the last seconds."""
        if self.rate is None or self.total is None or self.rate <= 0.0:
            return None
        return max(0.0, (self.total - self.done) / self.rate)

    @property
    def share(self) -> float | None:
        """The part that is done, from 0 to 1."""
        return None if not self.total else min(1.0, self.done / self.total)

    @property
    def going(self) -> bool:
        """True while it is not over."""
        return self.state in {"waiting", "pulling"}
