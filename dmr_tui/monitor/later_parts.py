"""The parts that begin after the first paint, as far as the poller knows them.

Their modules take longer to import than the first paint may; only `after_first_paint` imports them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dmr_tui.measure.meter import Turn
from dmr_tui.measure.thresholds import Thresholds
from dmr_tui.monitor.archive.options import ArchiveOptions
from dmr_tui.monitor.crashes import Supervisor
from dmr_tui.monitor.runner_monitor import RunnerMonitor
from dmr_tui.runner.discovery.docker_engine import DockerEngine
from dmr_tui.runner.discovery.places import Places
from dmr_tui.runner.request import Request
from dmr_tui.state.memory import LoadConditions
from dmr_tui.state.plan import Plan, Progress
from dmr_tui.state.prompt import Prompt
from dmr_tui.state.replies import Bodies, RemoteModel, StoredConfigResult
from dmr_tui.state.request_filter import View
from dmr_tui.state.snapshot import LateFacts, MachineState, RunnerFacts, Snapshot
from dmr_tui.state.source_state import SourceState

LOG_WAITING = SourceState("log")
"""The state of the log before it is read for the first time."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all parts of a monitor have in common."""

    places: Places
    interval: float
    clock: Callable[[], float]
    changed: Callable[[], None]
    kick: Callable[[], None]
    runner: Callable[[], RunnerMonitor | None]
    """Return the runner that is watched now."""
    archive: ArchiveOptions | None
    kept: Path | None
    """Folder in which is remembered what loads took and what models were configured to."""
    thresholds: Thresholds
    supervisor: Supervisor


class Stoppable(Protocol):
    """An action that takes a while; both methods are called on the monitor's loop."""

    async def run(self) -> object:
        """Do it; failures are published, not raised."""

    def stop(self) -> None:
        """End it now."""


class Actions(Protocol):
    """Everything that is done at the user's wish, on the monitor's loop; see `live.Monitor`.

    What cannot be begun publishes why, and there is nothing to stop.
    """

    def ask(self, prompt: Prompt, publish: Callable[[Turn], None]) -> Stoppable | None:
        """Send a prompt."""

    def replay(
        self, request: Request, model: str, publish: Callable[[Turn], None]
    ) -> Stoppable | None:
        """Send a recorded request again."""

    def run_plan(self, plan: Plan, publish: Callable[[Progress], None]) -> Stoppable | None:
        """Load, unload, configure, tag or remove."""

    async def bodies(self, request: Request, publish: Callable[[Bodies], None]) -> None:
        """Publish prompt and answer of a request."""

    async def stored_config(
        self, digest: str, mode: str, publish: Callable[[StoredConfigResult], None]
    ) -> None:
        """Publish the configuration of a model as it is stored."""

    async def look_up(self, name: str, publish: Callable[[RemoteModel], None]) -> None:
        """Publish what a registry has under a name."""

    async def pull(self, name: str) -> None:
        """Download a model."""

    async def stop_pull(self, name: str) -> None:
        """End a download."""

    async def forget_pulls(self) -> None:
        """Drop the downloads that are over."""

    async def name_caller(self, caller: str, name: str, limit: float | None) -> None:
        """Call a caller by another name, and know its time limit in seconds."""

    async def dismissed(self, key: str) -> None:
        """Forget what the warning `key` is about."""


class LaterParts(Protocol):
    """History and log, request log and archive, memory, alerts, doctor, and the actions."""

    actions: Actions
    """Everything that is done at the user's wish."""

    @property
    def loading(self) -> LoadConditions | None:
        """The conditions of a load; None until the machine was read."""

    @property
    def sources(self) -> tuple[SourceState, ...]:
        """The health of log, archive and footprints."""

    async def run(self) -> None:
        """Run all parts that outlive a runner, for ever."""

    async def watch(self, runner: RunnerMonitor) -> None:
        """Follow what happens to a runner, until cancelled."""

    async def once(self, runner: RunnerMonitor | None) -> None:
        """Read once everything that can be read."""

    def look(self, view: View) -> None:
        """Prepare what the open screen needs."""

    def kick(self) -> None:
        """Read the log again now."""

    def docker_answered(self, engines: tuple[DockerEngine, ...]) -> None:
        """Take over what the search for the runner heard of Docker."""

    def take_in(self, facts: RunnerFacts, machine: MachineState) -> LateFacts:
        """Learn from what was read, once for each Snapshot, and return what is known."""

    def judged(self, snapshot: Snapshot) -> Snapshot:
        """Return `snapshot` with what is wrong now."""
