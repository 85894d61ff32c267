"""Tests talk to this machine only."""

import gc
import ipaddress
import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import RenderableType
from textual._compositor import Compositor

from tests.settled import settled

gc.set_threshold(200_000, 50, 1_000)
"""Rarer than by default: looking for cycles in the many objects of an app takes a fifth of the
time of its test, and a hundred apps that are kept a little longer take 40 MB."""


def pytest_xdist_auto_num_workers() -> int:
    """Two processes more than there are cores, since a third of a test's time is waiting."""
    return (os.cpu_count() or 1) + 2


@pytest.fixture(scope="session", autouse=True)
def programs_find_modules_compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiling them takes a third of the time that a program takes to start."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # One folder for all workers of this run.
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        if sys.dont_write_bytecode:
            # Told to leave the tree as it is, Python finds none there.
            patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
            patch.setenv("PYTHONPYCACHEPREFIX", str(folder / "compiled"))
        yield


@pytest.fixture(scope="session", autouse=True)
def programs_hear_interrupts() -> None:
    """Started in the background of a shell, the tests and their programs would ignore SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to any other address is a mistake of the test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX:
            host = str(address[0])
            assert host == "localhost" or ipaddress.ip_address(host).is_loopback, address
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def no_settings_of_this_person(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Neither variables nor the settings file of whoever runs the tests count."""
    for name in ("MODEL_RUNNER_HOST", "DMR_TUI_INTERVAL", "DMR_TUI_THEME", "DMR_TUI_READ_ONLY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("DMR_TUI_CONFIG", raising=False)
    for name in ("DMR_TUI_ARCHIVE", "DMR_TUI_ARCHIVE_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("TLS", "TLS_SKIP_VERIFY", "TLS_CA_CERT"):
        monkeypatch.delenv(f"MODEL_RUNNER_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def unforeseen_errors_fail_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dashboard would go on after them."""
    monkeypatch.setattr("dmr_tui.ui.app.DashboardApp.goes_on", False)


@pytest.fixture(autouse=True)
def keys_wait_until_the_app_has_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no longer: what scrolls is at once where it goes, and not painted on every step."""
    monkeypatch.setattr("textual.constants.TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setattr("textual.app.wait_for_idle", settled)
    monkeypatch.setattr("textual.pilot.wait_for_idle", settled)


@pytest.fixture(autouse=True)
def updates_go_nowhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No terminal shows them, and they take a third of the time: a test reads the whole screen.

    `painted` marks the tests of what an update does.
    """
    make = Compositor.render_update

    def whole_ones(
        compositor: Compositor, full: bool = False, *args: Any, **options: Any
    ) -> RenderableType | None:
        if full:
            return make(compositor, full, *args, **options)
        compositor._dirty_regions.clear()
        return None

    if request.node.get_closest_marker("painted") is None:
        monkeypatch.setattr(Compositor, "render_update", whole_ones)


@pytest.fixture(autouse=True)
def no_docker_of_this_person(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No Docker Engine and no context of whoever runs the tests is found."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-docker.sock")
    for name in ("DOCKER_CONTEXT", "DMR_TUI_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
