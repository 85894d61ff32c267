"""What it costs to read the whole computer and to join who holds its memory."""

import asyncio
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.machine.probe import LocalMachine, Part
from dmr_tui.machine.reading import Reading
from dmr_tui.monitor.alerts import find
from dmr_tui.monitor.machine.machine_monitor import MachineMonitor
from dmr_tui.monitor.memory.footprints import Footprints
from dmr_tui.monitor.memory.memory_monitor import Known, MemoryMonitor
from dmr_tui.monitor.poller import Poller
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.state.snapshot import Snapshot

Row = tuple[str, str, str, str, bool]
ROUNDS = 60
PROCESSES = 150
SETTLED_S = 12.0


def memory_rows() -> Iterator[Row]:
    """One reading of everything, the join of it, and what a part that hangs does to the others."""
    with _crowd(PROCESSES):
        machine = LocalMachine()
        try:
            read = _read_ms(machine)
        finally:
            machine.close()
    yield "one reading of the computer", f"{read:.2f} ms", "", "20 ms of CPU", read <= 20.0
    joined = _join_ms()
    yield "memory joined and judged", f"{joined:.2f} ms", "", "", True
    share = (read + joined) / 10.0
    yield "both, once a second", f"{share:.2f} %", "", "0.5 % of a core", share <= 0.5
    alone, beside = asyncio.run(_gap_ms(hang=False)), asyncio.run(_gap_ms(hang=True))
    kept = beside <= 2.0 * alone + 50.0
    yield "readings beside one that hangs", f"{beside:.0f} ms", f"{alone:.0f} ms", "the same", kept


@contextmanager
def _crowd(count: int) -> Iterator[None]:
    """As many more processes as a desktop has."""
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    processes = [subprocess.Popen(sleeper) for _ in range(count)]
    try:
        # Those of the last seconds are looked at again and again: they may become engines yet.
        time.sleep(SETTLED_S)
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


def _read_ms(machine: LocalMachine) -> float:
    """CPU of one round over all parts, those of a slower pace by their share."""
    spent = 0.0
    for part in machine.parts:
        part.read()
        began = time.process_time()
        for _ in range(ROUNDS):
            part.read()
        spent += (time.process_time() - began) / ROUNDS / part.every
    return 1000.0 * spent


def _join_ms() -> float:
    """CPU of what each Snapshot adds, with the memory of the machine on the move."""
    simulator = Simulator("pressure")
    with serve(simulator) as url:
        probe = SimulatedMachine(simulator)
        snapshot: Snapshot = asyncio.run(
            Poller((parse_host(url, "bench"),), probe, lambda _: None).once()
        )
    machine = snapshot.machine.machine
    assert machine is not None
    watch = MemoryMonitor(Footprints(), lambda: None)
    began = time.process_time()
    for round in range(ROUNDS):
        used = machine.host.ram_used
        host = replace(machine.host, ram_used=Reading((used.value or 0) + round))
        known = Known(snapshot.runner, snapshot.models, now=float(round))
        memory = watch.look(replace(machine, host=host), known)
        find(replace(snapshot, memory=memory))
    return 1000.0 * (time.process_time() - began) / ROUNDS


async def _gap_ms(*, hang: bool) -> float:
    """The longest time between two readings of the host, with or without a part that hangs."""
    read_at: list[float] = []
    released = threading.Event()

    class Probe:
        def __init__(self) -> None:
            host = LocalMachine().parts[0]

            def read() -> object:
                read_at.append(time.monotonic())
                return host.read()

            stuck = Part("stuck", "container", lambda: released.wait(5.0) if hang else None)
            self.parts = (replace(host, read=read), stuck)

        def close(self) -> None:
            return None

    watch = MachineMonitor(Probe(), 0.25, lambda: None, time.time)
    task = asyncio.create_task(watch.run())
    await asyncio.sleep(4.0)
    task.cancel()
    released.set()
    return 1000.0 * max(b - a for a, b in itertools.pairwise(read_at))
