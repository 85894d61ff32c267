"""The details of one model."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from dmr_tui.state.memory import Fit, MemoryState, MemoryUsage
from dmr_tui.state.model_row import ModelRow
from dmr_tui.text import format
from dmr_tui.text.format import Units
from dmr_tui.text.memory import missed, need_text
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.page_dialog import PageDialog
from dmr_tui.ui.shell.pane import Page
from dmr_tui.ui.shell.run_state import state_words
from dmr_tui.ui.widgets.lines import Line, fit, wrapped

LABEL = 16
LONGEST = 2000
"""Characters of one metadata value that are shown; chat templates can be long."""

Fact = tuple[str, str]


class ModelDetails(PageDialog):
    """Name, state, context windows, package and GGUF metadata."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,i,space,enter", "dismiss", "Close", key_display="esc")
    ]

    def __init__(self, row: ModelRow) -> None:
        super().__init__(DetailsPage(row), id="details", title=plain(row.name))

    def on_mount(self) -> None:
        page = self.query_one(DetailsPage)
        self.watch(self.app, "snapshot", partial(setattr, page, "snapshot"))


class DetailsPage(Page):
    """The facts as lines."""

    def __init__(self, row: ModelRow) -> None:
        super().__init__()
        self._row = row

    def watch_snapshot(self) -> None:
        """Show what is new; a model that is gone keeps what was known of it."""
        models = self.snapshot.models
        self._row = next((row for row in models if row.key == self._row.key), self._row)
        super().watch_snapshot()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return names at the left, values at the right of them, however long both are."""
        lines: list[Line] = []
        row = self._row
        for title, found in (
            ("Now", _now(row)),
            ("Memory", _memory(row, self.snapshot.memory, self.preferences.units)),
            ("Context window, in tokens", _contexts(row)),
            ("Package", _package(row)),
            ("GGUF metadata", _metadata(row)),
        ):
            if not (facts := list(found)):
                continue
            lines += [()] if lines else []
            lines.append(((title, "bold $accent"),))
            longest = max(len(name) for name, _ in facts)
            label = min(max(LABEL, longest), width // 2 - 3)
            for name, value in facts:
                fact = ((f"  {fit(plain(name), label)} ", "$label"), (plain(value), "$value"))
                lines += wrapped(fact, width, label + 3)
        return lines


def _now(row: ModelRow) -> Iterator[Fact]:
    if row.model is None:
        yield "installed", "no: the runner names it, but its list of models does not"
    if not row.runs:
        yield "state", "not loaded"
    for run in row.runs:
        words, _ = state_words(run)
        text = f"{words} on {run.backend}"
        if run.unloads_at is not None:
            text += "; unless it is used, it unloads then"
        yield run.mode, text


def _memory(row: ModelRow, memory: MemoryState | None, units: Units) -> Iterator[Fact]:
    if memory is None:
        return
    usage, fit = memory.usage(row.key), memory.fits.get(row.key)
    if usage is not None:
        for name, reading in (
            ("GPU memory", usage.vram),
            ("RAM of its own", usage.own),
            ("mapped weights", usage.mapped),
            ("swapped out", usage.swapped),
        ):
            value = units.memory(reading.value)
            yield name, value if reading.value is not None else f"{value} {reading.reason}"
        if usage.layers:
            yield "layers on the GPU", usage.layers
        if usage.pids:
            yield "engine process", ", ".join(str(pid) for pid in usage.pids)
    if fit is None:
        return
    yield from _need(fit, usage, units)
    yield "verdict", fit.verdict + (f": {fit.reason}" if fit.reason else "")
    if fit.largest_context is not None:
        yield "largest context", f"{fit.largest_context:,}  with which it fits now"
    if fit.footprint is not None:
        yield (
            "last load took",
            f"{units.memory(fit.footprint.total)} ({fit.footprint.source}){missed(fit)}",
        )


def _need(fit: Fit, usage: MemoryUsage | None, units: Units) -> Iterator[Fact]:
    logged = usage if usage is not None and usage.parts_source == "engine log" else None
    for name, estimate, measured in (
        ("weights", fit.estimate.weights, logged.weights.value if logged else None),
        ("KV cache", fit.estimate.cache, logged.cache.value if logged else None),
        ("compute", fit.estimate.compute, logged.compute.value if logged else None),
    ):
        if measured is not None:
            yield name, f"{units.memory(measured)}  by the engine's log"
        elif estimate.value is None:
            yield name, f"{format.UNKNOWN} {estimate.reason}"
        else:
            yield name, f"~{units.memory(estimate.value)}  by formula"
    total = fit.need.total
    if total.value is None:
        yield "needs", f"{format.UNKNOWN} {total.reason}"
    else:
        by = "by formula" if fit.need.source == "estimate" else "by its last load"
        launch = fit.need.launch
        slots = f", {launch.slots} slots" if launch.slots > 1 else ""
        config = f"context {launch.context:,}, KV cache {launch.key_type}{slots}"
        yield "needs", f"{need_text(fit.need, units)}  {by}, with {config}"


def _contexts(row: ModelRow) -> Iterator[Fact]:
    context = row.context
    yield "trained", f"{format.count(context.trained)}  from the GGUF metadata"
    if context.packaged is not None:
        yield "packaged", f"{context.packaged:,}  what its package asks for"
    if context.configured is not None:
        yield "configured", f"{context.configured:,}  by docker model configure or Compose"
    if context.effective is not None:
        slots = f", {context.slots} slot(s)" if context.slots else ""
        yield "in use", f"{context.effective:,}  by {context.effective_source}{slots}"
    elif row.runs:
        yield "in use", f"{format.UNKNOWN} the runner's log does not tell"


def _package(row: ModelRow) -> Iterator[Fact]:
    if row.digest:
        yield "digest", row.digest
    if row.model is None:
        return
    for number, tag in enumerate(row.tags):
        yield ("" if number else "names"), tag
    # Go's zero time stands for none.
    if row.model.created and row.model.created > 0:
        moment = datetime.fromtimestamp(row.model.created).astimezone()
        yield "created", moment.strftime("%Y-%m-%d %H:%M")
    if (config := row.model.config) is None:
        return
    for name in ("format", "architecture", "parameters", "quantization", "size"):
        if value := getattr(config, name):
            yield name, value


def _metadata(row: ModelRow) -> Iterator[Fact]:
    config = row.model.config if row.model else None
    for key, value in sorted(((config and config.gguf) or {}).items()):
        text = " ".join(str(value).split())
        cut = "" if len(text) <= LONGEST else f" … ({len(text):,} characters)"
        yield key, text[:LONGEST] + cut
