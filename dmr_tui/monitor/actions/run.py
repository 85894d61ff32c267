"""A change that the user asked for, step by step; the next Snapshot shows the truth."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Any

import anyio

from dmr_tui.monitor.memory.engine_flags import UNIFIED, flags_of
from dmr_tui.monitor.model_rows import Installed
from dmr_tui.monitor.runner_monitor import RunnerMonitor
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.errors.explain import Explanation, explain
from dmr_tui.runner.errors.failures import ReadOnly, Rejected, RunnerError
from dmr_tui.runner.wire import Running
from dmr_tui.state.frozen import frozen, thawed
from dmr_tui.state.plan import (
    ConfigurePlan,
    LoadPlan,
    Plan,
    Progress,
    RemovePlan,
    StepState,
    TagPlan,
    UnloadPlan,
    UntagPlan,
)

Do = Callable[[], Awaitable[object]]
ON_ITS_OWN = "The runner itself goes on loading it, for a minute at the most."
"""It loads what was configured in the background, which cannot be called off."""


class ActionRun:
    """One plan under way; `run` and `stop` happen on one event loop."""

    def __init__(
        self,
        runner: RunnerMonitor,
        plan: Plan,
        publish: Callable[[Progress], None],
        kick: Callable[[], None],
    ) -> None:
        """`kick` is called after each step: the runner has changed."""
        self._runner = runner
        self._plan = plan
        self._publish = publish
        self._kick = kick
        self._scope = anyio.CancelScope()
        self._steps = waiting_steps(plan)

    def stop(self) -> None:
        """End it now; a load under way ends with its request."""
        self._scope.cancel()

    async def run(self) -> None:
        """Do every step, or up to the first that fails; nothing is tried twice."""
        failure = None
        with self._scope:
            try:
                await self._do()
            except RunnerError as error:
                failure = self._explained(error)
        stopped = self._scope.cancelled_caught
        note = ON_ITS_OWN if stopped and self._is_configured() else ""
        if failure is not None or stopped:
            self._mark_running("failed")
        self._publish(Progress(self._steps, True, failure, stopped, note))
        self._kick()

    async def _do(self) -> None:
        if self._runner.client.read_only:
            raise ReadOnly("read-only mode: nothing is sent that changes the runner")
        for number, do in enumerate(self._to_do()):
            self._mark(number, "running")
            await do()
            self._mark(number, "done")
            self._kick()

    def _to_do(self) -> list[Do]:
        plan, runner, client = self._plan, self._runner, self._runner.client
        match plan:
            case UnloadPlan():
                return [partial(_unload, runner, digest, name) for digest, name in plan.models]
            case ConfigurePlan():
                return [partial(_replace, runner, plan)]
            case TagPlan():
                return [partial(client.tag, plan.ref, plan.repository, plan.tag)]
            case RemovePlan():
                first = [partial(_unload, runner, plan.digest, plan.name)] if plan.loaded else []
                # By its digest, so that all names go.
                return [*first, partial(client.remove, plan.digest, force=True)]
            case UntagPlan():
                return [partial(_untag, client, plan)]
        to_do: list[Do] = [partial(_unload, runner, digest, name) for digest, name in plan.unload]
        if plan.configures:
            to_do.append(partial(_configure, runner, plan))
        embedding = plan.mode == "embedding"
        return [*to_do, partial(client.preload, plan.ref, embedding=embedding)]

    def _explained(self, error: RunnerError) -> Explanation:
        if isinstance(error, _InTheWay):
            return error.why
        return explain(error, self._plan.name)

    def _is_configured(self) -> bool:
        """Return whether the runner has taken, or may have taken, a configuration."""
        plan = self._plan
        if isinstance(plan, ConfigurePlan):
            return self._steps[0] != "waiting"
        if not isinstance(plan, LoadPlan) or not plan.configures:
            return False
        return self._steps[len(plan.unload)] != "waiting"

    def _mark(self, number: int, state: StepState) -> None:
        steps = list(self._steps)
        steps[number] = state
        self._steps = tuple(steps)
        self._publish(Progress(self._steps))

    def _mark_running(self, state: StepState) -> None:
        self._steps = tuple(state if step == "running" else step for step in self._steps)


class _InTheWay(RunnerError):
    def __init__(self, why: Explanation) -> None:
        super().__init__(why.what)
        self.why = why


async def _unload(runner: RunnerMonitor, digest: str, name: str) -> None:
    """Unload every mode of a model; one that is gone already is as good."""
    await runner.client.unload(digest)
    left = await _running(runner, digest)
    if any(run.loading for run in left):
        raise _InTheWay(_loading(name, "The runner cannot unload a model that it still loads."))
    if left:
        raise _InTheWay(_busy(runner, digest, f"{name} was not unloaded: it is busy"))


def _busy(runner: RunnerMonitor, digest: str, what: str) -> Explanation:
    """Explain who keeps the model from being unloaded or configured, as far as it is known."""
    requests = [each for each in runner.tracker.in_flight if each.digest == digest]
    callers = sorted({each.caller for each in requests if each.caller})
    by = f" It answers {', '.join(callers)} now." if callers else ""
    return Explanation(
        what,
        f"The runner changes a model only while it answers no call.{by}",
        "Try again when its calls have ended; the requests screen (2) shows them.",
        kind="busy",
    )


async def _configure(runner: RunnerMonitor, plan: LoadPlan) -> None:
    """Store the configuration with the changes: the runner replaces all of it."""
    running = await _running(runner, plan.digest)
    if any(run.loading and run.mode == plan.mode for run in running):
        # The runner would say yes, and finish that load as it was begun.
        raise _InTheWay(_loading(plan.name, "A load goes on with what was configured before it."))
    stored = await runner.client.stored_config(plan.digest, plan.mode)
    await _set(runner, plan, merged(stored, plan))


async def _replace(runner: RunnerMonitor, plan: ConfigurePlan) -> None:
    """Store the configuration that the user has seen, unless it changed meanwhile."""
    stored = await runner.client.stored_config(plan.digest, plan.mode)
    if frozen(stored) != frozen(plan.before):
        raise _InTheWay(
            Explanation(
                f"{plan.name} was not configured: somebody else has just configured it",
                "What is stored now is not what was shown.",
                "Open it again, and look at what is stored now.",
            )
        )
    await _set(runner, plan, thawed(plan.config))


async def _set(
    runner: RunnerMonitor, plan: LoadPlan | ConfigurePlan, config: dict[str, Any]
) -> None:
    try:
        with runner.configurations.meant(plan.digest, plan.mode, config):
            await runner.client.configure(plan.ref, plan.mode, config)
    except Rejected as error:
        if error.status != 409:
            raise
        what = f"{plan.name} was not configured: it is busy"
        raise _InTheWay(_busy(runner, plan.digest, what)) from error


async def _untag(client: RunnerClient, plan: UntagPlan) -> None:
    """Take a name away unless it is the last by now: with that the runner deletes the model."""
    installed = Installed(await client.models())
    row = installed.row(plan.ref)
    if row is None or row.key != plan.digest:
        raise _InTheWay(
            Explanation(
                f"{plan.name} has this name no more",
                "Somebody else has taken it away or given it to another model.",
                "Look at the list of models again.",
            )
        )
    if len(row.tags) < 2:
        raise _InTheWay(
            Explanation(
                f"{plan.name} has no other name by now",
                "With its last name the runner deletes a model from the disk.",
                "Remove the whole model if that is meant, or tag it first.",
            )
        )
    await client.remove(plan.ref)


async def _running(runner: RunnerMonitor, digest: str) -> list[Running]:
    return [
        run
        for run in await runner.client.ps()
        if runner.installed.names.digest(run.model_name) == digest
    ]


def _loading(name: str, cause: str) -> Explanation:
    return Explanation(f"{name} is just being loaded", cause, "Try again when it is loaded.")


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
