"""Apple's GPUs by the outputs of its commands, written down in the form that they have."""

import plistlib
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from dmr_tui.machine.gpu.apple import BUDGET_S, AppleProvider
from dmr_tui.machine.gpu.macmon import Macmon
from dmr_tui.machine.host import HostProbe, read_vm
from dmr_tui.machine.pressure import PressureProbe
from dmr_tui.machine.reading import Reading

GIB = 2**30
PAGES = {
    "Pages free": 64712,
    "Pages active": 996993,
    "Pages inactive": 994622,
    "Pages speculative": 1744,
    "Pages throttled": 0,
    "Pages wired down": 353323,
    "Pages purgeable": 22116,
    '"Translation faults"': 13199997030,
    "Pages copy-on-write": 497042267,
    "File-backed pages": 468696,
    "Anonymous pages": 1524663,
    "Pages stored in compressor": 2068175,
    "Pages occupied by compressor": 678569,
}
VM_STAT = "Mach Virtual Memory Statistics: (page size of 16384 bytes)\n" + "".join(
    f"{name + ':':40}{count:>12}.\n" for name, count in PAGES.items()
)
M4 = {
    "IOClass": "AGXAcceleratorG16G",
    "model": "Apple M4",
    "gpu-core-count": 10,
    "PerformanceStatistics": {
        "Device Utilization %": 23,
        "Renderer Utilization %": 21,
        "In use system memory": 725286912,
        "Alloc system memory": 2679144448,
    },
}
INTEL_MAC = [
    {
        "model": b"Intel UHD Graphics 630\0",
        "PerformanceStatistics": {"GPU Activity(%)": 3, "Alloc system memory": 300 * 2**20},
    },
    {
        "model": b"AMD Radeon Pro 5500M\0",
        "PerformanceStatistics": {
            "GPU Activity(%)": 64,
            "vramUsedBytes": 3 * GIB,
            "vramFreeBytes": 5 * GIB,
        },
    },
]


class Mac:
    """Answers the commands of a Mac."""

    def __init__(
        self,
        found: object = (M4,),
        ram: int = 16 * GIB,
        wired_mb: str = "0",
        level: str = "1",
        release: str = "15.7.7",
    ) -> None:
        self.release = release
        self.found = found
        self.ram = ram
        self.wired_mb = wired_mb
        self.level = level
        self.commands: list[str] = []

    def __call__(self, command: Sequence[str]) -> str:
        name = command[0].rpartition("/")[2]
        self.commands.append(name)
        if name == "ioreg":
            return plistlib.dumps(self.found).decode()  # type: ignore[arg-type]
        if name == "vm_stat":
            return VM_STAT
        if "kern.memorystatus_vm_pressure_level" in command:
            return f"{self.level}\n"
        told = f"{self.ram}\n{self.release}\n{self.wired_mb}\n"
        if not self.wired_mb:
            raise subprocess.CalledProcessError(1, list(command), output=told)
        return told


def test_used_memory_by_the_formula_of_activity_monitor() -> None:
    assert read_vm(Mac()) == Reading(41_524_248_576)
    assert read_vm(lambda command: VM_STAT.replace(".\n", "\n")) == Reading(41_524_248_576)
    assert read_vm(lambda command: "what?").value is None
    absurd = VM_STAT.replace("996993", str(2**64 - 1))
    assert "absurd" in read_vm(lambda command: absurd).reason


def test_an_apple_gpu_holds_what_is_allocated_of_its_share() -> None:
    (gpu,) = AppleProvider(Mac()).read().gpus
    assert gpu.name == "Apple M4 (10 cores)"
    assert gpu.use.value == 23.0
    assert gpu.memory_kind == "unified"
    assert gpu.memory_used.value == 2_679_144_448
    assert gpu.memory_total.value == int(16 * GIB * 2 / 3)
    assert "macmon" in gpu.power.reason


@pytest.mark.parametrize(
    ("release", "ram", "share"),
    [
        ("15.7.7", 16, 10.67),
        ("15.7.7", 32, 21.33),
        ("15.7.7", 36, 27.0),
        ("15.7.7", 128, 96.0),
        ("26.1", 16, 11.84),
        ("26.1", 24, 17.76),
        ("26.1", 36, 28.08),
        ("27.0", 64, 51.84),
        ("26.5.1", 128, 107.52),
        ("what?", 64, 48.0),
    ],
)
def test_the_share_of_the_gpu_by_default(release: str, ram: int, share: float) -> None:
    (gpu,) = AppleProvider(Mac(ram=ram * GIB, release=release)).read().gpus
    assert gpu.memory_total.value is not None
    assert gpu.memory_total.value / GIB == pytest.approx(share, abs=0.01)


def test_the_share_of_the_gpu_as_it_was_set() -> None:
    def total(mac: Mac) -> int | None:
        return AppleProvider(mac).read().gpus[0].memory_total.value

    assert total(Mac(ram=128 * GIB, wired_mb="110000")) == 110_000 * 2**20
    assert total(Mac(ram=16 * GIB, wired_mb="110000")) == 16 * GIB, "there is no more"
    assert total(Mac(ram=64 * GIB, wired_mb="")) == 48 * GIB, "older systems have no such key"
    assert total(Mac(ram=2**64 - 1)) is None


def test_an_intel_mac_has_two() -> None:
    shared, own = AppleProvider(Mac(INTEL_MAC)).read().gpus
    assert (shared.memory_kind, own.memory_kind) == ("unified", "VRAM")
    assert own.name == "AMD Radeon Pro 5500M"
    assert (own.memory_used.value, own.memory_total.value) == (3 * GIB, 8 * GIB)
    assert own.use.value == 64.0
    assert "of such a GPU" in own.power.reason, "macmon is not even asked"


def test_macmon_completes_the_gpu(tmp_path: Path) -> None:
    script = tmp_path / "macmon"
    script.write_text("#!/bin/sh\necho '{\"gpu_power\": 6.25}'\nexec sleep 1000\n")
    script.chmod(0o755)
    now = [0.0]
    macmon = Macmon(str(script), clock=lambda: 0.0)
    provider = AppleProvider(Mac(), lambda: now[0], macmon)
    try:
        end = time.monotonic() + 20.0
        while (power := provider.read().gpus[0].power).value is None:
            assert time.monotonic() < end, power
            now[0] += 2.0
            time.sleep(0.01)
        assert power.value == 6.25
    finally:
        provider.close()
    assert macmon._process is not None
    assert macmon._process.returncode is not None


def test_used_memory_of_a_mac() -> None:
    mac = Mac()
    probe = HostProbe(platform="darwin", run=mac)
    assert probe.read().ram_used == Reading(41_524_248_576)
    broken = HostProbe(platform="darwin", run=lambda command: "what?").read().ram_used
    assert "vm_stat" in broken.reason


def test_absurd_and_missing_figures_are_unknown() -> None:
    figures = {"Device Utilization %": 4000, "Alloc system memory": -1}
    (gpu,) = AppleProvider(Mac(({**M4, "PerformanceStatistics": figures},))).read().gpus
    assert gpu.use.value is None
    assert gpu.memory_used.value is None
    huge = {"Alloc system memory": 2**49}
    (gpu,) = AppleProvider(Mac(({**M4, "PerformanceStatistics": huge},))).read().gpus
    assert "bytes used of" in gpu.memory_used.reason


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("<plist>half", "cannot be understood"),
        (plistlib.dumps([]).decode(), "shows no GPU"),
        (plistlib.dumps(7).decode(), "shows no GPU"),
        (plistlib.dumps([{"PerformanceStatistics": 7}]).decode(), "shows no GPU"),
        (plistlib.dumps([{"model": "x"}]).decode(), "shows no GPU"),
    ],
)
def test_what_ioreg_cannot_tell_is_a_reason(answer: str, reason: str) -> None:
    report = AppleProvider(lambda command: answer).read()
    assert report.gpus == ()
    assert reason in report.reason


def test_a_command_that_hangs_or_is_missing_is_a_reason() -> None:
    def hang(command: Sequence[str]) -> str:
        raise subprocess.TimeoutExpired(list(command), 2.0)

    def missing(command: Sequence[str]) -> str:
        raise FileNotFoundError(2, "No such file or directory")

    assert "timed out" in AppleProvider(hang).read().reason
    assert "No such file" in AppleProvider(missing).read().reason


def test_commands_run_every_two_seconds_at_most() -> None:
    now = [0.0]
    mac = Mac()
    provider = AppleProvider(mac, clock=lambda: now[0])
    first = provider.read()
    now[0] = 1.0
    assert provider.read() is first
    now[0] = 2.5
    provider.read()
    assert (mac.commands.count("ioreg"), mac.commands.count("sysctl")) == (2, 1)
    now[0] = BUDGET_S
    provider.read()
    assert mac.commands.count("sysctl") == 2


@pytest.mark.parametrize(("level", "value"), [("1", 1), ("4", 4), ("what", None)])
def test_the_pressure_level(level: str, value: int | None) -> None:
    pressure = PressureProbe(platform="darwin", run=Mac(level=level)).read()
    assert pressure.level.value == value
    assert pressure.compressed.value == 678_569 * 16384
    assert pressure.some.value is None
