"""The table of actions holds together."""

import pytest

from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.commands.table import COMMANDS, bindings
from dmr_tui.ui.dashboard.dashboard_screen import DashboardScreen
from dmr_tui.ui.doctor.doctor_screen import DoctorScreen
from dmr_tui.ui.memory.memory_screen import MemoryScreen
from dmr_tui.ui.requests.request_detail import RequestDetail
from dmr_tui.ui.requests.requests_pane import RequestsPane
from dmr_tui.ui.requests.requests_screen import RequestsScreen
from dmr_tui.ui.timeline.log_pane import LogPane
from dmr_tui.ui.timeline.timeline_pane import TimelinePane
from dmr_tui.ui.timeline.timeline_screen import TimelineScreen

SCREENS = {
    "doctor": DoctorScreen,
    "requests": RequestsScreen,
    "request": RequestDetail,
    "memory": MemoryScreen,
    "timeline": TimelineScreen,
    "log": TimelineScreen,
}
PANES = {"requests": RequestsPane, "timeline": TimelinePane, "log": LogPane}
PLACES = ["everywhere", "models", "doctor", "request", "memory", "timeline", "log"]
"""In chat and requests a key may mean what can be done just then."""


def test_every_action_exists() -> None:
    for act in COMMANDS:
        owners = {
            "app": DashboardApp,
            "screen": SCREENS.get(act.where, DashboardScreen),
            "pane": PANES.get(act.where),
        }
        assert hasattr(owners[act.owner], act.method), act


def test_every_action_has_a_sentence() -> None:
    assert all(act.help.endswith((".", "?")) for act in COMMANDS)


@pytest.mark.parametrize("where", PLACES)
def test_no_key_means_two_things_in_one_place(where: str) -> None:
    keys = [binding.key for binding in bindings(where)]  # type: ignore[arg-type]
    assert len(keys) == len(set(keys))
