"""`dmr-tui`: the dashboard."""

import gc
import sys
from contextlib import ExitStack

from dmr_tui.commands.runner import archive, chosen, demo_runner, loads
from dmr_tui.monitor.live import LiveMonitor, Monitor
from dmr_tui.settings import Settings
from dmr_tui.ui.app import DashboardApp

SWITCH_S = 0.0005


def run_dashboard(settings: Settings, *, demo: bool) -> int:
    """Show the dashboard until a person ends it; returns the exit code."""
    # Textual draws on standard error.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        print("dmr-tui: the dashboard needs a terminal; try: dmr-tui status", file=sys.stderr)
        return 64
    with ExitStack() as stack:

        def start_demo() -> Monitor:
            endpoint, machine = stack.enter_context(demo_runner())
            return LiveMonitor(
                (endpoint,), machine, interval=settings.interval, read_only=settings.read_only
            )

        endpoints, machine = stack.enter_context(chosen(settings, demo=demo))
        monitor = LiveMonitor(
            endpoints,
            machine,
            interval=settings.interval,
            read_only=settings.read_only,
            archive=None if demo else archive(settings),
            loads=None if demo else loads(settings),
        )
        # While the screen is painted, the thread that stamps arriving tokens has to wait for the
        # interpreter; the default of 5 ms would be seen in the numbers.
        sys.setswitchinterval(SWITCH_S)
        app = DashboardApp(monitor, demo=None if demo else start_demo, theme=settings.theme)
        try:
            app.run()
        finally:
            app.monitor.stop()
            # The process ends here; looking for cycles in all that is left would take 0.2 s.
            gc.freeze()
        return app.return_code or 0
