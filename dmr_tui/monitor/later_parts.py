"""The parts that begin after the first paint, as far as the poller knows them.

Their modules take longer to import than the first paint may; only `after_first_paint` imports them.
"""

from collections.abc import Callable
from typing import Protocol

from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.runner_monitor import RunnerMonitor
from dmr_tui.monitor.snapshot_builder import LaterReading, RunnerReading
from dmr_tui.runner.discovery.docker_engine import DockerEngine
from dmr_tui.runner.request import Request
from dmr_tui.state.engine_facts import LoggedEngines
from dmr_tui.state.memory import LoadConditions
from dmr_tui.state.plan import Plan, Progress
from dmr_tui.state.prompt import Prompt
from dmr_tui.state.replies import Bodies, RemoteModel, StoredConfigResult
from dmr_tui.state.request_filter import View
from dmr_tui.state.snapshot import MachineState, Snapshot


class Stoppable(Protocol):
    """An action that takes a while; both methods are called on the monitor's loop."""

    async def run(self) -> object:
        """Do it; failures are published, not raised."""
        ...

    def stop(self) -> None:
        """End it now."""
        ...


class Actions(Protocol):
    """Everything that is done at the user's wish, on the monitor's loop; see `live.Monitor`."""

    def ask(self, prompt: Prompt, publish: Callable[[Turn], None]) -> Stoppable:
        """Send a prompt."""
        ...

    def replay(self, request: Request, model: str, publish: Callable[[Turn], None]) -> Stoppable:
        """Send a recorded request again."""
        ...

    def run_plan(self, plan: Plan, publish: Callable[[Progress], None]) -> Stoppable:
        """Load, unload, configure, tag or remove."""
        ...

    async def bodies(self, request: Request, publish: Callable[[Bodies], None]) -> None:
        """Publish prompt and answer of a request."""
        ...

    async def stored_config(
        self, digest: str, mode: str, publish: Callable[[StoredConfigResult], None]
    ) -> None:
        """Publish the configuration of a model as it is stored."""
        ...

    async def look_up(self, name: str, publish: Callable[[RemoteModel], None]) -> None:
        """Publish what a registry has under a name."""
        ...

    async def pull(self, name: str) -> None:
        """Download a model."""
        ...

    async def stop_pull(self, name: str) -> None:
        """End a download."""
        ...

    async def forget_pulls(self) -> None:
        """Drop the downloads that are over."""
        ...

    async def name_caller(self, caller: str, name: str, limit: float | None) -> None:
        """Call a caller by another name, and know its time limit in seconds."""
        ...

    async def dismissed(self, key: str) -> None:
        """Forget what the warning `key` is about."""
        ...


class LaterParts(Protocol):
    """History and log, request log and archive, memory, alerts, doctor, and the actions."""

    @property
    def actions(self) -> Actions:
        """Everything that is done at the user's wish."""
        ...

    @property
    def engines(self) -> LoggedEngines:
        """The engines, by the log."""
        ...

    @property
    def loading(self) -> LoadConditions | None:
        """The conditions of a load; None until the machine was read."""
        ...

    async def run(self) -> None:
        """Run all parts that outlive a runner, for ever."""
        ...

    async def watch(self, runner: RunnerMonitor) -> None:
        """Follow what happens to a runner, until cancelled."""
        ...

    async def once(self, runner: RunnerMonitor | None) -> None:
        """Read once everything that can be read."""
        ...

    def look(self, view: View) -> None:
        """Prepare what the open screen needs."""
        ...

    def kick(self) -> None:
        """Read the log again now."""
        ...

    def docker_answered(self, engines: tuple[DockerEngine, ...]) -> None:
        """Take over what the search for the runner heard of Docker."""
        ...

    def take_in(self, reading: RunnerReading | None, machine: MachineState) -> LaterReading:
        """Learn from what was read, once for each Snapshot, and return what is known."""
        ...

    def judged(self, snapshot: Snapshot, *, clock_known: bool) -> Snapshot:
        """Return `snapshot` with alerts and, while it is shown, what the doctor looks at."""
        ...
