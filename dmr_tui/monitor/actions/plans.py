"""Changes that the user asks for: the calls of each, and the configuration that it makes."""

from collections.abc import Collection, Sequence
from typing import Any

from dmr_tui.monitor.memory.engine_flags import UNIFIED, flags_of
from dmr_tui.state.plan import LoadPlan, Plan, RemovePlan, StepState, UnloadPlan

WAITING: StepState = "waiting"


def waiting_steps(plan: Plan) -> tuple[StepState, ...]:
    """Each call to the runner that carries the plan out; text/plans.py words them."""
    number = 1
    if isinstance(plan, UnloadPlan):
        number = len(plan.models)
    elif isinstance(plan, LoadPlan):
        number = len(plan.unload) + plan.configures + 1
    elif isinstance(plan, RemovePlan):
        number = plan.loaded + 1
    return (WAITING,) * number


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
