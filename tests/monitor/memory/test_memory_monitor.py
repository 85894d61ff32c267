"""Machine, models, engines and log joined: what is held, what fits, what a load took."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.machine.probe import Machine
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import LaunchConfig
from dmr_tui.monitor.live import Monitor
from dmr_tui.monitor.memory.footprints import FILE, Footprints
from dmr_tui.monitor.memory.memory_monitor import ELSEWHERE, FRESH_S, STEADY, Known, MemoryMonitor
from dmr_tui.monitor.model_rows import Installed, Loaded
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.runner.wire import Running
from dmr_tui.simulator.models.library import GEMMA3, INSTALLED, LLAMA32, QWEN3
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.state.engine_facts import EngineFacts
from dmr_tui.state.memory import Footprint, MemoryState
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Runner, Snapshot
from dmr_tui.text.alerts import alert_text
from dmr_tui.text.format import DEFAULT_UNITS
from tests.monitor.hardware import card, computer, engine, packaged, user
from tests.ui.still import GIB, HOST
from tests.waiting import until_true

HERE = Runner(up=True, endpoint=parse_host("localhost", "test"))
THERE = Runner(up=True, endpoint=parse_host("gpubox:12434", "test"))
MODELS = Installed(packaged(*INSTALLED))


def rows(*loaded: str, loading: bool = False, busy: bool = False) -> tuple[ModelRow, ...]:
    ps = [Running("llama.cpp", n, "completion", loading=loading, in_use=busy) for n in loaded]
    return MODELS.rows(Loaded(ps))


def gpu_machine(qwen_gib: float | None = 6.5, pid: int = 10, other: float = 2.0) -> Machine:
    users = [user(30, "blender", other)]
    if qwen_gib is not None:
        users.append(user(pid, "llama-server", qwen_gib))
    used = other + (qwen_gib or 0.0)
    engines = () if qwen_gib is None else (engine(pid, QWEN3.digest),)
    return computer(card(*users, used=used), engines=engines)


class Watched:
    """A MemoryMonitor that is shown one moment after another."""

    def __init__(self, folder: Path | None = None) -> None:
        self.loads = Footprints(folder)
        self.news = 0
        self.watch = MemoryMonitor(self.loads, self._heard)

    def _heard(self) -> None:
        self.news += 1

    def look(
        self, machine: Machine, rows: tuple[ModelRow, ...], now: float = 0.0, **more: object
    ) -> MemoryState:
        known = Known(**{"runner": HERE, "rows": rows, "now": now, **more})  # type: ignore[arg-type]
        state = self.watch.look(machine, known)
        assert state is not None
        return state


def test_nothing_is_known_before_the_machine_was_read() -> None:
    assert Watched().watch.look(None, Known(HERE)) is None


def test_loaded_models_hold_and_others_fit_or_not() -> None:
    state = Watched().look(gpu_machine(), rows(QWEN3.name))
    usage = state.usage(QWEN3.digest)
    assert usage is not None
    assert usage.vram.value == int(6.5 * GIB)
    assert usage.parts_source == "estimate"
    assert usage.weights.value == state.fits[QWEN3.digest].estimate.weights.value
    assert state.fits[QWEN3.digest].verdict == "loaded"
    assert state.fits[LLAMA32.digest].verdict == "fits"
    assert state.pool.value is not None
    assert state.pool.value.kind == "VRAM"


def test_another_machine_is_not_passed_off_as_the_runners() -> None:
    state = Watched().look(gpu_machine(), rows(QWEN3.name), runner=THERE)
    assert state.pool == Reading(None, ELSEWHERE)
    assert state.usages == ()
    assert state.pressure.word is None
    assert state.fits[LLAMA32.digest].verdict == "unknown"
    assert state.fits[LLAMA32.digest].need.weights.value is not None


def test_verdicts_do_not_waver_with_what_is_free() -> None:
    watched = Watched()
    first = watched.look(gpu_machine(other=2.0), rows(QWEN3.name))
    step = 0.5 * STEADY / GIB
    second = watched.look(gpu_machine(other=2.0 + step), rows(QWEN3.name))
    assert second.pool == first.pool
    assert second.fits is first.fits, "nothing was computed again"
    third = watched.look(gpu_machine(other=3.0), rows(QWEN3.name))
    assert third.pool != first.pool
    assert third.fits is not first.fits


def test_what_a_load_took_is_remembered_once_it_has_settled() -> None:
    watched = Watched()
    watched.look(gpu_machine(None), rows(), 0.0)
    watched.look(gpu_machine(3.0), rows(QWEN3.name, loading=True), 1.0)
    watched.look(gpu_machine(6.0), rows(QWEN3.name), 2.0)
    assert watched.news == 0, "it may still take more"
    watched.look(gpu_machine(6.5), rows(QWEN3.name), 5.0)
    assert watched.news == 1
    gone = watched.look(gpu_machine(None), rows(), 60.0)
    fit = gone.fits[QWEN3.digest]
    assert fit.footprint is not None
    assert (fit.footprint.total, fit.footprint.source) == (int(6.5 * GIB), "NVML")
    assert fit.need.total.value == int(6.5 * GIB)
    assert fit.error is not None
    watched.look(gpu_machine(6.5, pid=11), rows(QWEN3.name), 70.0)
    watched.look(gpu_machine(6.5, pid=11), rows(QWEN3.name), 75.0)
    assert watched.news == 1, "it took the same again"


def test_ram_is_remembered_only_while_it_is_what_the_load_took() -> None:
    def in_ram(gib: float) -> Machine:
        own = Reading(int(gib * GIB))
        return computer(engines=(engine(10, QWEN3.digest, own=own, mapped=Reading(0)),))

    watched = Watched()
    watched.look(computer(), rows(), 0.0)
    watched.look(in_ram(5.0), rows(QWEN3.name), 1.0)
    watched.look(in_ram(6.0), rows(QWEN3.name), 4.0)
    assert watched.news == 1
    watched.look(in_ram(12.0), rows(QWEN3.name), 2.0 + 2 * FRESH_S)
    assert watched.news == 1, "cached prompts are not what the load took"
    found = watched.look(computer(), rows(), 90.0).fits[QWEN3.digest].footprint
    assert found is not None
    assert (found.total, found.kind, found.source) == (6 * GIB, "RAM", "resident memory")


def test_ram_of_a_model_that_was_loaded_before_is_not_remembered() -> None:
    watched = Watched()
    machine = computer(engines=(engine(10, QWEN3.digest),))
    watched.look(machine, rows(QWEN3.name), 0.0)
    watched.look(machine, rows(QWEN3.name), 5.0)
    assert watched.news == 0


def test_vram_of_a_model_that_was_loaded_before_is_remembered() -> None:
    watched = Watched()
    watched.look(gpu_machine(), rows(QWEN3.name), 0.0)
    assert watched.news == 1


def test_the_engines_own_words_are_remembered_by_their_parts() -> None:
    buffers = (
        ("CUDA0", "weights", 5 * GIB),
        ("CUDA0", "cache", GIB),
        ("CUDA0", "compute", GIB // 4),
    )
    facts = EngineFacts(0.0, 8192, 1, buffers=buffers)
    watched = Watched()
    watched.look(gpu_machine(), rows(QWEN3.name), facts={QWEN3.digest: facts})
    fit = watched.look(gpu_machine(None), rows()).fits[QWEN3.digest]
    assert fit.footprint is not None
    assert (fit.footprint.weights, fit.footprint.cache, fit.footprint.compute) == (
        5 * GIB,
        GIB,
        GIB // 4,
    )


def test_how_a_loaded_model_was_started_is_read_from_its_process() -> None:
    words = ("--model", "x", "--ctx-size", "4096", "-ctk", "q8_0", "-np", "2")
    one = engine(10, QWEN3.digest, arguments=words)
    machine = computer(card(user(10, "llama-server", 6.0)), engines=(one,))
    asked = Watched().look(machine, rows(QWEN3.name)).fits[QWEN3.digest].need.launch
    assert (asked.context, asked.key_type, asked.value_type, asked.slots) == (
        4096,
        "q8_0",
        "f16",
        2,
    )


def test_slots_that_an_engine_chose_itself_are_those_of_the_next() -> None:
    facts = {QWEN3.digest: EngineFacts(0.0, 8192, 1)}
    watched = Watched()
    state = watched.look(gpu_machine(), rows(QWEN3.name), facts=facts)
    assert state.fits[GEMMA3.digest].need.launch.slots == 1
    gone = watched.look(gpu_machine(None), rows())
    assert gone.fits[GEMMA3.digest].need.launch.slots == 1, "also while none is loaded"


def test_a_model_that_is_being_loaded_is_not_to_be_unloaded_for_itself() -> None:
    full = gpu_machine(3.0, other=17.5)
    fit = Watched().look(full, rows(QWEN3.name, loading=True)).fits[QWEN3.digest]
    assert (fit.unload, fit.smaller) == (None, None)
    alone = Watched().look(gpu_machine(3.0, other=14.0), rows(QWEN3.name, loading=True))
    assert alone.fits[QWEN3.digest].verdict == "fits", "what it has already is its own"


def test_pressure_is_judged() -> None:
    state = Watched().look(computer(host=replace(HOST)), rows())
    assert state.pressure.word in {"none", None}
    full = replace(HOST, ram_used=Reading(int(63.8 * GIB)))
    assert Watched().look(computer(host=full), rows()).pressure.word in {"high", "critical"}


def test_a_file_that_cannot_be_kept_is_a_source_with_a_problem(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    watched = Watched(blocked)
    assert watched.watch.state is None
    watched.look(gpu_machine(), rows(QWEN3.name))
    watched.loads.write()
    state = watched.watch.state
    assert state is not None
    assert state.health == "stale"
    assert "cannot be kept" in state.reason


def settled_memory(folder: Path, scenario: str, fact: Callable[[Snapshot], object]) -> Snapshot:
    """A monitor beside a simulated runner, until `fact` is true of what it says."""
    simulator = Simulator(scenario)
    with serve(simulator) as url:
        seen: list[Snapshot] = []
        monitor = Monitor(
            (parse_host(url, "test"),), SimulatedMachine(simulator), interval=0.25, kept=folder
        )
        monitor.start(seen.append, lambda error: None)
        try:
            until_true(lambda: seen and fact(seen[-1]))
            return seen[-1]
        finally:
            monitor.stop()


def test_a_monitor_keeps_what_loads_took_and_the_next_one_knows_it(tmp_path: Path) -> None:
    settled_memory(tmp_path, "quiet", lambda snapshot: (tmp_path / FILE).exists())

    def known(snapshot: Snapshot) -> bool:
        fit = snapshot.memory.fits.get(QWEN3.digest) if snapshot.memory else None
        return fit is not None and fit.footprint is not None

    snapshot = settled_memory(tmp_path, "quiet", known)
    assert snapshot.memory is not None
    usage = snapshot.memory.usage(QWEN3.digest)
    assert usage is not None
    assert snapshot.memory.fits[QWEN3.digest].footprint.total == usage.vram.value  # type: ignore[union-attr]


def test_a_monitor_reads_what_was_kept_of_models_that_are_not_loaded(tmp_path: Path) -> None:
    kept = Footprints(tmp_path)
    kept.put(Footprint(GEMMA3.digest, LaunchConfig(131072), 7 * GIB, "VRAM", "NVML", 1.0))
    kept.write()
    snapshot = settled_memory(tmp_path, "quiet", lambda s: s.memory and s.memory.fits)
    assert snapshot.memory is not None
    assert snapshot.memory.fits[GEMMA3.digest].need.total.value == 7 * GIB


def test_a_monitor_warns(tmp_path: Path) -> None:
    snapshot = settled_memory(tmp_path, "pressure", lambda s: s.alerts)
    told = [alert_text(alert, snapshot, DEFAULT_UNITS, 0.0) for alert in snapshot.alerts]
    assert all(text and step for text, step in told)
