"""The memory that a model needs, what is free, and the verdict, in words."""

from dmr_tui.measure.fit import MemoryEstimate, MemoryPool
from dmr_tui.state.memory import Fit
from dmr_tui.text import format
from dmr_tui.text.format import Units


def need_text(need: MemoryEstimate, units: Units) -> str:
    """The memory that a load takes: "~" before an estimate, ">" where a part of it is unknown."""
    total = need.total.value
    if total is not None:
        return f"{'~' if need.source == 'estimate' else ''}{units.memory(total)}"
    if need.weights.value is None:
        return format.UNKNOWN
    return f">{units.memory(need.at_least)}"


def free_text(pool: MemoryPool, units: Units) -> str:
    """The memory that is free for another model: 5.8 of 24.0 GiB VRAM."""
    return f"{units.gib_of(pool.free, pool.total)} {pool.kind}"


def verdict_text(fit: Fit | None, units: Units) -> str:
    """The verdict on a model that is not loaded: "fits, needs ~6.1 GiB"; empty if unknown."""
    if fit is None or fit.verdict in {"loaded", "unknown"}:
        return ""
    if fit.need.total.value is None:
        return fit.verdict
    return f"{fit.verdict}, needs {need_text(fit.need, units)}"


def missed(fit: Fit) -> str:
    """The distance between the formula and what the last load took; empty if there was none."""
    if fit.error is None:
        return ""
    if abs(fit.error) < 0.5:
        return "; the formula says the same"
    return f"; the formula says {abs(fit.error):.0f} % {'more' if fit.error > 0 else 'less'}"
