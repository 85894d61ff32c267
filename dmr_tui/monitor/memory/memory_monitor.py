"""Joins machine, models, engines and log into who holds memory and what fits.

Nothing of it is needed for the first paint, so that it is imported after that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from msgspec.structs import replace

from dmr_tui.machine.probe import Machine
from dmr_tui.machine.processes import EngineProcess
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import LaunchConfig, MemoryPool
from dmr_tui.measure.pressure_level import judge as judge_pressure
from dmr_tui.measure.thresholds import DEFAULTS, Thresholds
from dmr_tui.monitor.memory.attribution import attribute
from dmr_tui.monitor.memory.engine_flags import read_flags
from dmr_tui.monitor.memory.fits import (
    Architectures,
    default_launch,
    find_fits,
    held_by,
    launch_with,
)
from dmr_tui.monitor.memory.footprints import Footprints
from dmr_tui.monitor.memory.pool import find_pool
from dmr_tui.runner.wire import Configured
from dmr_tui.state.engine_facts import EngineFacts
from dmr_tui.state.memory import Fit, Footprint, LoadConditions, MemoryState, MemoryUsage
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Runner
from dmr_tui.state.source_state import SourceState

STEADY = 48 * 2**20
"""Bytes by which what is free may waver without another verdict."""
SETTLED_S = 2.0
"""Seconds after which a load has taken what it takes."""
FRESH_S = 12.0
"""Seconds within which RAM is what the load took; later an engine also holds cached prompts."""
ELSEWHERE = "the runner is on another machine: what is free there cannot be seen from here"


@dataclass(frozen=True, slots=True)
class Known:
    """The runner's side: models, engines and log."""

    runner: Runner
    rows: Sequence[ModelRow] = ()
    configured: Sequence[Configured] = ()
    facts: Mapping[str, EngineFacts] | None = None
    now: float = 0.0
    """By the runner's clock."""


class MemoryMonitor:
    """The newest MemoryState, joined again when something changed."""

    def __init__(
        self, loads: Footprints, news: Callable[[], None], thresholds: Thresholds = DEFAULTS
    ) -> None:
        """`news` is called when a load is to be remembered."""
        self._thresholds = thresholds
        self._loads = loads
        self._news = news
        self._architectures = Architectures()
        self.loading: LoadConditions | None = None
        """Inputs of the newest verdicts; None until the machine was read."""
        self._free: int | None = None
        self._slots: int | None = None
        self._began = False
        self._ready: dict[str, tuple[int, ...]] = {}
        self._seen_at: dict[str, float] = {}
        self._fits: tuple[object, Mapping[str, Fit]] | None = None
        self._version = 0

    @property
    def state(self) -> SourceState | None:
        """State of the footprints file as a source; None if there is nothing to report."""
        if not self._loads.problem:
            return None
        return SourceState("remembered loads", "stale", self._loads.problem)

    def look(self, machine: Machine | None, known: Known) -> MemoryState | None:
        """The memory state now; None until the machine was read."""
        if machine is None:
            return None
        endpoint = known.runner.endpoint
        if endpoint is None or not endpoint.is_this_machine:
            return self._elsewhere(known)
        facts = known.facts or {}
        usages, rest, note = attribute(machine, known.rows, facts)
        pool = self._steady(find_pool(machine, known.runner.backends, usages))
        launches = _running(machine, known.rows, facts)
        if pool.value is not None:
            self._remember(usages, pool.value, launches, known)
        # Engines of one runner start alike, also while none of them is there.
        self._slots = _slots(machine, facts) or self._slots
        loading = LoadConditions(pool, held_by(usages, pool), launches, self._slots)
        self.loading = loading
        fits = self._find_fits(known, loading)
        return MemoryState(
            pool=pool,
            usages=tuple(_with_parts(each, fits) for each in usages),
            vram_rest=rest,
            pressure=judge_pressure(machine.host, machine.container.container, self._thresholds),
            fits=fits,
            note=note,
        )

    def _elsewhere(self, known: Known) -> MemoryState:
        pool: Reading[MemoryPool] = Reading(None, ELSEWHERE)
        self.loading = LoadConditions(pool)
        return MemoryState(pool=pool, fits=self._find_fits(known, self.loading), note=ELSEWHERE)

    def _find_fits(self, known: Known, loading: LoadConditions) -> Mapping[str, Fit]:
        # What a model holds wavers by a few pages.
        held = tuple((each.key, each.size // STEADY, each.busy) for each in loading.held)
        launches = tuple((loading.launches or {}).items())
        models = tuple(
            (row.key, row.context, tuple((run.state == "loading") for run in row.runs))
            for row in known.rows
        )
        key = (models, tuple(known.configured), loading.pool, held, launches, loading.slots)
        if self._fits is None or self._fits[0] != (key, self._version):
            fits = find_fits(
                known.rows, known.configured, loading, self._architectures, self._loads
            )
            self._fits = ((key, self._version), MappingProxyType(fits))
        return self._fits[1]

    def _steady(self, pool: Reading[MemoryPool]) -> Reading[MemoryPool]:
        if pool.value is None:
            return pool
        if self._free is None or abs(pool.value.free - self._free) > STEADY:
            self._free = pool.value.free
        return Reading(replace(pool.value, free=self._free))

    def _remember(
        self,
        usages: Sequence[MemoryUsage],
        pool: MemoryPool,
        launches: Mapping[str, LaunchConfig],
        known: Known,
    ) -> None:
        """Keep what a load took, as soon as it has taken it."""
        idle = {row.key for row in known.rows if any(r.state != "loading" for r in row.runs)}
        ready = {each.key: each.pids for each in usages if each.key in idle and each.pids}
        for key, pids in ready.items():
            if self._ready.get(key) != pids:
                self._seen_at[key] = known.now
        self._ready = ready
        if not self._began and known.rows:
            # Loaded before we came: its age is unknown.
            self._began = True
            self._seen_at = dict.fromkeys(ready, known.now - 2.0 * FRESH_S)
        for each in usages:
            if each.key not in ready or each.key not in launches:
                continue
            age = known.now - self._seen_at.get(each.key, known.now)
            if age >= SETTLED_S and self._take(each, pool, launches[each.key], known, age):
                self._version += 1
                self._news()

    def _take(
        self, usage: MemoryUsage, pool: MemoryPool, launch: LaunchConfig, known: Known, age: float
    ) -> bool:
        on_gpu = pool.kind == "VRAM"
        if sum(row.key == usage.key and len(row.runs) == 1 for row in known.rows) != 1:
            # Of two engines of one model it is unknown which took what.
            return False
        size = usage.vram.value if on_gpu else usage.ram.value
        if not size or (not on_gpu and age > FRESH_S):
            return False
        footprint = Footprint(
            usage.key,
            launch,
            size,
            pool.kind,
            pool.source if on_gpu else "resident memory",
            known.now,
        )
        if usage.parts_source == "engine log":
            footprint = replace(
                footprint,
                weights=usage.weights.value,
                cache=usage.cache.value,
                compute=usage.compute.value,
            )
        return self._loads.put(footprint)


def _with_parts(usage: MemoryUsage, fits: Mapping[str, Fit]) -> MemoryUsage:
    """Parts by the formula, marked as such, where the log does not report them."""
    fit = fits.get(usage.key)
    if fit is None or usage.parts_source or fit.estimate.total.value is None:
        return usage
    estimate = fit.estimate
    return replace(
        usage,
        weights=estimate.weights,
        cache=estimate.cache,
        compute=estimate.compute,
        parts_source="estimate",
    )


def _running(
    machine: Machine, rows: Sequence[ModelRow], facts: Mapping[str, EngineFacts]
) -> dict[str, LaunchConfig]:
    """Launch config of each loaded model: by its command line, else by log and config."""
    engines: dict[str, EngineProcess] = {
        engine.digest: engine for engine in machine.processes.engines if engine.digest
    }
    launches = {}
    for row in rows:
        engine = engines.get(row.key)
        if not row.runs or row.digest is None or engine is None:
            continue
        flags = read_flags(engine.arguments)
        logged = facts.get(row.digest)
        slots = logged.slots if logged is not None else None
        if flags.context is None or flags.context <= 0:
            launches[row.key], _ = default_launch(row, flags, slots)
            if logged is not None and logged.context is not None:
                launches[row.key] = replace(launches[row.key], context=logged.context)
        else:
            launches[row.key] = launch_with(flags, flags.context, slots)
    return launches


def _slots(machine: Machine, facts: Mapping[str, EngineFacts]) -> int | None:
    """With how many slots an engine started here that was told no number."""
    logged = (
        facts[digest].slots
        for engine in machine.processes.engines
        if (digest := engine.digest or "") in facts and read_flags(engine.arguments).slots is None
    )
    return min((slots for slots in logged if slots), default=None)
