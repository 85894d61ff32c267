"""`dmr-tui`: the dashboard."""

import gc
import signal
import sys
from contextlib import ExitStack, suppress

from dmr_tui.commands.switch_runner import Contexts
from dmr_tui.commands.target import archive, chosen, demo_runner, kept, this_machine
from dmr_tui.commands.terminal import end_without_terminal
from dmr_tui.machine.probe import MachineProbe
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.discovery.places import Places
from dmr_tui.settings.schema import Settings
from dmr_tui.ui.app import DashboardApp

SWITCH_S = 0.0005


def run_dashboard(settings: Settings, *, demo: bool) -> int:
    """Show the dashboard until the user ends it; returns the exit code."""
    # Textual draws on standard error.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        print("dmr-tui: the dashboard needs a terminal; try: dmr-tui status", file=sys.stderr)
        return 64
    preferences = settings.preferences
    with ExitStack() as stack:

        def start_demo() -> Monitor:
            endpoint, machine = stack.enter_context(demo_runner())
            return Monitor(
                (endpoint,),
                machine,
                interval=settings.interval,
                read_only=settings.read_only,
                thresholds=preferences.thresholds,
            )

        def watch(places: Places, machine: MachineProbe) -> Monitor:
            return Monitor(
                places,
                machine,
                interval=settings.interval,
                read_only=settings.read_only,
                archive=None if demo else archive(settings),
                kept=None if demo else kept(settings),
                thresholds=preferences.thresholds,
            )

        monitor = watch(*stack.enter_context(chosen(settings, demo=demo)))
        contexts = Contexts(settings, lambda places: watch(places, this_machine(places)))
        # While the screen is painted, the thread that stamps arriving tokens has to wait for the
        # interpreter; the default of 5 ms would be seen in the numbers.
        sys.setswitchinterval(SWITCH_S)
        app = DashboardApp(
            monitor,
            demo=None if demo else start_demo,
            contexts=None if demo else contexts,
            theme=settings.theme,
            keymap=_keymap(settings),
            preferences=preferences,
        )
        end_without_terminal(lambda: app.monitor.stop())
        try:
            # One that comes when the event loop has just closed is no longer heard by the app.
            with suppress(KeyboardInterrupt):
                app.run()
        finally:
            # It ends already: another interrupt would only kill it before it has tidied up.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            app.monitor.stop()
            # The process ends here; looking for cycles in all that is left would take 0.2 s.
            gc.freeze()
        return app.return_code or 0


def _keymap(settings: Settings) -> dict[str, str]:
    if not settings.keys:
        return {}
    # Who chose no keys need not wait for the names of all there are.
    from dmr_tui.ui.commands.keymap import keymap

    return keymap(settings)
