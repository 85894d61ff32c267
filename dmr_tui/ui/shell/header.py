"""The line at the top: health and name of the runner, and the age of the data."""

from collections.abc import Sequence

from dmr_tui.runner.backend import Backend
from dmr_tui.state.snapshot import Runner, Snapshot
from dmr_tui.text import format
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.pane import Pane, now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, spread, width_of

GAP: Part = ("   ", "")
OLD_AFTER = 2.5
"""Intervals without news after which the data is called old."""


class HeaderPane(Pane):
    """One line; what does not fit goes, the least important first."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.heard_at = now()
        """Seconds since 1970 at which the monitor last said anything, changed or not."""

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the one line."""
        snapshot = self.snapshot
        runner = snapshot.runner
        left = _badges(snapshot) + _state(snapshot)
        right: list[list[Part]] = [_age(snapshot, self.heard_at)]
        middle = [
            _backends(runner),
            _endpoint(runner),
            _version(runner),
            _latency(runner),
            _slots(runner),
            _disk(runner),
            _missing_backends(runner),
        ]
        # Where the parts stand is not how important they are: slots stand at the right.
        at_right = {4, 5}
        chosen = _that_fit(left, right[0], middle, width)
        for index in chosen:
            if index not in at_right:
                left += [GAP, *middle[index]]
        tail: list[Part] = []
        for index in chosen:
            if index in at_right:
                tail += [*middle[index], GAP]
        return (spread(left, tail + right[0], width),)


def _that_fit(
    left: list[Part], right: list[Part], middle: list[list[Part]], width: int
) -> list[int]:
    pool = width - width_of(left) - width_of(right) - 1
    chosen = []
    for index, parts in enumerate(middle):
        needed = width_of(parts) + width_of([GAP])
        if parts and needed <= pool:
            pool -= needed
            chosen.append(index)
    return chosen


def _badges(snapshot: Snapshot) -> list[Part]:
    badges: list[Part] = []
    if snapshot.demo:
        badges += [(" DEMO ", "bold reverse $accent"), (" ", "")]
    if snapshot.read_only:
        badges += [(" READ-ONLY ", "bold reverse $warning"), (" ", "")]
    return badges


def _state(snapshot: Snapshot) -> list[Part]:
    runner = snapshot.runner
    if runner.up is None:
        return [(f"{GLYPHS.unknown} looking for the runner", "$label")]
    if not runner.up:
        since = "" if runner.down_since is None else f" {format.age(now() - runner.down_since)}"
        return [(f"{GLYPHS.down} down{since}", "bold $error")]
    if any(source.health == "stale" for source in snapshot.sources):
        return [(f"{GLYPHS.up} up, partly stale", "bold $warning")]
    return [(f"{GLYPHS.up} up", "bold $success")]


def _backends(runner: Runner) -> list[Part]:
    parts: list[Part] = []
    for backend in runner.backends:
        if backend.state == "not installed":
            continue
        if parts:
            parts.append(("  ", ""))
        parts += _backend(backend)
    return parts


def _backend(backend: Backend) -> list[Part]:
    name: Part = (plain(backend.name), "bold $value")
    if backend.state != "running":
        return [name, (f" {backend.state}", "$error" if backend.state == "error" else "$warning")]
    words = " ".join(word for word in (backend.version, backend.variant) if word)
    return [name, (f" {plain(words)}" if words else "", "$label")]


def _missing_backends(runner: Runner) -> list[Part]:
    names = [plain(b.name) for b in runner.backends if b.state == "not installed"]
    return [(f"not installed: {', '.join(names)}", "$faint")] if names else []


def _version(runner: Runner) -> list[Part]:
    if not runner.up:
        return []
    version = plain(runner.version) if runner.version else "before 2026-03"
    return [("DMR ", "$label"), (version, "$value")]


def _endpoint(runner: Runner) -> list[Part]:
    endpoint = runner.endpoint
    if endpoint is None:
        return []
    label: list[Part] = [(plain(endpoint.label), "$value")]
    if endpoint.tls and not endpoint.verify:
        label.append((" certificate not checked", "$warning"))
    return label


def _latency(runner: Runner) -> list[Part]:
    if not runner.up or runner.latency_ms is None:
        return []
    return [(f"{runner.latency_ms:.0f}", "$value"), (" ms", "$label")]


def _slots(runner: Runner) -> list[Part]:
    if runner.slots_used is None:
        return []
    of = "" if runner.slots_total is None else f" of {runner.slots_total}"
    full = runner.slots_total is not None and runner.slots_used >= runner.slots_total
    style = "$warning" if full else "$value"
    return [(f"{runner.slots_used}{of}", style), (" slots", "$label")]


def _disk(runner: Runner) -> list[Part]:
    if runner.models_bytes is None:
        return []
    return [(format.disk(runner.models_bytes), "$value"), (" on disk", "$label")]


def _age(snapshot: Snapshot, heard_at: float) -> list[Part]:
    every = f"every {snapshot.interval_s:g} s"
    silent = now() - heard_at
    if silent > OLD_AFTER * snapshot.interval_s + 1.0:
        return [(f"{format.age(silent)} old", "bold $error")]
    down = snapshot.runner.down_since
    if down is not None:
        return [(f"data {format.age(now() - down)} old", "bold $warning")]
    return [(every, "$faint")]
