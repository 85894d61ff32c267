"""The line at the top: health and name of the runner, and the age of the data."""

from collections.abc import Iterator, Sequence

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
        left, right = [*_badges(snapshot), _state(snapshot)], [_age(snapshot, self.heard_at)]
        pool = width - width_of(left) - width_of(right) - 1
        at_right: list[Part] = []
        # Where the parts stand is not how important they are: slots stand at the right.
        for parts, right_hand in _middle(snapshot.runner):
            needed = width_of(parts) + width_of([GAP])
            if parts and needed <= pool:
                pool -= needed
                if right_hand:
                    at_right += [*parts, GAP]
                else:
                    left += [GAP, *parts]
        return (spread(left, at_right + right, width),)


def _badges(snapshot: Snapshot) -> list[Part]:
    badges: list[Part] = []
    if snapshot.demo:
        badges += [(" DEMO ", "bold reverse $accent"), (" ", "")]
    if snapshot.read_only:
        badges += [(" READ-ONLY ", "bold reverse $warning"), (" ", "")]
    return badges


def _state(snapshot: Snapshot) -> Part:
    runner = snapshot.runner
    if runner.up is None:
        return f"{GLYPHS.unknown} looking for the runner", "$label"
    if not runner.up:
        since = "" if runner.down_since is None else f" {format.age(now() - runner.down_since)}"
        return f"{GLYPHS.down} down{since}", "bold $error"
    if any(source.health == "stale" for source in snapshot.sources):
        return f"{GLYPHS.up} up, partly stale", "bold $warning"
    return f"{GLYPHS.up} up", "bold $success"


def _middle(runner: Runner) -> Iterator[tuple[list[Part], bool]]:
    """Yield what is shown if it fits, the most important first, and True for the right side."""
    yield _backends(runner), False
    endpoint = runner.endpoint
    if endpoint is not None:
        label: list[Part] = [(plain(endpoint.label), "$value")]
        if endpoint.tls and not endpoint.verify:
            label.append((" certificate not checked", "$warning"))
        yield label, False
    if runner.up:
        version = plain(runner.version) if runner.version else "before 2026-03"
        yield [("DMR ", "$label"), (version, "$value")], False
        if runner.latency_ms is not None:
            yield [(f"{runner.latency_ms:.0f}", "$value"), (" ms", "$label")], False
    if runner.slots_used is not None:
        of = "" if runner.slots_total is None else f" of {runner.slots_total}"
        full = runner.slots_total is not None and runner.slots_used >= runner.slots_total
        style = "$warning" if full else "$value"
        yield [(f"{runner.slots_used}{of}", style), (" slots", "$label")], True
    if runner.models_bytes is not None:
        yield [(format.disk(runner.models_bytes), "$value"), (" on disk", "$label")], True
    missing = [plain(b.name) for b in runner.backends if b.state == "not installed"]
    if missing:
        yield [(f"not installed: {', '.join(missing)}", "$faint")], False


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


def _age(snapshot: Snapshot, heard_at: float) -> Part:
    silent = now() - heard_at
    if silent > OLD_AFTER * snapshot.interval_s + 1.0:
        return f"{format.age(silent)} old", "bold $error"
    down = snapshot.runner.down_since
    if down is not None:
        return f"data {format.age(now() - down)} old", "bold $warning"
    return f"every {snapshot.interval_s:g} s", "$faint"
