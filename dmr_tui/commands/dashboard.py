"""`dmr-tui`: the dashboard, the runners that it can go over to, and the end of its terminal."""

import gc
import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

from dmr_tui.commands.target import archive, chosen, places, this_machine
from dmr_tui.machine.probe import MachineProbe
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.discovery.docker_contexts import (
    DEFAULT,
    docker_folder,
    read_contexts,
    read_docker_contexts,
)
from dmr_tui.runner.discovery.places import Places
from dmr_tui.runner.endpoint import BadHost, parse_host, without_secrets
from dmr_tui.settings.schema import Settings
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.shell.runner_choices import Choice, Choices

SWITCH_S = 0.0005
GONE = 129
"""Exit code, as of a program that a hang-up signal ended."""
LONGEST_S = 3.0
"""Seconds that closing what is open may take."""


def run_dashboard(settings: Settings, *, demo: bool) -> int:
    """Show the dashboard until the user ends it; returns the exit code."""
    # Textual draws on standard error.
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        print("dmr-tui: the dashboard needs a terminal; try: dmr-tui status", file=sys.stderr)
        return 64
    preferences = settings.preferences
    with ExitStack() as stack:

        def watch(places: Places, machine: MachineProbe, *, simulated: bool = False) -> Monitor:
            options = None if simulated else archive(settings)
            return Monitor(
                places,
                machine,
                interval=settings.interval,
                read_only=settings.read_only,
                archive=options,
                kept=None if options is None else options.path.parent,
                thresholds=preferences.thresholds,
            )

        def start(*, demo: bool) -> Monitor:
            places, machine = stack.enter_context(chosen(settings, demo=demo))
            return watch(places, machine, simulated=demo)

        monitor = start(demo=demo)
        contexts = Contexts(settings, lambda places: watch(places, this_machine(places)))
        # While the screen is painted, the thread that stamps arriving tokens has to wait for the
        # interpreter; the default of 5 ms would be seen in the numbers.
        sys.setswitchinterval(SWITCH_S)
        app = DashboardApp(
            monitor,
            demo=None if demo else lambda: start(demo=True),
            contexts=None if demo else contexts,
            theme=settings.theme,
            keymap=_keymap(settings),
            preferences=preferences,
        )
        _end_without_terminal(lambda: app.monitor.stop())
        try:
            # An interrupt just after the event loop has closed does not reach the app.
            with suppress(KeyboardInterrupt):
                app.run()
        finally:
            # The app is ending: another interrupt would only keep it from closing everything.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            app.monitor.stop()
            # The process ends here; looking for cycles in all that is left would take 0.2 s.
            gc.freeze()
        return app.return_code or 0


def _keymap(settings: Settings) -> dict[str, str]:
    if not settings.keys:
        return {}
    # Without keys of the user, the table of commands is not imported.
    from dmr_tui.ui.commands.keymap import keymap

    return keymap(settings)


class Contexts:
    """The runners that `docker model context ls` and `docker context ls` list, read on demand."""

    def __init__(self, settings: Settings, watch: Callable[[Places], Monitor]) -> None:
        """`watch` makes a monitor that looks there."""
        self._settings = settings
        self._watch = watch
        self._now = ""

    def choices(self) -> Choices:
        """All of them, and which one is watched."""
        settings, folder = self._settings, docker_folder()
        contexts = read_contexts(folder)
        found = [Choice(DEFAULT, "wherever a runner is found")]
        now = settings.context or (DEFAULT if settings.host else contexts.active)
        if settings.host:
            now = settings.host_rule
            found.insert(0, Choice(now, _label(settings.host)))
        for each in contexts.named:
            active = "active in docker model" if each.name == contexts.active else ""
            tls = "TLS, not checked" if each.tls.skip_verify else "TLS" if each.tls.enabled else ""
            note = ", ".join(filter(None, (tls, active, each.description)))
            found.append(Choice(each.name, _label(each.host), note))
        names = {each.name for each in contexts.named}
        for engine in read_docker_contexts(folder):
            if engine.name not in names:
                kind = "Docker Cloud" if engine.cloud else "a Docker context"
                found.append(Choice(engine.name, without_secrets(engine.host), kind))
        notes = (contexts.problem,) if contexts.problem else ()
        return Choices(tuple(found), self._now or now, notes)

    def watch(self, name: str) -> Monitor:
        """A monitor of that one. Raises BadHost."""
        named = self._settings.host is not None and name == self._settings.host_rule
        monitor = self._watch(places(self._settings, None if named else name))
        self._now = name
        return monitor


def _label(host: str) -> str:
    """The address without what is secret in it."""
    try:
        return parse_host(host, "context").label
    except BadHost:
        return "an address that cannot be used"


def _end_without_terminal(close: Callable[[], None]) -> None:
    """From now on, `close` and end as soon as the terminal is gone.

    Textual waits for ever for a terminal that takes no more: its thread that writes is dead, the
    one that reads spins, and the loop that would hear of a signal stands still.
    """
    if hasattr(select, "poll"):
        thread = threading.Thread(
            target=_wait_for_hang_up, args=(close,), name="terminal", daemon=True
        )
        thread.start()


def _wait_for_hang_up(close: Callable[[], None]) -> None:
    poll = select.poll()
    # Registered for no event, it reports a hang-up alone, and costs nothing until then.
    poll.register(sys.stdin.fileno(), 0)
    happened = 0
    while not happened & (select.POLLHUP | select.POLLERR):
        with suppress(InterruptedError):
            happened = next((events for _, events in poll.poll()), 0)
        if happened & select.POLLNVAL:
            # This system cannot detect a hang-up.
            return
    threading.Timer(LONGEST_S, os._exit, (GONE,)).start()
    with suppress(Exception):
        close()
    os._exit(GONE)
