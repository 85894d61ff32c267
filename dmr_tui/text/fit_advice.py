"""The ways to make room for a model, in words."""

from collections.abc import Mapping, Sequence

from dmr_tui.state.memory import Fit
from dmr_tui.text import format


def load_advice(fit: Fit, names: Mapping[str, str]) -> list[str]:
    """Each way in which a model that does not fit well could be loaded; empty if none is known.

    `names` are those of the models by key, as the place that shows it calls them.
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
    called = [names.get(key, key) for key in keys]
    if len(called) < 2:
        return "".join(called)
    return f"{', '.join(called[:-1])} and {called[-1]}"
