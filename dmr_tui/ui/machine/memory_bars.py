"""VRAM and RAM as stores: how much there is, and who holds which part of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dmr_tui.machine.gpu.gpu import Gpu
from dmr_tui.machine.probe import Machine
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.stats import Series
from dmr_tui.state.memory import MemoryState
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.format import Units
from dmr_tui.text.preferences import Preferences
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, fit, width_of
from dmr_tui.ui.widgets.pictures import Share, history, load_style, stacked

LABEL = 8
TALLEST = 5
"""Rows of a history at the most."""
LEAST = 48 * 2**20
"""Bytes below which a holder is not named."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A holder of so many bytes of a store."""

    name: str
    size: int
    sign: str


@dataclass(frozen=True, slots=True)
class Store:
    """One kind of memory."""

    label: str
    used: Reading[int]
    total: Reading[int]
    series: Series
    slices: tuple[Slice, ...] = ()


def stores(snapshot: Snapshot) -> list[Store]:
    """List a store for each GPU with memory of its own, and RAM; unified memory is one store."""
    state, machine = snapshot.machine, snapshot.machine.machine
    if machine is None:
        return []
    memory = snapshot.memory
    signs = _signs(memory)
    cut = {gpu.slice_of for gpu in machine.gpu.gpus}
    shown = [
        (gpu, series)
        for gpu, series in zip(machine.gpu.gpus, state.gpu_memory, strict=False)
        if gpu.index not in cut and gpu.memory_kind != "unified"
    ]
    found = []
    for gpu, series in shown:
        label = f"VRAM{gpu.index}" if len(shown) > 1 else "VRAM"
        slices = _of_gpu(gpu, memory, signs)
        found.append(Store(label, gpu.memory_used, gpu.memory_total, series, slices))
    # That of an Intel GPU in the processor is called RAM by everybody.
    unified = any(g.memory_kind == "unified" and g.maker != "Intel" for g in machine.gpu.gpus)
    if not machine.gpu.gpus:
        found.append(Store("VRAM", Reading(None, machine.gpu.reason), Reading(None), ()))
    ram = _of_ram(machine, memory, signs)
    host, label = machine.host, "unified" if unified else "RAM"
    return [*found, Store(label, host.ram_used, host.ram_total, state.ram, ram)]


def _signs(memory: MemoryState | None) -> Mapping[str, str]:
    """Choose the same filling for a model in every store."""
    models = sorted(each.key for each in (memory.usages if memory else ()) if each.key)
    return {key: GLYPHS.parts[place % len(GLYPHS.parts)] for place, key in enumerate(models)}


def _of_gpu(gpu: Gpu, memory: MemoryState | None, signs: Mapping[str, str]) -> tuple[Slice, ...]:
    used, processes = gpu.memory_used.value, gpu.processes.value
    if memory is None or used is None:
        return ()
    holders = {pid: each for each in memory.usages for pid in each.pids}
    held: dict[str, Slice] = {}
    for process in processes or ():
        if (size := process.memory.value) is None:
            continue
        usage = holders.get(process.pid)
        key = usage.key or usage.name if usage else str(process.pid)
        name = usage.name if usage else process.name or f"process {process.pid}"
        before = held[key].size if key in held else 0
        held[key] = Slice(name, before + size, signs.get(key, GLYPHS.others))
    slices = sorted(held.values(), key=lambda each: (each.sign == GLYPHS.others, -each.size))
    rest = used - sum(each.size for each in slices)
    if rest > LEAST:
        word = "unexplained" if processes is not None else "not told by whom"
        slices.append(Slice(word, rest, GLYPHS.rest))
    return tuple(slices)


def _of_ram(
    machine: Machine, memory: MemoryState | None, signs: Mapping[str, str]
) -> tuple[Slice, ...]:
    used = machine.host.ram_used.value
    if memory is None or used is None:
        return ()
    slices = [
        Slice(each.name, each.own.value, signs.get(each.key, GLYPHS.parts[0]))
        for each in memory.usages
        if each.key and each.own.value
    ]
    others = used - sum(each.size for each in slices)
    if others > LEAST:
        slices.append(Slice("other programs", others, GLYPHS.others))
    mapped = sum(each.mapped.value or 0 for each in memory.usages if each.key)
    if mapped > LEAST:
        slices.append(Slice("mapped weights", mapped, GLYPHS.mapped))
    return tuple(slices)


def bar_line(store: Store, width: int, preferences: Preferences, label: int = LABEL) -> Line:
    """Draw the store as a stacked bar with its numbers, or say why it is not known."""
    used, total = store.used.value, store.total.value
    if used is None or not total:
        reason = plain(store.used.reason or store.total.reason)
        return ((fit(store.label, label), "$label"), (f"{format.UNKNOWN} {reason}", "$label"))
    percent, units = 100.0 * used / total, preferences.units
    heavy, critical = preferences.thresholds.levels("memory")
    style = load_style(percent, heavy=heavy, critical=critical)
    value: list[Part] = [
        (f"{units.gib(used):>6}", "bold $value"),
        (f" / {units.gib(total).removesuffix('.0')} {units.memory_unit}", "$label"),
        (f"{percent:4.0f} %", "$label"),
        (" full" if percent >= critical else "", "bold $load-critical"),
    ]
    slices = store.slices or (Slice("used", used, GLYPHS.full),)
    quiet = {GLYPHS.others: "$label", GLYPHS.rest: "$label", GLYPHS.mapped: "$faint"}
    shares = [Share(100.0 * s.size / total, s.sign, quiet.get(s.sign, style)) for s in slices]
    bar = stacked(shares, max(4, width - label - width_of(value)))
    return ((fit(store.label, label), "$label"), *bar, *value)


def store_lines(
    shown: Sequence[Store],
    snapshot: Snapshot,
    preferences: Preferences,
    width: int,
    spare: int,
    *,
    label: int = LABEL,
    tallest: int = TALLEST,
) -> list[Line]:
    """Draw a bar for each store; holders and history below it as far as `spare` lines go."""
    spare = max(0, spare)
    known = [store for store in shown if store.used.value is not None]
    named = [store for store in known if store.slices][:spare]
    rows = min(tallest, (spare - len(named)) // max(1, len(known)))
    lines: list[Line] = []
    for store in shown:
        lines.append(bar_line(store, width, preferences, label))
        if store in named:
            lines.append(((" " * label, ""), *legend(store, width - label, preferences.units)))
        if store in known and rows:
            cells = min(60, width - label - 6)
            span = f" {format.age(cells * snapshot.machine.span_s / 60.0)}"
            pictures = history(store.series[-cells:], cells, 100.0, rows=rows)
            lines += [
                ((" " * label, ""), (row, "$faint"), (span if number == rows else "", "$faint"))
                for number, row in enumerate(pictures, 1)
            ]
    return lines


def short_name(name: str) -> str:
    """Return the name of a model without its repository and quantization."""
    return plain(name).rpartition("/")[2].partition(":")[0] or plain(name)


def legend(store: Store, width: int, units: Units) -> Line:
    """Return the holders of the store, the largest that fit into the line; the rest is counted."""
    parts: list[Part] = []
    named = [each for each in store.slices if each.size > LEAST]
    for place, each in enumerate(named):
        dot = f" {GLYPHS.dot} " if parts else ""
        size = units.gib(each.size)
        cells = width - width_of(parts) - len(dot) - len(each.sign) - len(size) - 2
        if place < len(named) - 1:
            cells -= len(f" {GLYPHS.dot} {len(named) - place - 1} more")
        name = short_name(each.name) if each.sign in GLYPHS.parts else plain(each.name)
        if len(name) > cells and cells < 8:
            parts.append((f"{dot}{len(named) - place} more", "$faint"))
            break
        parts += [
            (dot, "$faint"),
            (f"{each.sign} ", "$label"),
            (name if len(name) <= cells else fit(name, cells), "$label"),
            (f" {size}", "$value"),
        ]
    return tuple(parts)


def pressure_line(snapshot: Snapshot, preferences: Preferences) -> Line:
    """Return the pressure in a word with its cause, swap, and a container that has a limit."""
    machine, memory = snapshot.machine.machine, snapshot.memory
    if machine is None:
        return ()
    parts: list[Part] = [("pressure ", "$label")]
    judged = memory.pressure if memory else None
    if judged is None or judged.word is None:
        parts.append((format.UNKNOWN, "$label"))
    else:
        styles = {
            "none": "$load-ok",
            "some": "$value",
            "high": "bold $load-heavy",
            "critical": "bold $load-critical",
        }
        parts.append((judged.word, styles[judged.word]))
    parts += [(f" {GLYPHS.dot} ", "$faint"), *_swap(machine, preferences)]
    parts += _container(machine, preferences)
    if judged is not None and judged.cause:
        parts += [(f" {GLYPHS.dot} ", "$faint"), (judged.cause, "$label")]
    return tuple(parts)


def _container(machine: Machine, preferences: Preferences) -> list[Part]:
    """Say what the runner's container needs of its limit, mapped pages apart, if it has one."""
    container = machine.container.container
    if container is None or not container.limit.value:
        return []
    units, full = preferences.units, preferences.thresholds.level("container")
    needed, limit = container.needed.value, container.limit.value
    heavy = needed is not None and 100.0 * needed >= full * limit
    parts: list[Part] = [
        (f" {GLYPHS.dot} container ", "$label"),
        (units.gib(needed), "bold $load-heavy" if heavy else "bold $value"),
        (f" of {units.gib(limit)} {units.memory_unit}", "$label"),
    ]
    if container.mapped.value is not None:
        parts.append((f", {units.gib(container.mapped.value)} mapped", "$label"))
    return parts


def _swap(machine: Machine, preferences: Preferences) -> list[Part]:
    used, total = machine.host.swap_used, machine.host.swap_total
    if used.value is None or total.value is None:
        return [("swap ", "$label"), (f"{format.UNKNOWN} {plain(used.reason)}", "$label")]
    if total.value == 0:
        return [("no swap", "$label")]
    units = preferences.units
    heavy = 100.0 * used.value > preferences.thresholds.level("swap") * total.value
    return [
        ("swap ", "$label"),
        (units.gib(used.value), "bold $load-heavy" if heavy else "bold $value"),
        (f" of {units.gib(total.value)} {units.memory_unit}", "$label"),
    ]
