"""What is over is let go: closed dialogs, rows scrolled past, Snapshots that came late."""

import gc
from dataclasses import replace

import pytest
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from dmr_tui.state.snapshot import Snapshot
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.messages import SnapshotReady
from tests.ui.screen import shows
from tests.ui.still import StillMonitor, model, rows, snapshot
from tests.waiting import until

SIZE = (140, 42)


def alive(kind: type) -> int:
    """Return how many objects of a type there are."""
    gc.collect()
    return sum(isinstance(each, kind) for each in gc.get_objects())


@pytest.fixture
def monitor() -> StillMonitor:
    """A monitor that publishes what it is told."""
    return StillMonitor(snapshot())


@pytest.mark.painted
async def test_closed_dialogs_are_let_go(monitor: StillMonitor) -> None:
    app = DashboardApp(monitor)
    async with app.run_test(size=SIZE) as pilot:
        await shows(app, "qwen3:8B")

        async def open_and_close(turn: int) -> None:
            for place, key in enumerate(("question_mark", "a", "i", "n", "o", "ctrl+p"), 1):
                await pilot.press(key)
                await until(lambda: len(app.screen_stack) == 2)
                await pilot.press("escape")
                await until(lambda: len(app.screen_stack) == 1)
                # What a dialog listens to is forgotten with the next change.
                monitor.show(change := replace(snapshot(), clock_offset=10.0 * turn + place))
                await until(lambda change=change: app.snapshot == change)  # type: ignore[misc]

        # The first ones bring what is made once.
        await open_and_close(0)
        before, painted = alive(Widget), alive(Strip)
        for turn in range(1, 5):
            await open_and_close(turn)
        # The last one is still ending.
        await until(lambda: alive(Widget) <= before)
        # The screen behind is painted in a few more ways; dialogs have more lines than that.
        assert alive(Strip) <= painted + 4 * SIZE[1]


@pytest.mark.painted
async def test_rows_that_were_scrolled_past_are_not_kept_as_painted() -> None:
    models = rows([model(n, f"model-{n:04}:1B", "llama", "1.02GB") for n in range(2_000)])
    app = DashboardApp(StillMonitor(replace(snapshot(), models=models)))
    async with app.run_test(size=SIZE) as pilot:
        await shows(app, "model-0000")
        await pilot.press("pagedown")
        before = alive(Strip)
        for _ in range(40):
            await pilot.press("pagedown")
        await pilot.press("G")
        await shows(app, "model-1999")
        # Textual cuts a strip up where other widgets lie beside it.
        assert alive(Strip) < before + 300


async def test_a_ui_that_falls_behind_keeps_the_newest_snapshot_alone(
    monitor: StillMonitor,
) -> None:
    app = DashboardApp(monitor)
    async with app.run_test(size=SIZE) as pilot:
        await shows(app, "qwen3:8B")
        before = alive(Snapshot)
        for number in range(1, 51):
            monitor.show(replace(snapshot(), clock_offset=float(number)))
            # Textual joins only messages that stand side by side.
            event = events.Key("j", "j")
            event.set_sender(app)
            app.post_message(event)
        assert alive(Snapshot) <= before + 2
        assert alive(SnapshotReady) <= 2
        await until(lambda: app.snapshot.clock_offset == 50.0)
        await pilot.pause()
        monitor.show(replace(snapshot(), clock_offset=51.0))
        await until(lambda: app.snapshot.clock_offset == 51.0)
