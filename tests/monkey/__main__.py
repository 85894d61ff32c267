"""`just monkey`: random keys for as long as you like, beside a simulated runner with faults."""

import asyncio
import sys
import tempfile
import traceback
from pathlib import Path

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.monitor.archive.options import ArchiveOptions
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.ui.app import DashboardApp
from tests.monkey.monkey import Monkey

PRESSES = 1_500
"""Keys for one dashboard; then another one begins."""


async def play(seed: str, scenario: str, folder: Path) -> tuple[int, str]:
    """Play with one dashboard; returns the number of inputs, and what went wrong."""
    monkey, simulator = Monkey(seed), Simulator(scenario)
    simulator.world.store.pull_rate = 60e6
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
            async with app.run_test(size=(140, 42)):
                await monkey.play(app, PRESSES)
        except Exception:
            return monkey.pressed, f"{traceback.format_exc()}after {list(monkey.last)}"
        finally:
            monitor.stop()
    return monkey.pressed, f"exit code {app.return_code}" if app.return_code else ""


def main(seed: str = "1", presses: str = "20000", scenario: str = "workflow") -> int:
    """Play until so many inputs were sent; returns 1 if anything went wrong."""
    DashboardApp.goes_on = False
    sent = games = failed = 0
    while sent < int(presses):
        games += 1
        with tempfile.TemporaryDirectory() as folder:
            pressed, wrong = asyncio.run(play(f"{seed} {games}", scenario, Path(folder)))
        sent += pressed
        if wrong:
            failed += 1
            print(f"seed {seed!r}, game {games}, {pressed} inputs:\n{wrong}", flush=True)
    print(f"{sent:,} inputs, {games} dashboards, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
