"""The need of a model with another context, cache type or number of slots."""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from dmr_tui.machine.reading import Reading
from dmr_tui.monitor.memory.what_if import AS_IT_IS, WhatIf, WhatIfResult
from dmr_tui.state.model_row import ModelRow
from dmr_tui.text import format
from dmr_tui.text.format import Units
from dmr_tui.text.memory import listed, load_advice, missed, need_text
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.machine.memory_bars import short_name
from dmr_tui.ui.models.verdicts import SOURCES, VERDICT_STYLES
from dmr_tui.ui.shell.pane import Pane
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, width_of, wrapped
from dmr_tui.ui.widgets.pictures import bar

BESIDE = 38
"""Cells of the left half, where question and verdict stand beside each other."""
WIDE = 66
"""Cells from which on there is room for that."""
LABEL = 11
DOT: Part = (f" {GLYPHS.dot} ", "$faint")


class WhatIfPane(Pane):
    """The need by its parts, against what is free; computed again at each key."""

    row: ModelRow | None = None
    what = AS_IT_IS

    def show(self, row: ModelRow | None) -> None:
        """Ask about another model; nothing is changed about it yet."""
        if row is not None and self.row is not None and row.key != self.row.key:
            self.what = AS_IT_IS
        self.row = row
        self._settle()

    def _settle(self) -> None:
        """Take a question for none if the model is loaded like that by now."""
        result = self.result
        if result is not None:
            as_it_is = result.asked == result.fit.estimate.launch
            self.what = AS_IT_IS if as_it_is else result.changed(self.what)
        self.tick()

    @property
    def result(self) -> WhatIfResult | None:
        """The question as it stands; None while there is nothing to ask about."""
        memory, row = self.snapshot.memory, self.row
        fit = None if memory is None or row is None else memory.fits.get(row.key)
        if memory is None or row is None or fit is None:
            return None
        return WhatIfResult(row, fit, memory, self.what)

    def change(self, what: WhatIf) -> None:
        """Ask another question."""
        self.what = what
        self._settle()

    def ask(self, question: Callable[[WhatIfResult], WhatIf]) -> None:
        """Ask another question, made from this one if there is one."""
        if (result := self.result) is not None:
            self.change(question(result))

    def titles(self) -> tuple[str, str]:
        """Return the model that is asked about."""
        name = "" if self.row is None else f" {GLYPHS.dot} {plain(self.row.name)}"
        keys = "+ - context, t KV cache, p P slots" if self.row is not None else ""
        return f"What if{name}", keys if self.what == AS_IT_IS else "changed; 0 goes back"

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the question, the need by its parts, the verdict, and what to do."""
        result = self.result
        if result is None:
            reading = self.snapshot.memory is None and self.snapshot.runner.up
            empty = "reading the machine …" if reading else "no model chosen"
            return [((empty, "$faint"),)]
        width, units = width - 1, self.preferences.units
        asked = [*_question_lines(result), (), *_part_lines(result, units)]
        remarks = list(self._remarks(result))
        verdict = _verdict_lines(result, units, min(width, BESIDE))
        whole = _wrapped([*asked, *verdict, *remarks], width)
        if len(whole) <= height:
            return whole
        # A low and wide pane has the verdict beside the parts.
        left = _wrapped([line for line in asked if line], BESIDE)
        if width < WIDE or height < len(left):
            brief = [*_brief_lines(result, units), *filter(None, remarks)]
            return _ended(_wrapped(brief, width), height)
        rest = width - BESIDE - 2
        right = _wrapped([*_verdict_lines(result, units, rest), *remarks], rest)
        if len(right) > height:
            right = _wrapped([*_verdict_lines(result, units, 0), *filter(None, remarks)], rest)
        return _beside(left, _ended(right, height), BESIDE + 2)

    def _remarks(self, result: WhatIfResult) -> Iterator[Line]:
        plan = self._plan(result)
        if plan:
            yield ()
            yield tuple(plan)
        taken = result.fit.footprint
        if taken is not None and result.what == AS_IT_IS:
            yield ()
            total = self.preferences.units.memory(taken.total)
            told = f"Its last load like this took {total} ({taken.source})"
            yield ((told + missed(result.fit), "$label"),)

    def _plan(self, result: WhatIfResult) -> list[Part]:
        """Return how to get the model loaded, and the key that does it."""
        names = {row.key: short_name(row.name) for row in self.snapshot.models}
        key = "" if self.snapshot.read_only else " (l)"
        if result.what != AS_IT_IS:
            if not key:
                return []
            first = ", which may fail" if result.lacks_memory else ""
            if result.unload:
                first = f", after unloading {listed(result.unload, names)}"
            return [("l", "bold $accent"), (f" loads it like this{first}", "$label")]
        ways = load_advice(result.fit, names)
        if result.row.loaded or not ways:
            return []
        return [
            (f"To load {short_name(result.row.name)}: ", "$label"),
            (ways[0], "bold $value"),
            (key, "$faint"),
            ("".join(f", or {way}" for way in ways[1:]), "bold $value"),
        ]


def _wrapped(lines: Sequence[Line], width: int) -> list[Line]:
    return [cut for line in lines for cut in wrapped(line, width, 2)]


def _ended(lines: list[Line], height: int) -> list[Line]:
    """Return so many lines at the most, the last with an ellipsis if there were more."""
    if len(lines) <= height:
        return lines
    return [*lines[: height - 1], (*lines[height - 1], (f" {GLYPHS.ellipsis}", "$faint"))]


def _beside(left: Sequence[Line], right: Sequence[Line], width: int) -> list[Line]:
    """Return two columns, the second of which begins after `width` cells."""
    return [
        (*first, (" " * max(0, width - width_of(first)), ""), *second)
        for first, second in zip_longest(left, right, fillvalue=())
    ]


def _question_lines(result: WhatIfResult) -> Iterator[Line]:
    """The launch config of the what-if; what the user changed stands out."""
    asked, what = result.asked, result.what
    source = "tokens" if what.context is not None else SOURCES[result.fit.context_source]
    yield _fact("context", f"{asked.context:,}", f" {source}", what.context)
    yield _fact("KV cache", _types(result), "", what.cache_type)
    each = "" if asked.unified or asked.slots == 1 else f" of {asked.context // asked.slots:,}"
    shared = ", sharing it" if asked.unified and asked.slots > 1 else each
    yield _fact("slots", str(asked.slots), shared, what.slots)
    if asked.gpu_layers is not None:
        yield _fact("GPU layers", str(asked.gpu_layers), "", None)


def _types(result: WhatIfResult) -> str:
    key, value = plain(result.asked.key_type), plain(result.asked.value_type)
    return key if key == value else f"{key} / {value}"


def _fact(label: str, value: str, tail: str, changed: object) -> Line:
    style = "bold $accent" if changed is not None else "bold $value"
    return ((label.ljust(LABEL), "$label"), (f" {value}", style), (tail, "$faint"))


def _parts(result: WhatIfResult) -> Iterator[tuple[str, Reading[int]]]:
    needed, pool = result.need, result.memory.pool.value
    yield "weights", needed.weights
    yield "KV cache", needed.cache
    yield "compute", needed.compute
    if needed.overhead:
        # Beside its model an engine takes the driver's context, or what its program needs.
        on_gpu = pool is not None and pool.kind != "RAM"
        yield "driver" if on_gpu else "program", Reading(needed.overhead)


def _part_lines(result: WhatIfResult, units: Units) -> Iterator[Line]:
    """One line for each part of the need; a reason that parts share is given once."""
    told = ""
    for label, part in _parts(result):
        tail: Part = (f" {units.memory(part.value):>9}", "$value")
        if part.value is None:
            reason = plain(part.reason) if part.reason != told else ""
            tail, told = (f" {format.UNKNOWN} {reason}", "$label"), part.reason
        yield ((label.ljust(LABEL), "$label"), tail)


def _verdict_lines(result: WhatIfResult, units: Units, width: int) -> Iterator[Line]:
    """Needed, free, and the verdict in a word; with a bar if there is a width for it."""
    needed, pool = result.need, result.memory.pool.value
    total, free = needed.total.value, result.free.value
    if total is not None:
        estimate = needed.source == "estimate"
        yield (
            ("= needs".ljust(LABEL), "bold $label"),
            (f"{'~' if estimate else ' '}{units.memory(total):>9}", "bold $value"),
            (f"  {'by formula' if estimate else 'by last load'}", "$faint"),
        )
    if pool is None or free is None:
        yield ((plain(result.memory.pool.reason), "$label"),)
        return
    if result.loaded:
        yield (("loaded", VERDICT_STYLES["loaded"]), (" as it is", "$label"))
    else:
        style = VERDICT_STYLES[result.verdict]
        own = ", its own included" if result.own else ""
        yield (
            ("free".ljust(LABEL), "$label"),
            (f" {units.memory(free):>9}", "$value"),
            (f"  {pool.kind}{own}", "$label"),
        )
        if total is not None and width:
            cells = max(6, width - LABEL - 12)
            yield ((" " * LABEL, ""), (bar(100.0 * total / max(1, free), cells), style))
        why = "" if total is not None else ": not all of it is known"
        verdict = (f" {result.verdict}", style)
        yield (("verdict".ljust(LABEL), "$label"), verdict, (why, "$label"))
    if (largest := result.largest) is not None:
        yield (
            ("fits up to".ljust(LABEL), "$label"),
            (f" {largest:,}", "bold $value"),
            (" tokens (M)", "$faint"),
        )


def _brief_lines(result: WhatIfResult, units: Units) -> Iterator[Line]:
    """Question, need and verdict in a few lines, for a small pane."""
    asked = result.asked
    source = "tokens" if result.what.context is not None else SOURCES[result.fit.context_source]
    slots = f"{asked.slots} slot{'' if asked.slots == 1 else 's'}"
    yield (
        (f"{asked.context:,}", "bold $value"),
        (f" {source}", "$faint"),
        DOT,
        (_types(result), "bold $value"),
        DOT,
        (slots, "bold $value"),
    )
    told: list[Part] = []
    for label, part in _parts(result):
        told += [DOT] if told else []
        told += [(f"{label} ", "$label"), (units.memory(part.value), "$value")]
    yield tuple(told)
    yield tuple(_in_short(result, units))
    reason = result.need.total.reason or result.memory.pool.reason
    if reason:
        yield ((plain(reason), "$label"),)


def _in_short(result: WhatIfResult, units: Units) -> Iterator[Part]:
    needed, free = result.need, result.free.value
    if needed.total.value is not None:
        yield from (("= ", "bold $label"), (need_text(needed, units), "bold $value"), DOT)
    if result.loaded:
        yield "loaded", VERDICT_STYLES["loaded"]
    else:
        if free is not None:
            yield from ((f"{units.memory(free)}", "$value"), (" free", "$label"), DOT)
        yield result.verdict, VERDICT_STYLES[result.verdict]
    if (largest := result.largest) is not None:
        yield from (DOT, (f"fits up to {format.window(largest)} (M)", "$label"))
