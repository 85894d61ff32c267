"""Memory usage: engine processes joined to their models, other users of a GPU by name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from dmr_tui.machine.gpu.gpu import Gpu, GpuProcess
from dmr_tui.machine.probe import Machine
from dmr_tui.machine.processes import EngineProcess
from dmr_tui.machine.reading import Reading
from dmr_tui.state.engine_facts import EngineFacts
from dmr_tui.state.memory import NOWHERE, MemoryUsage
from dmr_tui.state.model_row import ModelRow


class _GpuUsers:
    """Users of GPU memory, over all GPUs."""

    def __init__(self, gpus: tuple[Gpu, ...]) -> None:
        cut = {gpu.slice_of for gpu in gpus}
        self._gpus = [gpu for gpu in gpus if gpu.index not in cut]
        self._lists = [gpu.processes for gpu in self._gpus]
        self._by_pid: dict[int, list[GpuProcess]] = defaultdict(list)
        for processes in self._lists:
            for process in processes.value or ():
                self._by_pid[process.pid].append(process)

    def of(self, pids: Iterable[int]) -> Reading[int]:
        """Bytes that these processes hold together."""
        if not self._gpus:
            return Reading(None, "no GPU that can be seen")
        hidden = next((p.reason for p in self._lists if p.value is None), None)
        found = [process for pid in pids for process in self._by_pid.get(pid, ())]
        if hidden is not None and not found:
            return Reading(None, hidden)
        return _sum(process.memory for process in found)

    def others(self, mine: set[int]) -> list[MemoryUsage]:
        """The other programs, those of one name together."""
        named: dict[str, list[GpuProcess]] = defaultdict(list)
        for pid, processes in self._by_pid.items():
            if pid not in mine:
                named[processes[0].name or f"process {pid}"] += processes
        return [
            MemoryUsage(
                "",
                name,
                vram=_sum(process.memory for process in processes),
                own=NOWHERE,
                pids=tuple(dict.fromkeys(process.pid for process in processes)),
            )
            for name, processes in named.items()
        ]

    def rest(self) -> Reading[int]:
        """Bytes in use that no process explains: the driver's own, other users', other machines'.

        Of a GPU without memory of its own there is no such rest.
        """
        rest = 0
        for gpu, processes in zip(self._gpus, self._lists, strict=True):
            if gpu.memory_kind == "unified":
                continue
            if gpu.memory_used.value is None:
                return Reading(None, gpu.memory_used.reason)
            if processes.value is None:
                return Reading(None, processes.reason)
            held = _sum(process.memory for process in processes.value)
            if held.value is None:
                return held
            rest += max(0, gpu.memory_used.value - held.value)
        return Reading(rest) if self._gpus else Reading(None, "no GPU that can be seen")


def attribute(
    machine: Machine, rows: Sequence[ModelRow], facts: Mapping[str, EngineFacts]
) -> tuple[tuple[MemoryUsage, ...], Reading[int], str]:
    """Memory held by models and others, the unexplained rest on GPUs, and what is not seen."""
    engines: dict[str, list[EngineProcess]] = defaultdict(list)
    for engine in machine.processes.engines:
        engines[engine.digest or ""].append(engine)
    on_gpus = _GpuUsers(machine.gpu.gpus)
    models = [
        _model(row, engines.pop(row.digest or "", []), on_gpus, facts.get(row.digest or ""))
        for row in rows
        if row.runs
    ]
    # An engine of which the runner says nothing: it is ending, or another runner's.
    models += [_unmatched(own, on_gpus, rows) for digest, own in engines.items() if own or digest]
    mine = {pid for each in models for pid in each.pids}
    usages = [*models, *on_gpus.others(mine)]
    return (
        tuple(sorted(usages, key=_order)),
        on_gpus.rest(),
        _unseen(machine, models),
    )


def _order(usage: MemoryUsage) -> tuple[bool, int, str]:
    size = usage.vram.value or usage.ram.value or 0
    return (not usage.key, -size, usage.name)


def _unseen(machine: Machine, models: Iterable[MemoryUsage]) -> str:
    if machine.processes.reason:
        return machine.processes.reason
    if any(not each.pids for each in models):
        return "the engine processes of loaded models cannot be seen from here"
    return ""


def _model(
    row: ModelRow,
    engines: list[EngineProcess],
    on_gpus: _GpuUsers,
    facts: EngineFacts | None,
) -> MemoryUsage:
    usage = _held(row.key, row.name, engines, on_gpus, any(r.state == "busy" for r in row.runs))
    if facts is None or facts.weights is None:
        return usage
    return replace(
        usage,
        weights=_logged(facts.weights),
        cache=_logged(facts.cache),
        compute=_logged(facts.compute),
        parts_source="engine log",
        layers=facts.layers,
    )


def _logged(size: int | None) -> Reading[int]:
    return Reading(size, "" if size is not None else "the engine's log does not tell")


def _unmatched(
    engines: list[EngineProcess], on_gpus: _GpuUsers, rows: Sequence[ModelRow]
) -> MemoryUsage:
    digest = engines[0].digest
    known = next((row.name for row in rows if row.digest == digest and digest), "")
    name = f"{known or engines[0].name} (not in the runner's list)"
    return _held("", name, engines, on_gpus, busy=False)


def _held(
    key: str, name: str, engines: list[EngineProcess], on_gpus: _GpuUsers, busy: bool
) -> MemoryUsage:
    pids = tuple(engine.pid for engine in engines)
    if not engines:
        unseen = "its engine process cannot be seen"
        return MemoryUsage(key, name, Reading(None, unseen), Reading(None, unseen), busy=busy)
    return MemoryUsage(
        key,
        name,
        vram=on_gpus.of(pids),
        own=_sum(engine.own for engine in engines),
        mapped=_sum(engine.mapped for engine in engines),
        swapped=_sum(engine.swapped for engine in engines),
        cpu=_sum_cpu([engine.cpu for engine in engines]),
        pids=pids,
        busy=busy,
    )


def _sum(readings: Iterable[Reading[int]]) -> Reading[int]:
    total = 0
    for reading in readings:
        if reading.value is None:
            return reading
        total += reading.value
    return Reading(total)


def _sum_cpu(readings: Sequence[Reading[float]]) -> Reading[float]:
    known = [reading.value for reading in readings if reading.value is not None]
    return Reading(sum(known)) if len(known) == len(readings) else readings[0]
