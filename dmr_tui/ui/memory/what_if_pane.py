"""The need of a model with another context, cache type or number of slots."""

from collections.abc import Iterator, Mapping, Sequence

from dmr_tui.monitor.memory.what_if import AS_IT_IS, WhatIf, WhatIfResult
from dmr_tui.state.model_row import ModelRow
from dmr_tui.text.memory import listed, load_advice, missed
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.machine.memory_bars import short_name
from dmr_tui.ui.memory.what_if_text import brief_lines, part_lines, question_lines, verdict_lines
from dmr_tui.ui.shell.pane import Pane
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, width_of, wrapped

BESIDE = 38
"""Cells of the left half, where question and verdict stand beside each other."""
WIDE = 66
"""Cells from which on there is room for that."""


class WhatIfPane(Pane):
    """The need by its parts, against what is free; computed again at each key."""

    def __init__(self, *, id: str, classes: str) -> None:
        super().__init__(id=id, classes=classes)
        self.row: ModelRow | None = None
        self.what = AS_IT_IS

    def show(self, row: ModelRow | None) -> None:
        """Ask about another model; nothing is changed about it yet."""
        if row is not None and self.row is not None and row.key != self.row.key:
            self.what = AS_IT_IS
        self.row = row
        self._settle()

    def _settle(self) -> None:
        """Take a question for none if the model is loaded like that by now."""
        trial = self.trial
        if trial is not None:
            as_it_is = trial.asked == trial.fit.estimate.launch
            self.what = AS_IT_IS if as_it_is else trial.changed(self.what)
        self.tick()

    @property
    def trial(self) -> WhatIfResult | None:
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

    def scale_context(self, factor: float) -> None:
        """Ask about a context that many times as long."""
        if (trial := self.trial) is not None:
            self.change(trial.with_context(int(trial.asked.context * factor)))

    def move_context(self, tokens: int) -> None:
        """Ask about a context so many tokens longer."""
        if (trial := self.trial) is not None:
            self.change(trial.with_context(trial.asked.context + tokens))

    def next_cache_type(self) -> None:
        """Ask about the next of f16, q8_0 and q4_0."""
        if (trial := self.trial) is not None:
            self.change(trial.with_next_cache_type())

    def move_slots(self, number: int) -> None:
        """Ask about so many slots more."""
        if (trial := self.trial) is not None:
            self.change(trial.with_slots(trial.asked.slots + number))

    def take_largest(self) -> None:
        """Ask about the largest context that fits like this."""
        trial = self.trial
        if trial is not None and (largest := trial.largest) is not None:
            self.change(trial.with_context(largest))

    def titles(self) -> tuple[str, str]:
        """Return the model that is asked about."""
        name = "" if self.row is None else f" {GLYPHS.dot} {plain(self.row.name)}"
        keys = "+ - context, t KV cache, p P slots" if self.row is not None else ""
        return f"What if{name}", keys if self.what == AS_IT_IS else "changed; 0 goes back"

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the question, the need by its parts, the verdict, and what to do."""
        trial = self.trial
        if trial is None:
            reading = self.snapshot.memory is None and self.snapshot.runner.up
            empty = "reading the machine …" if reading else "no model chosen"
            return [((empty, "$faint"),)]
        width, units = width - 1, self.preferences.units
        asked = [*question_lines(trial), (), *part_lines(trial, units)]
        remarks = list(self._remarks(trial))
        verdict = verdict_lines(trial, units, min(width, BESIDE))
        whole = _wrapped([*asked, *verdict, *remarks], width)
        if len(whole) <= height:
            return whole
        # A low and wide pane has the verdict beside the parts.
        left = _wrapped([line for line in asked if line], BESIDE)
        if width < WIDE or height < len(left):
            brief = [*brief_lines(trial, units), *filter(None, remarks)]
            return _ended(_wrapped(brief, width), height)
        pool = width - BESIDE - 2
        right = _wrapped([*verdict_lines(trial, units, pool), *remarks], pool)
        if len(right) > height:
            right = _wrapped([*verdict_lines(trial, units, 0), *filter(None, remarks)], pool)
        return _beside(left, _ended(right, height), BESIDE + 2)

    def _remarks(self, trial: WhatIfResult) -> Iterator[Line]:
        plan = self._plan(trial)
        if plan:
            yield ()
            yield tuple(plan)
        taken = trial.fit.footprint
        if taken is not None and trial.what == AS_IT_IS:
            yield ()
            total = self.preferences.units.memory(taken.total)
            told = f"Its last load like this took {total} ({taken.source})"
            yield ((told + missed(trial.fit), "$label"),)

    def _plan(self, trial: WhatIfResult) -> list[Part]:
        """Return how to get the model loaded, and the key that does it."""
        names = {row.key: short_name(row.name) for row in self.snapshot.models}
        key = "" if self.snapshot.read_only else " (l)"
        if trial.what != AS_IT_IS:
            if not key:
                return []
            return [("l", "bold $accent"), (f" loads it like this{_first(trial, names)}", "$label")]
        ways = load_advice(trial.fit, names)
        if trial.row.loaded or not ways:
            return []
        return [
            (f"To load {short_name(trial.row.name)}: ", "$label"),
            (ways[0], "bold $value"),
            (key, "$faint"),
            ("".join(f", or {way}" for way in ways[1:]), "bold $value"),
        ]


def _first(trial: WhatIfResult, names: Mapping[str, str]) -> str:
    """Say what has to happen before."""
    if trial.unload:
        return f", after unloading {listed(trial.unload, names)}"
    return ", which may fail" if trial.lacks_memory else ""


def _wrapped(lines: Sequence[Line], width: int) -> list[Line]:
    return [cut for line in lines for cut in wrapped(line, width, 2)]


def _ended(lines: list[Line], height: int) -> list[Line]:
    """Return so many lines at the most, the last with an ellipsis if there were more."""
    if len(lines) <= height:
        return lines
    return [*lines[: height - 1], (*lines[height - 1], (f" {GLYPHS.ellipsis}", "$faint"))]


def _beside(left: Sequence[Line], right: Sequence[Line], width: int) -> list[Line]:
    """Return two columns, the second of which begins after `width` cells."""
    lines: list[Line] = []
    for row in range(max(len(left), len(right))):
        first = left[row] if row < len(left) else ()
        gap = " " * max(0, width - width_of(first))
        lines.append((*first, (gap, ""), *(right[row] if row < len(right) else ())))
    return lines
