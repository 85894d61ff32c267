"""The console script, run as a person runs it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dmr_tui.simulator.server import Simulator, serve

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs `dmr-tui` with these words and gives back what it printed."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("DMR_TUI", "MODEL_RUNNER"))}
    env["XDG_CONFIG_HOME"] = str(tmp_path)
    env["XDG_DATA_HOME"] = str(tmp_path / "data")

    def start(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "dmr_tui", *words],
            env={**env, **more},
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )

    return start


@pytest.fixture(scope="module")
def quiet() -> Iterator[str]:
    """The address of a simulated runner."""
    with serve(Simulator("quiet")) as url:
        yield url
