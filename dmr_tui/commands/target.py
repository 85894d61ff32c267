"""The runner that a command means: a real one, or for --demo a simulated one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio

from dmr_tui.machine.probe import LocalMachine, MachineProbe
from dmr_tui.monitor.archive.options import ArchiveOptions
from dmr_tui.monitor.search import Found, Search
from dmr_tui.runner.discovery.docker_contexts import DEFAULT
from dmr_tui.runner.discovery.places import Places, find_places
from dmr_tui.runner.endpoint import DEFAULT_TLS, Endpoint, TlsOptions, parse_host
from dmr_tui.settings.load import data_path
from dmr_tui.settings.schema import Settings
from dmr_tui.state.snapshot import DEMO_RULE

DEMO_SCENARIO = "workflow"
DEMO_PULL_RATE = 60e6
"""Bytes per second: a download that can be watched, stopped and gone on with."""


@contextmanager
def chosen(settings: Settings, *, demo: bool) -> Iterator[tuple[Places, MachineProbe]]:
    """Endpoints to try and the machine to read; a simulated runner ends with the block."""
    if demo:
        with demo_runner() as (endpoint, machine):
            yield Places((endpoint,)), machine
        return
    found = places(settings)
    local = this_machine(found)
    try:
        yield found, local
    finally:
        local.close()


@asynccontextmanager
async def found_runner(places: Places, *, read_only: bool) -> AsyncIterator[Found]:
    """Search for the runner, and close its client at the end of the block."""
    found = await Search(places, read_only=read_only).run()
    try:
        yield found
    finally:
        if found.client is not None:
            with anyio.CancelScope(shield=True):
                await found.client.aclose()


def places(settings: Settings, context: str | None = None) -> Places:
    """Places to look for the runner; a `context` that is named here wins. Raises BadHost."""
    tls = TlsOptions(settings.tls, settings.tls_skip_verify, settings.tls_ca_cert)
    if context is not None:
        begun = settings.context or (DEFAULT if settings.host is None else None)
        # What was said of one runner's certificates is not meant for another's.
        return find_places(context=context, tls=tls if context == begun else DEFAULT_TLS)
    return find_places(settings.host, settings.host_rule, context=settings.context, tls=tls)


def this_machine(places: Places) -> LocalMachine:
    """This computer, with the Docker Engine that is asked for the runner's container."""
    engine = places.engine
    return LocalMachine(None if engine is None else engine.path, places.no_engine)


@contextmanager
def demo_runner(scenario: str = DEMO_SCENARIO) -> Iterator[tuple[Endpoint, MachineProbe]]:
    """A simulated runner with n8n's requests, served over HTTP, and the machine under it."""
    from dmr_tui.commands.demo_machine import SimulatedMachine
    from dmr_tui.simulator.server import Simulator, serve

    simulator = Simulator(scenario)
    simulator.world.store.pull_rate = DEMO_PULL_RATE
    with serve(simulator) as url:
        yield parse_host(url, DEMO_RULE), SimulatedMachine(simulator)


def archive(settings: Settings) -> ArchiveOptions | None:
    """Return how the settings ask for the archive to be kept; None if they ask for none."""
    if not settings.archive:
        return None
    return ArchiveOptions(
        data_path(settings),
        keep_days=settings.archive_days,
        keep_mb=settings.archive_mb,
        bodies=settings.archive_bodies,
    )
