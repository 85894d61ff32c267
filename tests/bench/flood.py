"""A dashboard with its requests screen open under more calls than anybody makes.

usage: python -m tests.bench.flood HOST SECONDS ARCHIVE RESULT.json
"""

import asyncio
import gc
import json
import sys
import time
from pathlib import Path

from textual import work

from dmr_tui.commands.dashboard import SWITCH_S
from dmr_tui.machine.probe import LocalMachine
from dmr_tui.monitor.archive.options import ArchiveOptions
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.ui.app import DashboardApp
from tests.waiting import until

BEAT_S = 0.01
SETTLE_S = 3.0


class Flooded(DashboardApp):
    """Drives itself; the result is a file, since the terminal is the dashboard's."""

    def __init__(self, host: str, seconds: float, archive: Path, result: Path) -> None:
        super().__init__(
            Monitor((parse_host(host, "--host"),), LocalMachine(), archive=ArchiveOptions(archive))
        )
        self._seconds = seconds
        self._result = result
        self._lags: list[float] = []

    def on_ready(self) -> None:
        self._drive()

    @work(group="bench")
    async def _drive(self) -> None:
        await until(lambda: bool(self.snapshot.models))
        await self.action_show("requests")
        await asyncio.sleep(SETTLE_S)
        began = time.time()
        beat = asyncio.create_task(self._feel_the_lag())
        await asyncio.sleep(self._seconds)
        beat.cancel()
        said = {"began": began, "ended": time.time(), "lags": self._lags}
        # What was under way is to be heard and written.
        await asyncio.sleep(SETTLE_S)
        self._result.write_text(json.dumps(said))
        self.exit()

    async def _feel_the_lag(self) -> None:
        while True:
            due = time.perf_counter() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self._lags.append(time.perf_counter() - due)


if __name__ == "__main__":
    host, seconds, archive, result = sys.argv[1:]
    app = Flooded(host, float(seconds), Path(archive), Path(result))
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    app.run()
    app.monitor.stop()
