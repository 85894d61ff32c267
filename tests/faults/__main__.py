"""The memory of a dashboard whose runner is hostile: its peak in each attack that has no end.

usage: python -m tests.faults [SECONDS] [ROUTE]
"""

import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from tests.faults.hostile import ENDLESS, ENDLESS_CHAT, Hostile, hostile
from tests.terminal import Terminal, dmr_tui, simulated

SAMPLE_S = 0.05
MOST = 150.0
"""MiB."""
FEED, CHAT = "/engines/requests?", "/engines/v1/chat/completions"
LARGE = ("huge", "gzip bomb", "long header", "endless line", "endless list")
EVENTS = ("huge event", "deep event", "endless line", "endless events")
ROUTES: dict[str, tuple[str, ...]] = {
    "/engines/ps": LARGE,
    "/engines/status": LARGE,
    "/models": LARGE,
    "/engines/df": LARGE,
    "/engines/_configure": LARGE,
    "/engines/requests": LARGE,
    FEED: EVENTS,
    "/logs": ("huge", "endless line", "endless log", "gzip bomb"),
    CHAT: tuple(ENDLESS_CHAT),
}


class Peak:
    """The most that a process has held, sampled in a thread; MiB."""

    def __init__(self, pid: int) -> None:
        self.pss = 0.0
        self._process = psutil.Process(pid)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure the peak from now on, until the end."""
        self.pss = 0.0
        ended = threading.Event()

        def watch() -> None:
            with suppress(psutil.Error):
                while not ended.wait(SAMPLE_S):
                    self.pss = max(self.pss, self._process.memory_full_info().pss / 2**20)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def attack(terminal: Terminal, peak: Peak, server: Hostile, name: str, seconds: float) -> float:
    """Attack for so long with all screens shown in turn; returns the peak."""
    server.attacked = 0
    with peak.measured():
        server.attack = name
        if server.route == FEED:
            server.drop()
        if server.route == CHAT:
            for key in ("\x1b", "1", "c", "hello", "\r"):
                terminal.keys(key)
                terminal.pump(0.5)
        else:
            # F5 asks for everything again.
            terminal.keys("\x1b[15~4")
        terminal.pump(seconds)
        if server.route == CHAT:
            # Stops the answer if it goes on, and leaves the prompt.
            for _ in range(3):
                terminal.keys("\x1b")
                terminal.pump(0.5)
        server.attack = ""
    if not server.attacked:
        print(f"{name} at {server.route} was never asked for")
    terminal.keys("1")
    terminal.pump(1.0)
    return peak.pss


def attack_route(route: str, seconds: float) -> bool:
    """Attack one route of a new dashboard in each way; False if it held too much, or ended."""
    kept = True
    with (
        tempfile.TemporaryDirectory() as home,
        simulated("--scenario", "workflow") as url,
        hostile(url) as server,
    ):
        terminal = Terminal(dmr_tui("--host", server.address), HOME=home)
        try:
            terminal.shows("● up", seconds=120.0)
            terminal.pump(3.0)
            peak = Peak(terminal.pid)
            with peak.measured():
                terminal.pump(1.0)
            print(f"{route:28} {'before':28} {peak.pss:6.1f} MiB", flush=True)
            server.route = route
            for name in ROUTES[route]:
                most = attack(terminal, peak, server, name, seconds)
                over = "" if most <= MOST else "  <-- OVER"
                print(f"{route:28} {name:28} {most:6.1f} MiB{over}", flush=True)
                kept = kept and not over
            terminal.keys("\x11")
            kept = terminal.end(10.0) == 0 and kept
        except (AssertionError, OSError) as error:
            print(f"{route}: {error}")
            return False
        finally:
            with suppress(OSError):
                terminal.kill()
    return kept


def main(seconds: str = "8", only: str = "") -> int:
    """Attack the routes (`only` one); returns 1 if a peak was over MOST, or a dashboard ended."""
    assert set(ENDLESS) >= {name for name in LARGE + EVENTS if name.startswith("endless")}
    kept = [attack_route(route, float(seconds)) for route in ROUTES if only in {"", route}]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
