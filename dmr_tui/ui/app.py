"""The app: takes Snapshots from the monitor and hands them down; panes do everything else."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import events, work
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.filter import LineFilter
from textual.reactive import var
from textual.screen import ModalScreen, Screen

from dmr_tui.monitor.crashes import crash_text
from dmr_tui.monitor.live import Monitor
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.preferences import DEFAULT_PREFERENCES, Preferences
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.commands.palette import CommandProvider
from dmr_tui.ui.commands.table import bindings
from dmr_tui.ui.dashboard.dashboard_screen import DashboardScreen
from dmr_tui.ui.messages import (
    LinesWanted,
    MemoryWanted,
    PartCrashed,
    RequestWanted,
    SnapshotReady,
)
from dmr_tui.ui.shell.guarded_app import GuardedApp
from dmr_tui.ui.shell.header import HeaderPane
from dmr_tui.ui.shell.live_screen import LiveScreen
from dmr_tui.ui.shell.notice import Dismissed, NoticePane
from dmr_tui.ui.shell.pane import now
from dmr_tui.ui.shell.runner_choices import Contexts
from dmr_tui.ui.themes import DARK, LIGHT, variables_of
from dmr_tui.ui.widgets.glyphs import ASCII, GLYPHS
from dmr_tui.ui.widgets.textual_internals import begin_suspension

ROOMS = ("shell", "dashboard", "chat", "models", "requests", "timeline", "memory", "doctor")
"""Folders with styles of their own; of two rules that contradict each other the later one wins."""


class DashboardApp(GuardedApp):
    """One reactive Snapshot, handed down to the screen in front; the monitor has its own thread."""

    TITLE = "dmr-tui"
    CSS_PATH = [  # noqa: RUF012
        Path(__file__).parent / room / f"{room}.tcss" for room in ROOMS
    ]
    COMMANDS: ClassVar = App.COMMANDS | {CommandProvider}
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("everywhere")]
    ENABLE_COMMAND_PALETTE = True
    ALLOW_IN_MAXIMIZED_VIEW = "#keys"

    snapshot: var[Snapshot] = var(Snapshot(), init=False)

    def __init__(
        self,
        monitor: Monitor,
        *,
        demo: Callable[[], Monitor] | None = None,
        contexts: Contexts | None = None,
        theme: str = "dmr-dark",
        keymap: Mapping[str, str] | None = None,
        preferences: Preferences = DEFAULT_PREFERENCES,
    ) -> None:
        """`demo` starts a simulated runner and answers its monitor; None if this is the demo.

        `keymap`: the keys of actions that are not to have their usual ones, by the action's id.
        """
        super().__init__()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = theme
        self.monitor = monitor
        self.preferences = preferences
        """Units and thresholds, which every pane reads here."""
        self.keymap = dict(keymap or {})
        if self.keymap:
            self.set_keymap(self.keymap)
        self._to_ascii: tuple[LineFilter, ...] = ()
        if GLYPHS is ASCII:
            from dmr_tui.ui.ascii import AsciiFilter

            self._to_ascii = (AsciiFilter(),)
        self._demo = demo
        self._contexts = contexts
        self._heard_at = now()
        """Seconds since 1970 at which the monitor last said anything, changed or not."""
        self._newest: SnapshotReady | None = None
        """The Snapshot that waits to be taken."""
        self._newest_lock = threading.Lock()
        self._ticked_at = 0.0
        self._doctor_opened = False
        self.dismissed = Dismissed()
        """Warnings that the user does not want to see, on no screen."""

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Turn everything that is painted into ASCII for terminals that show no more."""
        return (*super().get_line_filters(), *self._to_ascii)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Return the names that the styles use, for themes that do not define them."""
        return variables_of(self.current_theme)

    async def on_mount(self) -> None:
        # What it says meanwhile waits until the screens are there.
        self._start()
        for mode in ("dashboard", "requests", "memory", "timeline", "doctor"):
            self.add_mode(mode, partial(self._new_screen, mode))
        await self.switch_mode("dashboard")
        self.set_interval(1.0, self._tick_alone)
        self._end_on_signals()
        self._resume_once()

    def _new_screen(self, mode: str) -> LiveScreen:
        # Only the first paint is waited for, and it needs the dashboard alone.
        screen: type[LiveScreen] = DashboardScreen
        match mode:
            case "requests":
                from dmr_tui.ui.requests.requests_screen import RequestsScreen as screen
            case "memory":
                from dmr_tui.ui.memory.memory_screen import MemoryScreen as screen
            case "timeline":
                from dmr_tui.ui.timeline.timeline_screen import TimelineScreen as screen
            case "doctor":
                from dmr_tui.ui.doctor.doctor_screen import DoctorScreen as screen
        return screen(lambda: self.monitor)

    def _end_on_signals(self) -> None:
        # Asked to end from outside, the terminal is to be given back as it was.
        loop = asyncio.get_running_loop()
        for name in ("SIGTERM", "SIGHUP", "SIGINT"):
            with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(getattr(signal, name), self.exit)
        for name in ("SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGXCPU"):
            with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
                number = getattr(signal, name)
                # As a shell counts: 128 and the number of the signal.
                loop.add_signal_handler(number, partial(self.exit, return_code=128 + number))

    def _resume_once(self) -> None:
        goes_on = getattr(signal, "SIGCONT", None)
        before = signal.getsignal(goes_on) if goes_on is not None else None
        if goes_on is None or not callable(before):
            return

        def resume() -> None:
            begin_suspension(self)
            before(goes_on, None)
            self.call_later(self.refresh, layout=True)

        # On the loop, and not in the middle of whatever was done when it was stopped.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            asyncio.get_running_loop().add_signal_handler(goes_on, resume)

    def _start(self) -> None:
        monitor = self.monitor
        monitor.start(
            lambda snapshot: self._post_newest(SnapshotReady(snapshot, monitor)),
            lambda crash: self._post(PartCrashed(crash, monitor)),
        )

    def _post_newest(self, event: SnapshotReady) -> None:
        # From the monitor's thread. Textual joins messages only where nothing stands between them:
        # a UI that falls behind would keep each Snapshot with all that was pressed meanwhile.
        if event.source is self.monitor:
            with self._newest_lock:
                waiting, self._newest = self._newest, event
            if waiting is None:
                self._post(event)

    def _post(self, message: SnapshotReady | PartCrashed) -> None:
        # From the monitor's thread; while the app ends, its loop may be gone already.
        with suppress(RuntimeError):
            self.post_message(message)

    def on_snapshot_ready(self, event: SnapshotReady) -> None:
        """Take a Snapshot, here and nowhere else; an equal one changes nothing."""
        if not self.is_running:
            # While the app ends its screens lose their panes one by one.
            return
        with self._newest_lock:
            newest, self._newest = self._newest, None
        event = newest or event
        if event.source is not self.monitor:
            # Of the runner that was watched before.
            return
        self._heard_at = now()
        self.dismissed = self.dismissed.seen(event.snapshot.alerts, now())
        for screen in self.screen_stack[:1]:
            screen.query_one(HeaderPane).heard_at = self._heard_at
        if event.snapshot == self.snapshot:
            self._tick()
        else:
            self._ticked_at = self._heard_at
            self.snapshot = event.snapshot

    def on_part_crashed(self, event: PartCrashed) -> None:
        """Say that a part of the monitor has failed and begins again."""
        if event.source is not self.monitor:
            # Of the runner that was watched before.
            return
        if not self.goes_on:
            raise AssertionError(crash_text(event.crash))
        self.tell(event.crash)

    async def watch_snapshot(self) -> None:
        """Hand it down, and open the doctor while there is no runner."""
        self._hand_down()
        runner = self.snapshot.runner
        if runner.up is False and runner.down_since is None and not self._doctor_opened:
            self._doctor_opened = True
            await self.action_show("doctor")
        elif runner.up and self._doctor_opened:
            self._doctor_opened = False
            if self.current_mode == "doctor":
                await self.action_show("dashboard")

    @property
    def _in_front(self) -> LiveScreen | None:
        # Below dialogs; while the app starts or ends there is none.
        screen = self.screen_stack[0] if self.screen_stack else None
        return screen if isinstance(screen, LiveScreen) else None

    def _hand_down(self) -> None:
        # Only to the screen in front: the others need not paint what is not seen.
        if self._in_front is not None:
            self._in_front.snapshot = self.snapshot

    def _tick_alone(self) -> None:
        # Clocks go on when Snapshots come seldom, or not at all.
        if self.is_running and now() - self._ticked_at > 0.95:
            self._tick()

    def _tick(self) -> None:
        self._ticked_at = now()
        screen = self._in_front
        if screen is not None and screen.is_mounted:
            screen.tick(self._heard_at)

    async def action_show(self, mode: str) -> None:
        """Go to a screen."""
        if self.current_mode != mode:
            await self.switch_mode(mode)
            if isinstance(screen := self.screen_stack[0], LiveScreen):
                self.make_if_blank(screen)
            self._hand_down()
            self._look()

    def _look(self) -> None:
        if self._in_front is not None:
            self._in_front.look()

    async def on_lines_wanted(self, event: LinesWanted) -> None:
        """Go to the timeline, at those lines of the log."""
        from dmr_tui.ui.timeline.timeline_screen import TimelineScreen

        await self.action_show("timeline")
        if isinstance(self.screen, TimelineScreen):
            self.screen.go_to(event.at, event.until, event.digest)

    async def on_request_wanted(self, event: RequestWanted) -> None:
        """Go to the requests, with the cursor on that one."""
        from dmr_tui.ui.requests.requests_screen import RequestsScreen

        await self.action_show("requests")
        if isinstance(self.screen, RequestsScreen):
            self.screen.go_to(event.id)

    async def on_memory_wanted(self, event: MemoryWanted) -> None:
        """Go to the memory, with the cursor on that model."""
        from dmr_tui.ui.memory.memory_screen import MemoryScreen

        await self.action_show("memory")
        if isinstance(self.screen, MemoryScreen):
            self.screen.go_to(event.key)

    async def on_key(self, event: events.Key) -> None:
        """Quit by ctrl+q in every dialog as well; a dialog keeps the other keys to itself."""
        if event.key == "ctrl+q" and isinstance(self.screen, ModalScreen):
            await self.action_quit()

    def action_dismiss_warning(self) -> None:
        """Be quiet about the warning that is shown."""
        for pane in self.screen_stack[0].query(NoticePane):
            if key := pane.dismissable:
                self.dismissed = self.dismissed.add(key, now())
                self.monitor.dismissed(key)
                pane.watch_snapshot()

    async def action_quit(self) -> None:
        """End the dashboard; a download would end with it, which is asked first."""
        self._unless_pulling("Quit", self.exit)

    def _unless_pulling(self, act: str, do: Callable[[], None]) -> None:
        going = [pull for pull in self.snapshot.pulls if pull.going]
        if not going:
            do()
            return
        from dmr_tui.ui.shell.quit_dialog import QuitDialog

        self.push_screen(QuitDialog(going, act), lambda sure: do() if sure else None)

    def action_refresh_now(self) -> None:
        """Ask everything again now."""
        self.monitor.kick()

    def action_help(self) -> None:
        """Show the keys and the meaning of the numbers."""
        from dmr_tui.ui.shell.help import HelpDialog

        self.push_screen(HelpDialog(self.current_mode, self.keymap))

    def action_demo(self) -> None:
        """Watch a simulated runner instead of the one that does not answer."""
        if self._demo is not None and not self.snapshot.runner.up:
            demo, self._demo = self._demo, None
            self.notify("Starting the simulated runner …")
            self._watch_demo(demo)

    @work(thread=True, group="demo", exit_on_error=False)
    def _watch_demo(self, demo: Callable[[], Monitor]) -> None:
        monitor = demo()
        self.call_from_thread(self._replace_monitor, monitor)

    def _replace_monitor(self, monitor: Monitor) -> None:
        # It waits for its thread, which may wait for a disk or a driver.
        self.run_worker(self.monitor.stop, group="stop", thread=True, exit_on_error=False)
        self.monitor = monitor
        self._start()
        self._look()

    def action_contexts(self) -> None:
        """Choose another runner to watch."""
        from dmr_tui.ui.shell.choice_dialog import ContextsDialog

        if self._contexts is None:
            self.notify("The demo watches a runner of its own; without --demo others can be chosen")
            return
        contexts = self._contexts

        def chosen(name: str | None) -> None:
            if name is not None:
                self._unless_pulling("Switch", lambda: self._watch_context(contexts, name))

        self.push_screen(ContextsDialog(contexts.choices()), chosen)

    def _watch_context(self, contexts: Contexts, name: str) -> None:
        try:
            monitor = contexts.watch(name)
        except ValueError as error:
            self.notify(plain(str(error)), severity="error", markup=False)
            return
        self._doctor_opened = False
        self.snapshot = Snapshot()
        self._replace_monitor(monitor)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim (None) what cannot be done now."""
        if action == "demo":
            return self._demo is not None and not self.snapshot.runner.up
        if action == "show" and parameters == (self.current_mode,):
            return None
        return True

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Yield those of Textual's own commands that our table does not have."""
        yield SystemCommand("Theme", "Change the colours", self.search_themes)
