"""Which runner a command means: a real one, or for --demo a simulated one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from dmr_tui.machine.probe import LocalMachine, MachineProbe
from dmr_tui.monitor.snapshot import DEMO_RULE
from dmr_tui.runner.endpoint import Endpoint, candidates, parse_host
from dmr_tui.settings import Settings

DEMO_SCENARIO = "workflow"


@contextmanager
def chosen(settings: Settings, *, demo: bool) -> Iterator[tuple[Sequence[Endpoint], MachineProbe]]:
    """The addresses to try and the machine to read; a simulated runner ends with the block."""
    if not demo:
        yield candidates(settings.host, settings.host_rule), LocalMachine()
        return
    with demo_runner() as (endpoint, machine):
        yield (endpoint,), machine


@contextmanager
def demo_runner() -> Iterator[tuple[Endpoint, MachineProbe]]:
    """A simulated runner with n8n's traffic, served over HTTP, and the machine under it."""
    from dmr_tui.simulator.machine import SimulatedMachine
    from dmr_tui.simulator.server import Simulator, serve

    simulator = Simulator(DEMO_SCENARIO)
    with serve(simulator) as url:
        yield parse_host(url, DEMO_RULE), SimulatedMachine(simulator)
