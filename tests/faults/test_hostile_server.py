"""Each route, attacked in each way: its source says so, the rest goes on, and it gets better."""

import pytest

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.ui.app import DashboardApp
from tests.faults.hostile import ATTACKS, ENDLESS, Hostile, hostile
from tests.ui.screen import shows
from tests.waiting import until

FEED = "/engines/requests?"
ANY_ROUTE = {"half", "redirect", "gzip bomb", "nothing", "endless line"}
"""Attacks on streams and on answers alike; events are for the feed alone."""
ROUTES = {
    "/engines/ps": "runners",
    "/engines/status": "backends",
    "/models": "models",
    "/engines/df": "disk",
    "/engines/_configure": "configuration",
    FEED: "requests feed",
    "/logs": "log",
}


def is_well(snapshot: Snapshot) -> bool:
    """Whether everything is fresh again."""
    return bool(
        snapshot.runner.up
        and snapshot.models
        and all(source.health in {"ok", "waiting", "absent"} for source in snapshot.sources)
    )


@pytest.mark.parametrize("route", ROUTES)
async def test_an_attacked_route_costs_its_source_alone(route: str) -> None:
    simulator = Simulator("quiet")
    with serve(simulator) as url, hostile(url) as server:
        probe = SimulatedMachine(simulator)
        monitor = Monitor((parse_host(server.address, "--host"),), probe, interval=0.25)
        app = DashboardApp(monitor)
        async with app.run_test(size=(140, 42)) as pilot:
            await until(lambda: is_well(app.snapshot))
            await pilot.press("4")
            for attack in ATTACKS:
                if ("event" in attack) != (route == FEED) and attack not in ANY_ROUTE:
                    continue
                await attacked(app, monitor, server, route, attack)
            await pilot.press("1")
            await shows(app, "● up", "qwen3:8B")
        monitor.stop()


async def test_an_event_that_cannot_be_read_is_counted_and_said() -> None:
    simulator = Simulator("quiet")
    with serve(simulator) as url, hostile(url) as server:
        server.route, server.attack = FEED, "endless events"
        probe = SimulatedMachine(simulator)
        monitor = Monitor((parse_host(server.address, "--host"),), probe, interval=0.25)
        app = DashboardApp(monitor)
        async with app.run_test(size=(140, 42)):
            said = "1 entry could not be read, and left out"
            await until(lambda: app.snapshot.source("requests feed").reason == said)
        monitor.stop()


async def attacked(
    app: DashboardApp, monitor: Monitor, server: Hostile, route: str, attack: str
) -> None:
    """Attack until it is felt or was borne, then wait until all is well again."""
    name = ROUTES[route]
    server.route, server.attack, server.attacked = route, attack, 0
    monitor.kick()
    if name == "requests feed":
        # An open stream is not asked for again: the runner goes and comes.
        server.drop()

    def felt() -> bool:
        source = app.snapshot.source(name)
        if source.health == "stale" and source.reason:
            return True
        # An endless answer may be borne for as long as it lasts.
        borne = app.snapshot.runner.up is False or source.health == "ok"
        return server.attacked > (attack not in ENDLESS) and borne

    await until(felt, f"{attack} at {route} was never felt: {app.snapshot.source(name)}")
    # Whatever the answers are, keys are taken.
    await app.action_show("requests")
    await app.action_show("timeline")
    server.attack = ""

    kicked: list[Snapshot] = []

    def better() -> bool:
        # A source that failed is asked less often by itself; at every look would be a storm.
        if not kicked or app.snapshot is not kicked[-1]:
            kicked.append(app.snapshot)
            monitor.kick()
        return is_well(app.snapshot)

    await until(better, f"after {attack} at {route}: {app.snapshot.sources}")
