"""A load or an unload that a person asked for, step by step; the next Snapshot shows the truth."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import anyio

from dmr_tui.runner.errors import ReadOnly, RunnerError
from dmr_tui.runner.explain import Explanation, explain
from dmr_tui.runner.wire import Running

if TYPE_CHECKING:
    from dmr_tui.monitor.poller import Poller
    from dmr_tui.monitor.runnerwatch import RunnerWatch

Call = Callable[[], Awaitable[None]]
StepState = Literal["waiting", "running", "done", "failed"]
_CACHE_FLAGS = ("-ctk", "--cache-type-k", "-ctv", "--cache-type-v")
_SLOT_FLAGS = ("-np", "--parallel")
_CONTEXT_FLAGS = ("-c", "--ctx-size")
ON_ITS_OWN = "The runner itself goes on loading it, for a minute at the most."
"""It loads what was configured in the background, which nobody can call off."""


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
    """Unload a model."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Step:
    """One call to the runner."""

    text: str
    state: StepState = "waiting"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    steps: tuple[Step, ...]
    ended: bool = False
    failure: Explanation | None = None
    stopped: bool = False
    note: str = ""
    """What goes on although it was stopped."""


class CarryOut:
    """One plan under way; `run` and `stop` happen on one event loop."""

    def __init__(self, plan: LoadPlan | UnloadPlan, publish: Callable[[Progress], None]) -> None:
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

    def _calls(self, watch: "RunnerWatch") -> list[Call]:
        plan = self._plan
        if isinstance(plan, UnloadPlan):
            return [partial(_unload, watch, plan.digest, plan.name)]
        calls: list[Call] = [partial(_unload, watch, digest, name) for digest, name in plan.unload]
        if plan.configures:
            calls.append(partial(_configure, watch, plan))
        embedding = plan.mode == "embedding"
        return [*calls, partial(watch.client.preload, plan.ref, embedding=embedding)]

    def _explained(self, error: RunnerError) -> Explanation:
        if isinstance(error, _InTheWay):
            return error.why
        return explain(error, self._plan.name)

    def _is_configured(self) -> bool:
        """Whether the runner has taken, or may have taken, a configuration."""
        plan = self._plan
        if isinstance(plan, UnloadPlan) or not plan.configures:
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


def steps_of(plan: LoadPlan | UnloadPlan) -> list[str]:
    """What is going to be done, in words."""
    if isinstance(plan, UnloadPlan):
        return [f"unload {plan.name}"]
    texts = [f"unload {name}" for _, name in plan.unload]
    if plan.configures:
        texts.append(f"configure {plan.name}: {', '.join(changes(plan))}")
    return [*texts, f"load {plan.name}"]


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


async def _unload(watch: "RunnerWatch", digest: str, name: str) -> None:
    """Unload every mode of a model; one that is gone already is as good."""
    await watch.client.unload(digest)
    left = await _running(watch, digest)
    if any(run.loading for run in left):
        raise _InTheWay(_loading(name, "The runner cannot unload a model that it still loads."))
    if left:
        raise _InTheWay(
            Explanation(
                f"{name} was not unloaded: it is busy",
                "The runner unloads a model only while it answers no call.",
                "Try again when its calls have ended; the requests screen shows them.",
            )
        )


async def _configure(watch: "RunnerWatch", plan: LoadPlan) -> None:
    """The stored configuration with the changes: the runner replaces all of it."""
    running = await _running(watch, plan.digest)
    if any(run.loading and run.mode == plan.mode for run in running):
        # The runner would say yes, and finish that load as it was begun.
        raise _InTheWay(_loading(plan.name, "A load goes on with what was configured before it."))
    stored = await watch.client.stored_config(plan.digest, plan.mode)
    await watch.client.configure(plan.ref, plan.mode, merged(stored, plan))


async def _running(watch: "RunnerWatch", digest: str) -> list[Running]:
    return [run for run in await watch.client.ps() if watch.names.digest(run.model_name) == digest]


def _loading(name: str, cause: str) -> Explanation:
    return Explanation(f"{name} is just being loaded", cause, "Try again when it is loaded.")


def merged(stored: dict[str, Any], plan: LoadPlan) -> dict[str, Any]:
    """`stored` with what the plan changes, everything else as it was."""
    config = dict(stored)
    flags = [str(flag) for flag in config.get("runtime-flags") or []]
    if plan.context is not None:
        config["context-size"] = plan.context
        # A flag of its own would win over the size.
        flags = _without(flags, _CONTEXT_FLAGS)
    if plan.cache_type is not None:
        flags = _without(flags, _CACHE_FLAGS)
        if plan.cache_type != "f16":
            flags += ["--cache-type-k", plan.cache_type, "--cache-type-v", plan.cache_type]
    if plan.slots is not None:
        flags = [*_without(flags, _SLOT_FLAGS), "--parallel", str(plan.slots)]
    if flags:
        config["runtime-flags"] = flags
    else:
        config.pop("runtime-flags", None)
    return config


def _without(flags: Sequence[str], names: Sequence[str]) -> list[str]:
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
