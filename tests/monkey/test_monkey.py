"""Random keys, clicks, pastes and sizes on every screen: nothing ends or freezes the dashboard."""

from pathlib import Path

import pytest

from dmr_tui.simulator.scenarios.scenarios import SCENARIOS
from tests.monkey.game import play

PRESSES = 600
PAINTED_S = 0.25
"""Seconds between two paintings, which take most of the time: a sixteenth of the usual rate."""


@pytest.mark.painted
@pytest.mark.parametrize("number", range(8))
async def test_random_inputs(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("textual.screen.UPDATE_PERIOD", PAINTED_S)
    scenario = list(SCENARIOS)[number % len(SCENARIOS)]
    sent = game = 0
    while sent < PRESSES:
        game += 1
        (folder := tmp_path / str(game)).mkdir()
        seed = f"{number} {game}"
        pressed, wrong = await play(seed, scenario, folder, PRESSES - sent, (80, 24))
        assert not wrong, f"seed {seed!r}, {scenario}: {wrong}"
        sent += pressed
