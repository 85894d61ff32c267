"""The table of actions holds together."""

import pytest

from dmr_tui.ui.actions import ACTS, bindings
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.screens.dashboard import DashboardScreen


def test_every_action_exists() -> None:
    for act in ACTS:
        namespace, _, name = act.action.partition(".")
        owner = DashboardApp if namespace == "app" else DashboardScreen
        assert hasattr(owner, f"action_{name.partition('(')[0]}"), act


def test_every_action_has_a_sentence() -> None:
    assert all(act.help.endswith(".") for act in ACTS)


@pytest.mark.parametrize("where", ["everywhere", "models", "doctor"])
def test_no_key_means_two_things_in_one_place(where: str) -> None:
    keys = [binding.key for binding in bindings(where)]  # type: ignore[arg-type]
    assert len(keys) == len(set(keys))
