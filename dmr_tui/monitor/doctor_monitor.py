"""Gathers what only the doctor looks at, and only while a screen shows it."""

from collections.abc import Callable

import anyio
import anyio.to_thread

from dmr_tui.machine.surroundings import Surroundings, read_surroundings
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.discovery.docker_engine import DockerEngine, ask_docker
from dmr_tui.runner.discovery.places import Places
from dmr_tui.runner.errors.explain import explain
from dmr_tui.runner.errors.failures import RunnerError
from dmr_tui.state.doctor_facts import DoctorFacts, EngineProof
from dmr_tui.state.model_row import ModelRow

EVERY_S = 5.0


class DoctorMonitor:
    """Asks Docker and looks around this computer while the doctor is shown."""

    def __init__(
        self,
        places: Places,
        changed: Callable[[], None],
        engines: tuple[DockerEngine, ...] | None = None,
    ) -> None:
        """`engines` are the answers of Docker so far."""
        self._engines = engines
        self._places = places
        self._changed = changed
        self._surroundings: Surroundings | None = None
        self._shown = anyio.Event()

    def docker_answered(self, engines: tuple[DockerEngine, ...]) -> None:
        """Take over what the search for the runner heard of Docker."""
        self._engines = engines

    def show(self, shown: bool) -> None:
        """Start or stop reading, as a screen shows the checks or not."""
        if shown:
            self._shown.set()
        elif self._shown.is_set():
            # Otherwise `run` waits for this very event.
            self._shown = anyio.Event()

    @property
    def shown(self) -> bool:
        """True while a screen shows the checks."""
        return self._shown.is_set()

    async def run(self) -> None:
        """Read every few seconds while a screen shows the checks."""
        while True:
            await self._shown.wait()
            await self.read()
            self._changed()
            await anyio.sleep(EVERY_S)

    async def read(self) -> None:
        """Read everything once."""
        hosts = {place.host for place in self._places.known}
        async with anyio.create_task_group() as group:
            group.start_soon(self._ask_docker)
            group.start_soon(self._look_around, hosts)

    async def _ask_docker(self) -> None:
        sockets = self._places.sockets
        asked = [await ask_docker(each.path, each.rule, cloud=each.cloud) for each in sockets]
        self._engines = tuple(asked)

    async def _look_around(self, hosts: set[str]) -> None:
        # A name server that does not answer keeps its thread, and nothing else.
        self._surroundings = await anyio.to_thread.run_sync(
            read_surroundings, hosts, abandon_on_cancel=True
        )

    def facts(self, *, clock_known: bool) -> DoctorFacts:
        """The facts that are known now."""
        return DoctorFacts(self._places, self._engines, self._surroundings, clock_known)


async def prove_engine(client: RunnerClient, model: ModelRow) -> EngineProof:
    """Load `model`, and tell what came of it."""
    began, failure = anyio.current_time(), None
    try:
        await client.preload(model.ref)
    except RunnerError as error:
        failure = explain(error, model.name)
    return EngineProof(model.name, anyio.current_time() - began, failure)
