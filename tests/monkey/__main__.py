"""`just monkey`: random keys for as long as you like, beside a simulated runner with faults."""

import asyncio
import sys
import tempfile
from pathlib import Path

from dmr_tui.ui.app import DashboardApp
from tests.monkey.game import play


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
