"""A change that the user asks for, in words."""

from typing import Any

from dmr_tui.state.plan import (
    ConfigurePlan,
    LoadPlan,
    Plan,
    RemovePlan,
    TagPlan,
    UnloadPlan,
    UntagPlan,
)


def title_of(plan: Plan) -> str:
    """The change in two or three words."""
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
    """Each request to the runner that carries it out."""
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
    """Each part of the configuration that a load changes."""
    parts = []
    if plan.context is not None:
        parts.append(f"context {plan.context:,}")
    if plan.cache_type is not None:
        parts.append(f"KV cache {plan.cache_type}")
    if plan.slots is not None:
        parts.append(f"{plan.slots} slot{'' if plan.slots == 1 else 's'}")
    return parts


def differences(plan: ConfigurePlan) -> list[str]:
    """Each key that changes, with its value now and then."""
    parts = []
    for key in sorted(plan.before.keys() | plan.config.keys()):
        was, will = plan.before.get(key), plan.config.get(key)
        if was != will:
            parts.append(f"{key} {_value(was)} → {_value(will)}")
    return parts


def _value(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, list | tuple):
        return " ".join(str(each) for each in value) or "none"
    return str(value)
