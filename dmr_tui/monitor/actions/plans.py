"""What a person asks to be done to the runner, and the words for it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from dmr_tui.monitor.memory.engine_flags import UNIFIED, flags_of


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Load a model, after unloading others and with another configuration where that is asked."""

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
        """Whether the stored configuration is to be replaced."""
        return any(each is not None for each in (self.context, self.cache_type, self.slots))


@dataclass(frozen=True, slots=True)
class UnloadPlan:
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
    config: dict[str, Any] = field(hash=False)
    """All of it, unknown keys too."""
    before: dict[str, Any] = field(hash=False, default_factory=dict)
    """What it was when the person decided."""
    again: bool = False
    """Whether it is one that was lost, to be set once more."""


@dataclass(frozen=True, slots=True)
class RemovePlan:
    """Delete a model from the disk, with all its names."""

    name: str
    ref: str
    digest: str
    loaded: bool = False
    """Whether it is to be unloaded first."""
    names: tuple[str, ...] = ()
    size: str = ""
    """What it takes on disk, as the runner prints it."""


@dataclass(frozen=True, slots=True)
class UntagPlan:
    """Take one of its names from a model, which stays under the others."""

    name: str
    ref: str
    """The name that goes, as the runner knows it."""
    digest: str
    others: tuple[str, ...]
    """The names that stay."""


@dataclass(frozen=True, slots=True)
class TagPlan:
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


def title_of(plan: Plan) -> str:
    """What it is, in two or three words."""
    match plan:
        case LoadPlan():
            return f"Load {plan.name}"
        case UnloadPlan():
            return "Unload all models" if plan.others else f"Unload {plan.name}"
        case ConfigurePlan():
            return f"{'Configure again' if plan.again else 'Configure'} {plan.name}"
        case RemovePlan():
            return f"Remove {plan.name}"
        case TagPlan():
            return f"Tag {plan.name}"
        case UntagPlan():
            return f"Take a name from {plan.name}"


def steps_of(plan: Plan) -> list[str]:
    """What is going to be done, in words."""
    match plan:
        case UnloadPlan():
            return [f"unload {name}" for _, name in plan.models]
        case LoadPlan():
            texts = [f"unload {name}" for _, name in plan.unload]
            if plan.configures:
                texts.append(f"configure {plan.name}: {', '.join(changes(plan))}")
            return [*texts, f"load {plan.name}"]
        case ConfigurePlan():
            return [f"configure {plan.name}: {', '.join(differences(plan)) or 'as it is'}"]
        case RemovePlan():
            first = [f"unload {plan.name}"] if plan.loaded else []
            return [*first, f"delete {plan.name}"]
        case TagPlan():
            return [f"call {plan.name} {plan.target} as well"]
        case UntagPlan():
            return [f"take away the name {plan.ref}"]


def changes(plan: LoadPlan) -> list[str]:
    """What of the configuration changes, in words."""
    told = []
    if plan.context is not None:
        told.append(f"context {plan.context:,}")
    if plan.cache_type is not None:
        told.append(f"KV cache {plan.cache_type}")
    if plan.slots is not None:
        told.append(f"{plan.slots} slot{'' if plan.slots == 1 else 's'}")
    return told


def differences(plan: ConfigurePlan) -> list[str]:
    """Each key that changes, with its value now and then."""
    told = []
    for key in sorted(plan.before.keys() | plan.config.keys()):
        was, will = plan.before.get(key), plan.config.get(key)
        if was != will:
            told.append(f"{key} {_value(was)} → {_value(will)}")
    return told


def _value(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, list):
        return " ".join(str(each) for each in value) or "none"
    return str(value)


def merged(stored: dict[str, Any], plan: LoadPlan) -> dict[str, Any]:
    """`stored` with what the plan changes, everything else as it was."""
    config = dict(stored)
    flags = [str(flag) for flag in config.get("runtime-flags") or []]
    if plan.context is not None:
        config["context-size"] = plan.context
        # A flag of its own would win over the size.
        flags = _without(flags, flags_of("context"))
    if plan.cache_type is not None:
        flags = _without(flags, flags_of("key_type", "value_type"))
        if plan.cache_type != "f16":
            flags += ["--cache-type-k", plan.cache_type, "--cache-type-v", plan.cache_type]
    if plan.slots is not None:
        # Each slot gets its own part, as the question says.
        flags = [flag for flag in flags if flag not in UNIFIED]
        flags = [*_without(flags, flags_of("slots")), "--parallel", str(plan.slots)]
    if flags:
        config["runtime-flags"] = flags
    else:
        config.pop("runtime-flags", None)
    return config


def _without(flags: Sequence[str], names: Collection[str]) -> list[str]:
    kept: list[str] = []
    skip = False
    for flag in flags:
        if skip:
            skip = False
        elif flag in names:
            skip = True
        elif flag.partition("=")[0] not in names:
            kept.append(flag)
    return kept
