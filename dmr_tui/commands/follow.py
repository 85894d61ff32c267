"""`dmr-tui requests --follow`: watches the runner itself, with or without a dashboard."""

import queue
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from dmr_tui.commands.target import archive, chosen
from dmr_tui.measure.request_numbers import ended
from dmr_tui.monitor.crashes import crash_text
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.request import Request
from dmr_tui.settings.schema import Settings
from dmr_tui.state.request_filter import CallerNames, RequestFilter, View
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.sanitize import plain

Show = Callable[[Iterable[Request], CallerNames], None]


@contextmanager
def listening(
    settings: Settings, *, demo: bool, publish: Callable[[Snapshot], None] = lambda snapshot: None
) -> Iterator[Monitor]:
    """Run a monitor that archives every request, unless it watches the demo."""
    with chosen(settings, demo=demo) as (places, machine):
        monitor = Monitor(
            places,
            machine,
            interval=settings.interval,
            read_only=True,
            archive=None if demo else archive(settings),
            thresholds=settings.preferences.thresholds,
        )
        warned = False

        def take(snapshot: Snapshot) -> None:
            nonlocal warned
            if snapshot.runner.up is False and not warned:
                where = snapshot.runner.endpoint.label if snapshot.runner.endpoint else "here"
                print(f"dmr-tui: no runner answers at {plain(where)}; waiting", file=sys.stderr)
            warned = snapshot.runner.up is False
            publish(snapshot)

        monitor.start(take, lambda crash: print(f"dmr-tui: {crash_text(crash)}", file=sys.stderr))
        try:
            yield monitor
        finally:
            monitor.stop()


def follow_session(settings: Settings, wanted: RequestFilter, show: Show, *, demo: bool) -> int:
    """Show requests that end from now on, without an archive, until Ctrl+C."""
    snapshots: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
    seen: set[str] = set()
    began = time.time()
    with listening(settings, demo=demo, publish=snapshots.put) as monitor:
        monitor.look(View(requests=wanted))
        while True:
            snapshot = snapshots.get()
            # The runner still has requests of before, which are not shown.
            start = began + snapshot.clock_offset
            rows = () if snapshot.requests is None else snapshot.requests.rows
            new = [row for row in reversed(rows) if row.id not in seen and ended(row) > start]
            if new:
                seen |= {row.id for row in new}
                show(new, snapshot.caller_names)
