"""The memory of a model in words: what it needs, what is free, the verdict, how to make room."""

from collections.abc import Mapping, Sequence

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


def load_advice(fit: Fit, names: Mapping[str, str]) -> list[str]:
    """Each way in which a model that does not fit well could be loaded; empty if none is known.

    `names` are those of the models by key, as the screen writes them.
    """
    ways = []
    if fit.unload:
        ways.append(f"unload {listed(fit.unload, names)}")
    if (fit.lacks_memory or fit.verdict == "tight") and fit.largest_context:
        ways.append(f"load it with {format.window(fit.largest_context)} of context")
    if fit.smaller is not None:
        keys, most = fit.smaller
        first = f"unload {listed(keys, names)} and " if keys else ""
        ways.append(f"{first}load it with {format.window(most)} of context")
    if not ways and fit.verdict == "no room":
        ways.append("free memory first")
    if not ways and fit.alone is not None:
        ways.append(f"free memory and load it with {format.window(fit.alone)} of context")
    return ways


def listed(keys: Sequence[str], names: Mapping[str, str]) -> str:
    """The names of those models, in one phrase."""
    shown = [names.get(key, key) for key in keys]
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
