"""Made-up moments of a computer's memory, joined as the monitor joins them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from textual.pilot import Pilot

from dmr_tui.machine.gpu.gpu import Gpu
from dmr_tui.machine.host import Host
from dmr_tui.machine.probe import Machine
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import LaunchConfig
from dmr_tui.monitor.memory.footprints import Footprints
from dmr_tui.monitor.memory.memory_monitor import Known, MemoryMonitor
from dmr_tui.monitor.model_rows import Installed, Loaded
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.runner.wire import Model, Running
from dmr_tui.simulator.models.library import GEMMA3, LLAMA32, NOMIC, PHI4, QWEN3, SMOLLM2
from dmr_tui.simulator.models.model import Model as Simulated
from dmr_tui.state.engine_facts import EngineFacts
from dmr_tui.state.memory import Footprint
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import MachineState, Runner, Snapshot
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.memory.memory_screen import MemoryScreen
from tests.monitor.hardware import card, computer, engine, packaged, user
from tests.ui.screen import shows
from tests.ui.still import GIB, HOST, NOW, StillMonitor, machine, snapshot, wave
from tests.waiting import until

Test = Callable[[Pilot[None], MemoryScreen, StillMonitor], Awaitable[None]]
WIDE, SMALL = (140, 42), (80, 24)
INSTALLED = packaged(QWEN3, GEMMA3, PHI4, LLAMA32, NOMIC, SMOLLM2)
LOADED = (QWEN3.name, NOMIC.name)
PRESSED = replace(
    HOST,
    ram_used=Reading(int(60.2 * GIB)),
    swap_used=Reading(3 * GIB),
    pressure=replace(HOST.pressure, some=Reading(31.0), full=Reading(8.0)),
)
"""A computer that has to look for memory."""
QWEN3_TOOK = Footprint(
    QWEN3.digest,
    LaunchConfig(8192),
    int(6.2 * GIB),
    "VRAM",
    "NVML",
    NOW - 900,
    weights=int(4.6 * GIB),
    cache=int(1.13 * GIB),
    compute=int(0.3 * GIB),
)


def rows(
    *loaded: str, models: list[Model] = INSTALLED, loading: bool = False
) -> tuple[ModelRow, ...]:
    """The models, with those of these names loaded."""
    modes = {NOMIC.name: "embedding"}
    running = [
        Running("llama.cpp", name, modes.get(name, "completion"), loading=loading)
        for name in loaded
    ]
    facts = {QWEN3.digest: EngineFacts(NOW - 900, context=8192, slots=4)}
    return Installed(models).rows(Loaded(running, facts=facts))


def beside_blender(host: Host = HOST) -> Machine:
    """A GPU that two models and a program of somebody's share, and 0.9 GiB nobody owns up to."""
    users = (
        user(11, "llama-server", 6.2),
        user(12, "llama-server", 0.7),
        user(30, "blender", 9.0),
    )
    engines = (
        engine(11, QWEN3.digest),
        engine(12, NOMIC.digest, mode="embedding", arguments=("-ngl", "999")),
    )
    return computer(card(*users, used=16.8), engines=engines, host=host)


def two_gpus() -> Machine:
    """One model that is spread over two GPUs."""
    gpus: tuple[Gpu, ...] = (
        card(user(11, "llama-server", 4.0), used=4.4),
        card(user(11, "llama-server", 3.0), user(30, "blender", 2.0), used=5.4, index=1),
    )
    return computer(*gpus, engines=(engine(11, QWEN3.digest),))


def no_gpu(host: Host = HOST) -> Machine:
    """Models go to RAM."""
    own, mapped = Reading(2 * GIB), Reading(4 * GIB)
    return computer(engines=(engine(11, QWEN3.digest, own=own, mapped=mapped),), host=host)


def still(
    on: Machine | None = None,
    models: tuple[ModelRow, ...] | None = None,
    *,
    host: str = "localhost",
    took: tuple[Footprint, ...] = (QWEN3_TOOK,),
    **more: object,
) -> Snapshot:
    """The Snapshot of that computer beside those models."""
    on = beside_blender() if on is None else on
    models = rows(*LOADED) if models is None else models
    loads = Footprints()
    for each in took:
        loads.put(each)
    shown = snapshot(models=models, in_flight=())
    runner: Runner = replace(shown.runner, endpoint=parse_host(host, "test"))
    facts = {QWEN3.digest: EngineFacts(NOW - 900, context=8192, slots=4)}
    memory = MemoryMonitor(loads, lambda: None).look(
        on, Known(runner, models, now=NOW, facts=facts)
    )
    state: MachineState = replace(
        machine(on.gpu, on.host),
        machine=on,
        ram=wave(34.0, 30.0),
        gpu_memory=tuple(wave(70.0, 40.0) for _ in on.gpu.gpus),
    )
    return replace(shown, **{"runner": runner, "memory": memory, "machine": state, **more})  # type: ignore[arg-type]


async def shown(
    snapshot: Snapshot, test: Test, *, at: Simulated | None = None, size: tuple[int, int] = WIDE
) -> None:
    """Run `test` in front of the memory screen, the cursor on the model `at`."""
    monitor = StillMonitor(snapshot, read_only=snapshot.read_only)
    app = DashboardApp(monitor)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.press("3")
        await shows(app, "Who holds what", "What if")
        screen = app.screen
        assert isinstance(screen, MemoryScreen)
        if at is not None:
            screen.go_to(at.digest)
            await until(lambda: screen.what_if.row and screen.what_if.row.key == at.digest)
        await test(pilot, screen, monitor)
