"""One dashboard beside a simulated runner, on which a monkey plays."""

import random
import traceback
from pathlib import Path
from typing import get_args

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.monitor.archive.options import ArchiveOptions
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.simulator.http.faults import Fault, Faults, Kind
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.ui.app import DashboardApp
from tests.monkey.monkey import Monkey

PRESSES = 1_500
"""Inputs for one dashboard; then another one begins."""
KINDS: tuple[Kind, ...] = get_args(Kind)


async def play(
    seed: str,
    scenario: str,
    folder: Path,
    presses: int = PRESSES,
    size: tuple[int, int] = (140, 42),
    *,
    faults: bool = True,
) -> tuple[int, str]:
    """Play with one dashboard; return the number of inputs, and what went wrong."""
    monkey, simulator = Monkey(seed), Simulator(scenario)
    simulator.world.store.pull_rate = 60e6

    def between(rng: random.Random) -> None:
        if faults:
            _strike(simulator.faults, rng)

    with serve(simulator) as url:
        monitor = Monitor(
            (parse_host(url, "--host"),),
            SimulatedMachine(simulator),
            interval=0.25,
            archive=ArchiveOptions(folder / "requests.db", 3.0, 10.0, bodies=False),
            kept=folder,
        )
        app = DashboardApp(monitor)
        try:
            async with app.run_test(size=size):
                await monkey.play(app, presses, between)
                app.exit(return_code=app.return_code or 0)
        except Exception:
            return monkey.pressed, f"{traceback.format_exc()}after {list(monkey.last)}"
        finally:
            monitor.stop()
    return monkey.pressed, f"exit code {app.return_code}" if app.return_code else ""


def _strike(faults: Faults, rng: random.Random) -> None:
    """Now and then let the runner answer wrongly for some requests, or no more."""
    chance = rng.random()
    if chance < 0.03:
        faults.add(Fault(rng.choice(KINDS), probability=rng.choice((0.1, 0.5, 1.0)), count=20))
    elif chance < 0.06:
        faults.clear()
