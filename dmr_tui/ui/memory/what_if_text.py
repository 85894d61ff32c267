"""The question about a model and its answers, as lines: in full, and in brief for small panes."""

from collections.abc import Iterator

from dmr_tui.machine.reading import Reading
from dmr_tui.monitor.memory.what_if import WhatIfResult
from dmr_tui.text import format
from dmr_tui.text.format import Units
from dmr_tui.text.memory import need_text
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.models.verdicts import SOURCES, VERDICT_STYLES
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part
from dmr_tui.ui.widgets.pictures import bar

LABEL = 11
DOT: Part = (f" {GLYPHS.dot} ", "$faint")


def question_lines(trial: WhatIfResult) -> Iterator[Line]:
    """The launch config of the what-if; what the user changed stands out."""
    asked, what = trial.asked, trial.what
    source = "tokens" if what.context is not None else SOURCES[trial.fit.context_source]
    yield _fact("context", f"{asked.context:,}", f" {source}", what.context)
    yield _fact("KV cache", _types(trial), "", what.cache_type)
    each = "" if asked.unified or asked.slots == 1 else f" of {asked.context // asked.slots:,}"
    shared = ", sharing it" if asked.unified and asked.slots > 1 else each
    yield _fact("slots", str(asked.slots), shared, what.slots)
    if asked.gpu_layers is not None:
        yield _fact("GPU layers", str(asked.gpu_layers), "", None)


def _types(trial: WhatIfResult) -> str:
    key, value = plain(trial.asked.key_type), plain(trial.asked.value_type)
    return key if key == value else f"{key} / {value}"


def _fact(label: str, value: str, tail: str, changed: object) -> Line:
    style = "bold $accent" if changed is not None else "bold $value"
    return ((label.ljust(LABEL), "$label"), (f" {value}", style), (tail, "$faint"))


def _parts(trial: WhatIfResult) -> Iterator[tuple[str, Reading[int]]]:
    needed, pool = trial.need, trial.memory.pool.value
    yield "weights", needed.weights
    yield "KV cache", needed.cache
    yield "compute", needed.compute
    if needed.overhead:
        # Beside its model an engine takes the driver's context, or what its program needs.
        on_gpu = pool is not None and pool.kind != "RAM"
        yield "driver" if on_gpu else "program", Reading(needed.overhead)


def part_lines(trial: WhatIfResult, units: Units) -> Iterator[Line]:
    """One line for each part of the need; a reason that parts share is given once."""
    told = ""
    for label, part in _parts(trial):
        tail: Part = (f" {units.memory(part.value):>9}", "$value")
        if part.value is None:
            reason = plain(part.reason) if part.reason != told else ""
            tail, told = (f" {format.UNKNOWN} {reason}", "$label"), part.reason
        yield ((label.ljust(LABEL), "$label"), tail)


def verdict_lines(trial: WhatIfResult, units: Units, width: int) -> Iterator[Line]:
    """Needed, free, and the verdict in a word; with a bar if there is a width for it."""
    needed, pool = trial.need, trial.memory.pool.value
    total, free = needed.total.value, trial.free.value
    if total is not None:
        estimate = needed.source == "estimate"
        yield (
            ("= needs".ljust(LABEL), "bold $label"),
            (f"{'~' if estimate else ' '}{units.memory(total):>9}", "bold $value"),
            (f"  {'by formula' if estimate else 'by last load'}", "$faint"),
        )
    if pool is None or free is None:
        yield ((plain(trial.memory.pool.reason), "$label"),)
        return
    if trial.loaded:
        yield (("loaded", VERDICT_STYLES["loaded"]), (" as it is", "$label"))
    else:
        yield from _against(trial, units, free, f"  {pool.kind}", width)
    if (largest := trial.largest) is not None:
        yield (
            ("fits up to".ljust(LABEL), "$label"),
            (f" {largest:,}", "bold $value"),
            (" tokens (M)", "$faint"),
        )


def _against(
    trial: WhatIfResult, units: Units, free: int, where: str, width: int
) -> Iterator[Line]:
    total, verdict = trial.need.total.value, trial.verdict
    style = VERDICT_STYLES[verdict]
    own = ", its own included" if trial.own else ""
    yield (
        ("free".ljust(LABEL), "$label"),
        (f" {units.memory(free):>9}", "$value"),
        (where + own, "$label"),
    )
    if total is not None and width:
        cells = max(6, width - LABEL - 12)
        yield ((" " * LABEL, ""), (bar(100.0 * total / max(1, free), cells), style))
    why = "" if total is not None else ": not all of it is known"
    yield (("verdict".ljust(LABEL), "$label"), (f" {verdict}", style), (why, "$label"))


def brief_lines(trial: WhatIfResult, units: Units) -> Iterator[Line]:
    """Question, need and verdict in a few lines, for a small pane."""
    asked = trial.asked
    source = "tokens" if trial.what.context is not None else SOURCES[trial.fit.context_source]
    slots = f"{asked.slots} slot{'' if asked.slots == 1 else 's'}"
    yield (
        (f"{asked.context:,}", "bold $value"),
        (f" {source}", "$faint"),
        DOT,
        (_types(trial), "bold $value"),
        DOT,
        (slots, "bold $value"),
    )
    told: list[Part] = []
    for label, part in _parts(trial):
        told += [DOT] if told else []
        told += [(f"{label} ", "$label"), (units.memory(part.value), "$value")]
    yield tuple(told)
    yield tuple(_in_short(trial, units))
    reason = trial.need.total.reason or trial.memory.pool.reason
    if reason:
        yield ((plain(reason), "$label"),)


def _in_short(trial: WhatIfResult, units: Units) -> Iterator[Part]:
    needed, free = trial.need, trial.free.value
    if needed.total.value is not None:
        yield from (("= ", "bold $label"), (need_text(needed, units), "bold $value"), DOT)
    if trial.loaded:
        yield "loaded", VERDICT_STYLES["loaded"]
    else:
        if free is not None:
            yield from ((f"{units.memory(free)}", "$value"), (" free", "$label"), DOT)
        yield trial.verdict, VERDICT_STYLES[trial.verdict]
    if (largest := trial.largest) is not None:
        yield from (DOT, (f"fits up to {format.window(largest)} (M)", "$label"))
