"""macmon as a real child process: a script that prints its lines."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dmr_tui.machine.gpu.macmon import AGAIN_S, SILENT_S, Macmon, Vitals, vitals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the script needs a shell")
LINE = '{"temp": {"gpu_temp_avg": 48.5}, "gpu_power": 6.25, "gpu_freq_mhz": 912}'
FOR_EVER = "exec sleep 1000\n"


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def script(folder: Path, text: str) -> str:
    path = folder / "macmon"
    path.write_text(f'#!/bin/sh\necho "$@" >> {folder}/starts\n{text}')
    path.chmod(0o755)
    return str(path)


def until(macmon: Macmon, seen: Callable[[Vitals], bool]) -> Vitals:
    """The first reading of which `seen` is true."""
    end = time.monotonic() + 20.0
    while not seen(told := macmon.read()):
        assert time.monotonic() < end, told
        time.sleep(0.01)
    return told


def test_its_lines_are_read_and_it_is_ended(tmp_path: Path) -> None:
    text = f"echo 'not JSON'\necho '[[1]]'\necho '{LINE}'\n{FOR_EVER}"
    clock = Clock()
    macmon = Macmon(script(tmp_path, text), clock)
    try:
        told = until(macmon, lambda told: told["power"].value is not None)
        assert (told["temperature"].value, told["clock"].value) == (48.5, 912.0)
        process = macmon._process
        assert process is not None
        assert process.poll() is None
    finally:
        macmon.close()
    assert process.poll() is not None
    assert (tmp_path / "starts").read_text() == "pipe -s 0 -i 2000\n"
    clock.now = AGAIN_S
    assert macmon.read()["power"].value is None
    assert macmon._process is process, "it is not started again"


def test_one_that_ends_is_a_reason_and_starts_again_later(tmp_path: Path) -> None:
    clock = Clock()
    macmon = Macmon(script(tmp_path, f"echo '{LINE}'\nexit 3\n"), clock)
    try:
        until(macmon, lambda told: "ended by itself (exit code 3)" in told["power"].reason)
        clock.now = AGAIN_S - 1.0
        macmon.read()
        assert len((tmp_path / "starts").read_text().splitlines()) == 1
        clock.now = AGAIN_S
        macmon.read()
        until(macmon, lambda told: "ended by itself (exit code 3)" in told["power"].reason)
        assert len((tmp_path / "starts").read_text().splitlines()) == 2
    finally:
        macmon.close()


def test_one_that_falls_silent_is_not_believed(tmp_path: Path) -> None:
    clock = Clock()
    macmon = Macmon(script(tmp_path, f"echo '{LINE}'\n{FOR_EVER}"), clock)
    try:
        until(macmon, lambda told: told["power"].value is not None)
        clock.now = SILENT_S
        assert "silent for 10 s" in macmon.read()["power"].reason
    finally:
        macmon.close()


def test_one_that_cannot_be_started(tmp_path: Path) -> None:
    macmon = Macmon(str(tmp_path / "gone"))
    assert "No such file" in macmon.read()["power"].reason
    macmon.close()


def test_a_mac_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    macmon = Macmon()
    assert "not installed" in macmon.read()["temperature"].reason
    macmon.close()


def test_both_forms_of_its_lines() -> None:
    newer = {"temp": {"gpu_temp_avg": 48.5}, "gpu_power": 6.25, "gpu_freq_mhz": 912}
    older = {"temp": {"gpu_temp_avg": 48.5}, "gpu_power": 6.25, "gpu_usage": [912, 0.31]}
    for told in (newer, older):
        found = vitals(told)
        assert (found["temperature"].value, found["power"].value) == (48.5, 6.25)
        assert found["clock"].value == 912.0


@pytest.mark.parametrize("told", [{}, {"gpu_power": "a lot", "temp": 7}, {"gpu_power": -1.0}])
def test_absurd_lines_tell_nothing(told: dict[str, object]) -> None:
    assert {reading.value for reading in vitals(told).values()} == {None}
