"""The signs of memory pressure: of this machine, and of files that were made up."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from dmr_tui.machine.host import HostProbe
from dmr_tui.machine.pressure import Pressure, PressureProbe

PSI = (
    "some avg10=12.34 avg60=3.00 avg300=0.50 total=123456\n"
    "full avg10=2.50 avg60=1.00 avg300=0.10 total=23456\n"
)


class Linux:
    """A /proc that was made up, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 100.0
        (folder / "pressure").mkdir()
        self.write(PSI, {"pswpin": 1000, "pswpout": 2000, "oom_kill": 3})
        self.probe = PressureProbe(proc=folder, platform="linux", clock=lambda: self.now)

    def write(self, psi: str, counts: dict[str, int]) -> None:
        (self.folder / "pressure" / "memory").write_text(psi)
        lines = [f"{name} {count}" for name, count in counts.items()]
        (self.folder / "vmstat").write_text("\n".join(["nr_free_pages 5", *lines]) + "\n")

    def read(self) -> Pressure:
        return self.probe.read()


@pytest.fixture
def linux(tmp_path: Path) -> Linux:
    return Linux(tmp_path)


def test_averages_of_ten_seconds(linux: Linux) -> None:
    pressure = linux.read()
    assert (pressure.some.value, pressure.full.value) == (12.34, 2.5)


@pytest.mark.skipif(sys.platform == "win32", reason="page sizes are asked for by sysconf")
def test_swap_rates_are_differences_and_kills_count_from_the_first_reading(linux: Linux) -> None:
    import os

    first = linux.read()
    assert first.swap_in.value is None
    assert "second reading" in first.swap_in.reason
    assert first.oom_kills.value == 0
    linux.now += 2.0
    linux.write(PSI, {"pswpin": 1100, "pswpout": 2000, "oom_kill": 5})
    second = linux.read()
    page = os.sysconf("SC_PAGE_SIZE")
    assert second.swap_in.value == 50 * page
    assert second.swap_out.value == 0.0
    assert second.oom_kills.value == 2


def test_counters_that_went_back_are_no_negative_rate(linux: Linux) -> None:
    linux.read()
    linux.now += 1.0
    linux.write(PSI, {"pswpin": 10, "pswpout": 10, "oom_kill": 0})
    pressure = linux.read()
    assert pressure.swap_in.value == 0.0
    assert pressure.oom_kills.value == 0


@pytest.mark.parametrize(
    "psi", ["", "some avg10=lots\n", "some avg10=170.00 x\nfull avg10=300.0\n"]
)
def test_absurd_averages_are_unknown(linux: Linux, psi: str) -> None:
    linux.write(psi, {})
    pressure = linux.read()
    assert pressure.some.value is None
    assert pressure.full.value is None
    assert pressure.oom_kills.value is None


def test_an_old_kernel_has_a_reason(tmp_path: Path) -> None:
    pressure = PressureProbe(proc=tmp_path, platform="linux").read()
    assert "psi=0" in pressure.some.reason
    assert pressure.swap_in.reason


MAC = {
    "/usr/sbin/sysctl": "2\n",
    "/usr/bin/vm_stat": "Mach Virtual Memory Statistics: (page size of 16384 bytes)\n"
    "Pages free:                               5538.\n"
    "Pages occupied by compressor:            25000.\n",
}


class Mac:
    """A Mac's commands, each with its answer or its error, and a clock."""

    def __init__(self, **answers: str | Exception) -> None:
        self.answers: dict[str, str | Exception] = {**MAC}
        self.answers |= {path: answers[n] for path in MAC if (n := Path(path).name) in answers}
        self.asked: list[str] = []
        self.now = 0.0
        self.probe = PressureProbe(platform="darwin", clock=lambda: self.now, run=self.run)

    def run(self, command: Sequence[str]) -> str:
        self.asked.append(Path(command[0]).name)
        answer = self.answers[command[0]]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_mac_is_asked_for_its_level_every_two_seconds() -> None:
    mac = Mac()
    pressure = mac.probe.read()
    assert (pressure.level.value, pressure.compressed.value) == (2, 25000 * 16384)
    assert pressure.some.reason == "not on this system"
    mac.now = 1.9
    mac.answers["/usr/sbin/sysctl"] = "4\n"
    assert mac.probe.read().level.value == 2
    assert mac.asked == ["sysctl", "vm_stat"]
    mac.now = 2.0
    assert mac.probe.read().level.value == 4


def test_a_macs_signs_fail_one_by_one() -> None:
    hung = subprocess.TimeoutExpired("sysctl", 2.0)
    one = Mac(sysctl=hung).probe.read()
    assert one.level.value is None
    assert "timed out" in one.level.reason
    assert one.compressed.value == 25000 * 16384
    other = Mac(sysctl="7\n", vm_stat="page size of what bytes").probe.read()
    assert (other.level.value, other.compressed.value) == (None, None)
    assert "'7" in other.level.reason
    assert "compressor" in other.compressed.reason
    assert Mac(vm_stat=FileNotFoundError(2, "missing")).probe.read().compressed.reason


@pytest.mark.skipif(sys.platform == "win32", reason="there it can be read")
def test_the_commit_charge_elsewhere_has_a_reason() -> None:
    pressure = PressureProbe(platform="win32").read()
    assert pressure.committed.reason == "Windows does not tell the commit charge"


@pytest.mark.skipif(not Path("/proc/pressure/memory").exists(), reason="no PSI on this machine")
def test_this_machine_has_psi() -> None:
    pressure = HostProbe().read().pressure
    assert pressure.some.value is not None
    assert 0.0 <= pressure.some.value <= 100.0
    assert pressure.oom_kills.value == 0


def test_what_is_not_of_this_system_says_so() -> None:
    if sys.platform != "linux":
        pytest.skip("of Linux")
    pressure = HostProbe().read().pressure
    assert pressure.level.reason == "not on this system"
    assert pressure.committed.value is None
