"""A load or an unload that a person asked for, step by step; the next Snapshot shows the truth."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio

from dmr_tui.monitor.actions.plans import merged, steps_of
from dmr_tui.monitor.model_rows import Installed
from dmr_tui.runner.errors.explain import Explanation, explain
from dmr_tui.runner.errors.failures import ReadOnly, Rejected, RunnerError
from dmr_tui.runner.wire import Running
from dmr_tui.state.plan import (
    ConfigurePlan,
    LoadPlan,
    Plan,
    Progress,
    RemovePlan,
    Step,
    StepState,
    TagPlan,
    UnloadPlan,
    UntagPlan,
)

if TYPE_CHECKING:
    from dmr_tui.monitor.poller import Poller
    from dmr_tui.monitor.runner_monitor import RunnerMonitor

Call = Callable[[], Awaitable[None]]
ON_ITS_OWN = "The runner itself goes on loading it, for a minute at the most."
"""It loads what was configured in the background, which nobody can call off."""


class ActionRun:
    """One plan under way; `run` and `stop` happen on one event loop."""

    def __init__(self, plan: Plan, publish: Callable[[Progress], None]) -> None:
        self._plan = plan
        self._publish = publish
        self._scope: anyio.CancelScope | None = None
        self._stopped = False
        self._steps = tuple(Step(text) for text in steps_of(plan))

    def stop(self) -> None:
        """End it now; a load under way ends with its call."""
        self._stopped = True
        if self._scope is not None:
            self._scope.cancel()

    async def run(self, poller: "Poller") -> None:
        """Do every step, or up to the first that fails; nothing is tried twice."""
        failure = None
        with anyio.CancelScope() as self._scope:
            if self._stopped:
                self._scope.cancel()
            try:
                await self._do(poller)
            except RunnerError as error:
                failure = self._explained(error)
        stopped = self._scope.cancelled_caught
        note = ON_ITS_OWN if stopped and self._is_configured() else ""
        if failure is not None or stopped:
            self._mark_running("failed")
        self._publish(Progress(self._steps, True, failure, stopped, note))
        poller.kick()

    async def _do(self, poller: "Poller") -> None:
        watch = poller.watch
        if watch is None:
            raise RunnerError("no runner answers")
        if watch.client.read_only:
            raise ReadOnly("read-only mode: nothing is sent that changes the runner")
        for number, call in enumerate(self._calls(watch)):
            self._mark(number, "running")
            await call()
            self._mark(number, "done")
            poller.kick()

    def _calls(self, watch: "RunnerMonitor") -> list[Call]:
        plan, client = self._plan, watch.client
        match plan:
            case UnloadPlan():
                return [partial(_unload, watch, digest, name) for digest, name in plan.models]
            case ConfigurePlan():
                return [partial(_replace, watch, plan)]
            case TagPlan():
                return [partial(client.tag, plan.ref, plan.repository, plan.tag)]
            case RemovePlan():
                first = [partial(_unload, watch, plan.digest, plan.name)] if plan.loaded else []
                return [*first, partial(_remove, watch, plan)]
            case UntagPlan():
                return [partial(_untag, watch, plan)]
        calls: list[Call] = [partial(_unload, watch, digest, name) for digest, name in plan.unload]
        if plan.configures:
            calls.append(partial(_configure, watch, plan))
        embedding = plan.mode == "embedding"
        return [*calls, partial(client.preload, plan.ref, embedding=embedding)]

    def _explained(self, error: RunnerError) -> Explanation:
        if isinstance(error, _InTheWay):
            return error.why
        return explain(error, self._plan.name)

    def _is_configured(self) -> bool:
        """Whether the runner has taken, or may have taken, a configuration."""
        plan = self._plan
        if isinstance(plan, ConfigurePlan):
            return self._steps[0].state != "waiting"
        if not isinstance(plan, LoadPlan) or not plan.configures:
            return False
        return self._steps[len(plan.unload)].state != "waiting"

    def _mark(self, number: int, state: StepState) -> None:
        steps = list(self._steps)
        steps[number] = replace(steps[number], state=state)
        self._steps = tuple(steps)
        self._publish(Progress(self._steps))

    def _mark_running(self, state: StepState) -> None:
        self._steps = tuple(
            replace(step, state=state) if step.state == "running" else step for step in self._steps
        )


class _InTheWay(RunnerError):
    def __init__(self, why: Explanation) -> None:
        super().__init__(why.what)
        self.why = why


async def _unload(watch: "RunnerMonitor", digest: str, name: str) -> None:
    """Unload every mode of a model; one that is gone already is as good."""
    await watch.client.unload(digest)
    left = await _running(watch, digest)
    if any(run.loading for run in left):
        raise _InTheWay(_loading(name, "The runner cannot unload a model that it still loads."))
    if left:
        raise _InTheWay(_busy(watch, digest, f"{name} was not unloaded: it is busy"))


def _busy(watch: "RunnerMonitor", digest: str, what: str) -> Explanation:
    """Who keeps the model from being unloaded or configured, as far as it is known."""
    calls = [call for call in watch.tracker.in_flight if call.digest == digest]
    callers = sorted({call.caller for call in calls if call.caller})
    by = f" It answers {', '.join(callers)} now." if callers else ""
    return Explanation(
        what,
        f"The runner changes a model only while it answers no call.{by}",
        "Try again when its calls have ended; the requests screen (2) shows them.",
        kind="busy",
    )


async def _configure(watch: "RunnerMonitor", plan: LoadPlan) -> None:
    """The stored configuration with the changes: the runner replaces all of it."""
    running = await _running(watch, plan.digest)
    if any(run.loading and run.mode == plan.mode for run in running):
        # The runner would say yes, and finish that load as it was begun.
        raise _InTheWay(_loading(plan.name, "A load goes on with what was configured before it."))
    stored = await watch.client.stored_config(plan.digest, plan.mode)
    await _set(watch, plan, merged(stored, plan))


async def _replace(watch: "RunnerMonitor", plan: ConfigurePlan) -> None:
    """The configuration that a person has seen; one that changed meanwhile is not overwritten."""
    stored = await watch.client.stored_config(plan.digest, plan.mode)
    if stored != plan.before:
        raise _InTheWay(
            Explanation(
                f"{plan.name} was not configured: somebody else has just configured it",
                "What is stored now is not what was shown.",
                "Open it again, and look at what is stored now.",
            )
        )
    await _set(watch, plan, plan.config)


async def _set(
    watch: "RunnerMonitor", plan: LoadPlan | ConfigurePlan, config: dict[str, Any]
) -> None:
    try:
        with watch.configurations.meant(plan.digest, plan.mode, config):
            await watch.client.configure(plan.ref, plan.mode, config)
    except Rejected as error:
        if error.status != 409:
            raise
        what = f"{plan.name} was not configured: it is busy"
        raise _InTheWay(_busy(watch, plan.digest, what)) from error


async def _remove(watch: "RunnerMonitor", plan: RemovePlan) -> None:
    """By its digest, so that all names go."""
    await watch.client.remove(plan.digest, force=True)


async def _untag(watch: "RunnerMonitor", plan: UntagPlan) -> None:
    """With its last name the runner would delete the model: somebody may have taken the others."""
    installed = Installed(await watch.client.models())
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
    await watch.client.remove(plan.ref)


async def _running(watch: "RunnerMonitor", digest: str) -> list[Running]:
    return [run for run in await watch.client.ps() if watch.names.digest(run.model_name) == digest]


def _loading(name: str, cause: str) -> Explanation:
    return Explanation(f"{name} is just being loaded", cause, "Try again when it is loaded.")
