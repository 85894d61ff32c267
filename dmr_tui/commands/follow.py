"""`dmr-tui requests --follow`: hears the calls itself, whether or not a dashboard does so too."""

import os
import queue
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from dmr_tui.commands.target import archive, chosen
from dmr_tui.measure.request_numbers import ended
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
    """A monitor that hears every call and, unless it is the demo, keeps it."""
    with chosen(settings, demo=demo) as (places, machine):
        monitor = Monitor(
            places,
            machine,
            interval=settings.interval,
            read_only=True,
            archive=None if demo else archive(settings),
            thresholds=settings.preferences.thresholds,
        )
        told = False

        def hear(snapshot: Snapshot) -> None:
            nonlocal told
            if snapshot.runner.up is False and not told:
                where = snapshot.runner.endpoint.label if snapshot.runner.endpoint else "here"
                print(f"dmr-tui: no runner answers at {plain(where)}; waiting", file=sys.stderr)
            told = snapshot.runner.up is False
            publish(snapshot)

        def fail(error: BaseException) -> None:
            print(f"dmr-tui: the monitor ended by a mistake: {error!r}", file=sys.stderr)
            os.kill(os.getpid(), signal.SIGINT)

        monitor.start(hear, fail)
        try:
            yield monitor
        finally:
            monitor.stop()


def follow_session(settings: Settings, wanted: RequestFilter, show: Show, *, demo: bool) -> int:
    """Show what ends from now on without keeping it, until Ctrl+C."""
    heard: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
    seen: set[str] = set()
    began = time.time()
    with listening(settings, demo=demo, publish=heard.put) as monitor:
        monitor.look(View(requests=wanted))
        while True:
            snapshot = heard.get()
            # What the runner still offers of before is not shown.
            start = began + snapshot.clock_offset
            rows = () if snapshot.requests is None else snapshot.requests.rows
            new = [row for row in reversed(rows) if row.id not in seen and ended(row) > start]
            if new:
                seen |= {row.id for row in new}
                show(new, snapshot.caller_names)
