"""The verdict on a model in a word and a colour, and what it needs."""

from dmr_tui.state.memory import ContextSource, Fit
from dmr_tui.text import format
from dmr_tui.text.format import Units
from dmr_tui.ui.widgets.lines import Part

VERDICT_STYLES = {
    "loaded": "bold $load-ok",
    "fits": "$load-ok",
    "tight": "$load-heavy",
    "no room": "$load-critical",
    "too big": "$load-critical",
    "unknown": "$label",
}
SOURCES: dict[ContextSource, str] = {
    "engine log": "by the engine's log",
    "flag": "by a flag of its configuration",
    "configured": "as configured",
    "packaged": "as packaged",
    "trained": "as trained",
    "default": "by default",
}


def needs_words(fit: Fit | None, units: Units) -> Part:
    """What a model needs: "~" before an estimate, ">" where a part of it is unknown."""
    if fit is None:
        return format.UNKNOWN, "$faint"
    total = fit.need.total.value
    if total is None:
        if fit.need.weights.value is None:
            return format.UNKNOWN, "$faint"
        return f">{units.memory(fit.need.at_least)}", "$label"
    sign = "~" if fit.need.source == "estimate" else ""
    return f"{sign}{units.memory(total)}", "bold $value"


def needs_short(fit: Fit | None, units: Units) -> Part:
    """As `needs_words`, in six cells."""
    text, _ = needs_words(fit, units)
    number, _, unit = text.partition(" ")
    return f"{number}{unit[:1]}", "$faint" if text == format.UNKNOWN else "$label"


def missed(fit: Fit) -> str:
    """How far the formula is from what the last load took; empty if there was none."""
    if fit.error is None:
        return ""
    if abs(fit.error) < 0.5:
        return "; the formula says the same"
    return f"; the formula says {abs(fit.error):.0f} % {'more' if fit.error > 0 else 'less'}"
