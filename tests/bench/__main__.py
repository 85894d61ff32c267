"""Start, idle, traffic, streaming, keys: each beside its budget and the floor of the same run.

usage: python -m tests.bench [--quick]
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from dmr_tui.measure.stats import percentile
from dmr_tui.monitor.archive.store import Archive
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.simulator.service.recorder import Record
from dmr_tui.state.request_filter import RequestFilter
from tests.bench.archive import archive_rows
from tests.bench.memory import memory_rows
from tests.real_engine import real_engine
from tests.terminal import Terminal, dmr_tui, simulated

FLOOR = [sys.executable, "-m", "tests.bench.floor"]
ROWS: list[tuple[str, str, str, str, bool]] = []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    quick = parser.parse_args().quick
    runs, seconds = (2, 8.0) if quick else (5, 20.0)
    start(runs)
    idle(seconds, settle=5.0 if quick else 45.0)
    tracker(seconds)
    keys(runs)
    streaming(5)
    flood(10.0 if quick else 60.0)
    heavy(8.0 if quick else 20.0)
    archive()
    memory()
    print(f"\n{'what':34} {'measured':>16} {'floor':>12}  budget")
    for what, measured, floor, budget, kept in ROWS:
        print(f"{what:34} {measured:>16} {floor:>12}  {budget} {'' if kept else '  <-- OVER'}")


def row(what: str, measured: str, floor: str, budget: str, kept: bool) -> None:
    """Note one result and say it at once."""
    ROWS.append((what, measured, floor, budget, kept))
    print(f"{what}: {measured} (floor {floor}, budget {budget})", flush=True)


def start(runs: int) -> None:
    """From exec until the screen shows what the runner said."""

    def first(command: list[str], *patterns: str) -> float:
        times = []
        for _ in range(runs):
            terminal = Terminal(command)
            terminal.shows(*patterns)
            times.append(time.monotonic() - terminal.started)
            terminal.kill()
        return statistics.median(times)

    floor = first(FLOOR, "row 10", "stands still")
    with simulated("--scenario", "idle") as url:
        mine = first(dmr_tui("--host", url), "qwen3:8B", "● up", "RAM")
    over = mine - floor
    row(
        "first paint with live data",
        f"{mine:.2f} s",
        f"{floor:.2f} s",
        "floor + 0.25 s",
        over <= 0.25,
    )


def steady(
    command: list[str], seconds: float, *patterns: str, settle: float = 5.0
) -> tuple[float, float, float]:
    """Per cent of a core, bytes to the terminal a second, and MiB, once it has settled."""
    terminal = Terminal(command)
    terminal.shows(*patterns)
    terminal.pump(settle)
    cpu, drawn, began = terminal.cpu_seconds(), len(terminal.written), time.monotonic()
    terminal.pump(seconds)
    took = time.monotonic() - began
    result = (
        100.0 * (terminal.cpu_seconds() - cpu) / took,
        (len(terminal.written) - drawn) / took,
        terminal.pss_mib(),
    )
    terminal.kill()
    return result


def idle(seconds: float, settle: float) -> None:
    """Two models loaded, nobody calls; the start travels through the charts for 38 seconds."""
    floor_cpu, floor_bytes, floor_mib = steady(FLOOR, seconds, "row 10")
    with simulated("--scenario", "idle") as url:
        cpu, drawn, mib = steady(dmr_tui("--host", url), seconds, "qwen3:8B", "● up", settle=settle)
        before = httpx.get(f"{url}/logs").text.count("\n")
        terminal = Terminal(dmr_tui("--host", url))
        terminal.shows("qwen3:8B")
        after_start = httpx.get(f"{url}/logs").text.count("\n")
        terminal.pump(seconds)
        lines = httpx.get(f"{url}/logs").text.count("\n") - after_start
        terminal.kill()
    row("idle, processor", f"{cpu:.2f} %", f"{floor_cpu:.2f} %", "1.0 % of a core", cpu <= 1.0)
    row(
        "idle, to the terminal",
        f"{drawn:.0f} B/s",
        f"{floor_bytes:.0f} B/s",
        "500 B/s",
        drawn <= 500,
    )
    over = mib - floor_mib
    row("memory", f"{mib:.1f} MiB", f"{floor_mib:.1f} MiB", "floor + 25 MiB", over <= 25.0)
    per_minute = lines * 60.0 / seconds
    start_lines = after_start - before
    row("runner's log, idle", f"{per_minute:.0f} lines/min", "0", "2 a minute", per_minute <= 2)
    row("runner's log, at the start", f"{start_lines} lines", "0", "2", start_lines <= 2)


def tracker(seconds: float) -> None:
    """n8n's calls, one model generating most of the time."""
    with simulated("--scenario", "workflow") as url:
        cpu, drawn, _ = steady(dmr_tui("--host", url), seconds, "qwen3:8B", "● up")
    row("traffic, processor", f"{cpu:.2f} %", "", "6 % of a core", cpu <= 6.0)
    row("traffic, to the terminal", f"{drawn:.0f} B/s", "", "", True)


def keys(runs: int) -> None:
    """From a key to its effect on the screen, and from q to the end of the process."""

    def latency(command: list[str], ready: str, key: str, effect: str) -> float:
        terminal = Terminal(command)
        terminal.shows(ready)
        terminal.pump(2.0)
        began = time.monotonic()
        terminal.keys(key)
        terminal.shows(effect)
        took = time.monotonic() - began
        terminal.kill()
        return took

    floor = statistics.median(latency(FLOOR, "row 10", "x", "marked") for _ in range(runs))
    with simulated("--scenario", "idle") as url:
        mine = statistics.median(
            latency(dmr_tui("--host", url), "qwen3:8B", "s", "by state|by model")
            for _ in range(runs)
        )
        terminal = Terminal(dmr_tui("--host", url))
        terminal.shows("qwen3:8B")
        terminal.pump(1.0)
        began = time.monotonic()
        terminal.keys("q")
        terminal.end()
        quit_s = time.monotonic() - began
    row("key to pixel", f"{mine * 1000:.0f} ms", f"{floor * 1000:.0f} ms", "50 ms", mine <= 0.05)
    row("quit", f"{quit_s * 1000:.0f} ms", "", "300 ms", quit_s <= 0.3)


def streaming(runs: int) -> None:
    """A real llama.cpp at full speed, through the simulator's loader and recorder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with (
            real_engine(path, embedding=128, blocks=4) as engine,
            simulated("--engine", engine) as url,
        ):
            result = path / "result.json"
            words = ["-m", "tests.bench.streaming", url, "2000", str(runs), str(result)]
            terminal = Terminal([sys.executable, *words])
            assert terminal.end(120.0) == 0, terminal.text
        said = json.loads(result.read_text())
    speeds = [server for server, _, _ in said["rates"]]
    apart = [abs(client / server - 1.0) for server, client, _ in said["rates"]]
    lags = sorted(said["lags"])
    speed, median = statistics.median(speeds), statistics.median(apart)
    row("streaming, engine's rate", f"{speed:,.0f} tok/s", "", "1,500 or more", speed >= 1500)
    row("streaming, client's rate apart", f"{100 * median:.2f} %", "", "1 %", median <= 0.01)
    lag = 1000.0 * percentile(lags, 95)
    row("streaming, lag of the UI, p95", f"{lag:.0f} ms", "", "50 ms", lag <= 50.0)


def flood(seconds: float) -> None:
    """200 calls a second into the requests screen: heard, shown and archived."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        simulator = Simulator("flood")
        sent: list[str] = []
        finish = simulator.world.recorder.finish

        def count(digest: str, record: Record, status: int, body: bytes) -> None:
            finish(digest, record, status, body)
            sent.append(record.id)

        simulator.world.recorder.finish = count  # type: ignore[method-assign]
        with serve(simulator) as url:
            said, archived, cpu = _under(url, path, seconds)
    within = [id for id in sent if said["began"] < int(id.rpartition("_")[2]) / 1e9 < said["ended"]]
    lost = len(set(within) - set(archived))
    doubled = len(archived) - len(set(archived))
    lag = 1000.0 * percentile(sorted(said["lags"]), 95)
    rate = len(within) / (said["ended"] - said["began"])
    row("feed, calls a second", f"{rate:.0f}", "", "200", rate >= 190)
    row("feed, lost of them", f"{lost} of {len(within)}", "", "0", lost == 0)
    row("feed, archived twice", f"{doubled}", "", "0", doubled == 0)
    row("feed, lag of the UI, p95", f"{lag:.0f} ms", "", "50 ms", lag <= 50.0)
    row("feed, processor", f"{cpu:.0f} %", "", "", True)


def heavy(seconds: float) -> None:
    """Ten megabytes of prompts in each answer while a model is busy."""
    with tempfile.TemporaryDirectory() as folder, simulated("--scenario", "heavy") as url:
        size = len(httpx.get(f"{url}/engines/requests", timeout=30.0).content)
        said, _, cpu = _under(url, Path(folder), seconds)
    lag = 1000.0 * percentile(sorted(said["lags"]), 95)
    row("requests answer", f"{size / 1e6:.1f} MB", "", "10 MB", size >= 10e6)
    row("requests answer, lag of the UI, p95", f"{lag:.0f} ms", "", "50 ms", lag <= 50.0)
    row("requests answer, processor", f"{cpu:.1f} %", "", "", True)


def _under(url: str, folder: Path, seconds: float) -> tuple[dict[str, Any], list[str], float]:
    """What the dashboard says of itself, the ids that it archived, and per cent of a core."""
    result, database = folder / "result.json", folder / "requests.db"
    words = ["-m", "tests.bench.flood", url, str(seconds), str(database), str(result)]
    terminal = Terminal([sys.executable, *words])
    terminal.shows("Requests|requests")
    cpu, began = terminal.cpu_seconds(), time.monotonic()
    terminal.pump(seconds)
    percent = 100.0 * (terminal.cpu_seconds() - cpu) / (time.monotonic() - began)
    assert terminal.end(60.0) == 0, terminal.text
    with closing(Archive(database, read_only=True)) as kept:
        ids = [request.id for request in kept.walk(RequestFilter(), {}, None)]
    return json.loads(result.read_text()), ids, percent


def archive() -> None:
    """A million calls on disk: the first rows, and filters."""
    for measured in archive_rows():
        row(*measured)


def memory() -> None:
    """The whole computer read, who holds its memory joined, and one part that hangs."""
    for measured in memory_rows():
        row(*measured)


if __name__ == "__main__":
    main()
