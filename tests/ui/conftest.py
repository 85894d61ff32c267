"""The app beside a still monitor, or beside a simulated runner."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from textual.widgets import Input, TextArea

from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.simulator.server import Simulator, serve
from dmr_tui.ui.app import DashboardApp
from tests.ui.still import NOW


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It stays noon in Greenwich and no cursor blinks, so that pictures are alike."""
    monkeypatch.setattr(time, "time", lambda: NOW)
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
    monkeypatch.setattr(TextArea, "_toggle_cursor_blink_visible", lambda self: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


Beside = Callable[..., tuple[DashboardApp, Simulator]]


@pytest.fixture
def beside() -> Iterator[Beside]:
    """An app that watches a simulated runner of its own."""
    with ExitStack() as stack:

        def start(
            simulator: Simulator | str = "quiet", *, interval: float = 0.25, read_only: bool = False
        ) -> tuple[DashboardApp, Simulator]:
            if isinstance(simulator, str):
                simulator = Simulator(simulator)
            url = stack.enter_context(serve(simulator))
            monitor = Monitor(
                (parse_host(url, "--host"),),
                SimulatedMachine(simulator),
                interval=interval,
                read_only=read_only,
            )
            stack.callback(monitor.stop)
            return DashboardApp(monitor), simulator

        yield start
