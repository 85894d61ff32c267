"""Colours of a verdict and of a memory estimate."""

from dmr_tui.state.memory import ContextSource, Fit
from dmr_tui.text import format
from dmr_tui.text.format import Units
from dmr_tui.text.memory import need_text
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
    """The memory estimate of a model, in a colour that says how well it is known."""
    text = format.UNKNOWN if fit is None else need_text(fit.need, units)
    known = fit is not None and fit.need.total.value is not None
    return text, "bold $value" if known else "$faint" if text == format.UNKNOWN else "$label"


def needs_short(fit: Fit | None, units: Units) -> Part:
    """As `needs_words`, in six cells."""
    text, _ = needs_words(fit, units)
    number, _, unit = text.partition(" ")
    return f"{number}{unit[:1]}", "$faint" if text == format.UNKNOWN else "$label"
