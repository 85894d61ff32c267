"""NVML without a GPU: a fake driver library, loaded by the real binding in its own process."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
needs_compiler = pytest.mark.skipif(
    COMPILER is None or sys.platform != "linux", reason="no C compiler to build a fake NVML with"
)

READER = """
import msgspec, sys
from dmr_tui.machine.gpu.nvidia import NvidiaProvider
now = [0.0]
provider = NvidiaProvider(clock=lambda: now[0])
reports = []
for step in range(int(sys.argv[1])):
    reports.append(provider.read())
    now[0] += float(sys.argv[2])
provider.close()
print(msgspec.json.encode(reports).decode())
"""


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the fake library."""
    folder = tmp_path_factory.mktemp("driver")
    assert COMPILER is not None
    source = Path(__file__).parent / "fake_nvml.c"
    library = folder / "libnvidia-ml.so.1"
    command = [COMPILER, "-shared", "-fPIC", "-Wall", "-Werror", "-Wl,-soname,libnvidia-ml.so.1"]
    subprocess.run([*command, "-o", library, source], check=True)
    return folder


def read(
    folder: Path | str, part: str, times: int = 1, seconds: float = 1.0
) -> list[dict[str, Any]]:
    """What the provider says, that many times, with that much time between."""
    env = {
        **os.environ,
        "LD_LIBRARY_PATH": str(folder),
        "FAKE_NVML": part,
        "FAKE_PID": str(os.getpid()),
    }
    done = subprocess.run(
        [sys.executable, "-c", READER, str(times), str(seconds)],
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    reports: list[dict[str, Any]] = json.loads(done.stdout)
    return reports


@needs_compiler
def test_a_gpu(driver: Path) -> None:
    (report,) = read(driver, "rtx")
    (gpu,) = report["gpus"]
    assert report["source"] == "NVML"
    assert gpu["name"] == "NVIDIA GeForce RTX 4090"
    assert gpu["use"]["value"] == 97.0
    assert gpu["memory_used"]["value"] == 18 * 2**30
    assert gpu["memory_total"]["value"] == 24 * 2**30
    assert gpu["temperature"]["value"] == 71.0
    assert gpu["power"]["value"] == 312.4
    assert gpu["power_limit"]["value"] == 450.0
    assert gpu["clock"]["value"] == 2610.0


@needs_compiler
def test_all_else_that_a_driver_tells(driver: Path) -> None:
    (gpu,) = read(driver, "rtx")[0]["gpus"]
    assert (gpu["maker"], gpu["source"], gpu["id"]) == ("NVIDIA", "NVML", "GPU-0000")
    assert gpu["driver"] == "580.82.07"
    assert gpu["memory_clock"]["value"] == 10501.0
    assert gpu["fan"]["value"] == 42.0
    assert gpu["throttle"]["value"] == ["power limit", "heat"]
    assert gpu["pcie"]["value"] == "gen 4 ×16"
    assert gpu["slice_of"] is None


@needs_compiler
def test_who_holds_memory_each_once_and_by_name(driver: Path) -> None:
    (gpu,) = read(driver, "rtx")[0]["gpus"]
    largest, own = gpu["processes"]["value"]
    assert (largest["pid"], largest["memory"]["value"]) == (999999, 9 * 2**30)
    assert largest["name"] == "", "it has ended meanwhile"
    assert (own["pid"], own["memory"]["value"]) == (os.getpid(), 6 * 2**30)
    assert own["name"] == psutil.Process().name()


@needs_compiler
def test_two_gpus_stand_apart(driver: Path) -> None:
    first, second = read(driver, "two")[0]["gpus"]
    assert (first["index"], second["index"]) == (0, 1)
    assert second["name"] == "NVIDIA RTX A2000"
    assert second["memory_total"]["value"] == 6 * 2**30
    assert (first["use"]["value"], second["use"]["value"]) == (97.0, 3.0)
    assert second["throttle"]["value"] == [], "to idle is not to be held back"
    assert second["processes"]["value"] == []
    assert second["pcie"]["value"] == "gen 1 ×16 of gen 4 ×16"


@needs_compiler
def test_a_gpu_that_is_cut_into_slices(driver: Path) -> None:
    whole, large, small = read(driver, "mig")[0]["gpus"]
    assert whole["memory_used"]["reason"] == "NVML: no permission to ask the NVIDIA driver"
    assert whole["temperature"]["value"] == 71.0
    assert [each["slice_of"] for each in (whole, large, small)] == [None, 0, 0]
    assert small["name"] == "NVIDIA A100-SXM4-80GB MIG 1g.10gb"
    assert large["memory_total"]["value"] == 40 * 2**30
    assert small["memory_used"]["value"] == 2 * 2**30
    for figure in ("use", "temperature", "power"):
        assert large[figure] == {"value": None, "reason": "NVML: not available for a MIG slice"}
    assert len({each["id"] for each in (whole, large, small)}) == 3


@needs_compiler
def test_a_gpu_that_is_put_together_again_is_seen_within_a_minute(driver: Path) -> None:
    reports = read(driver, "uncut", times=3, seconds=30.0)
    assert [len(report["gpus"]) for report in reports] == [3, 3, 1]
    assert reports[0]["gpus"][0]["use"]["value"] is None
    assert reports[2]["gpus"][0]["use"]["value"] == 97.0, "what it refused is asked for again"


@needs_compiler
def test_a_driver_without_the_newer_calls(driver: Path) -> None:
    (gpu,) = read(driver, "old")[0]["gpus"]
    assert gpu["memory_used"]["value"] == 18 * 2**30 + 300 * 2**20
    assert gpu["memory_kind"] == "VRAM"
    assert gpu["throttle"]["value"] == ["power limit", "heat"]


@needs_compiler
def test_what_holds_a_gpu_back_is_said_once(driver: Path) -> None:
    (gpu,) = read(driver, "hot")[0]["gpus"]
    assert gpu["throttle"]["value"] == ["heat, by hardware"]


@needs_compiler
def test_the_link_is_asked_for_each_time(driver: Path) -> None:
    reports = read(driver, "two", times=2)
    links = [[gpu["pcie"]["value"] for gpu in report["gpus"]] for report in reports]
    assert links == [["gen 1 ×16 of gen 4 ×16"] * 2, ["gen 4 ×16"] * 2]


@needs_compiler
def test_unified_memory_is_the_computers(driver: Path) -> None:
    (gpu,) = read(driver, "gb10")[0]["gpus"]
    assert gpu["memory_kind"] == "unified"
    assert gpu["memory_total"]["value"] == psutil.virtual_memory().total
    assert gpu["memory_used"]["value"] == 15 * 2**20, "what its processes hold together"
    assert gpu["use"]["value"] == 97.0
    assert gpu["power"]["value"] == 312.4
    assert gpu["power_limit"]["value"] is None


@needs_compiler
def test_a_gpu_that_says_it_has_no_memory_uses_the_computers(driver: Path) -> None:
    (gpu,) = read(driver, "zero")[0]["gpus"]
    assert gpu["memory_kind"] == "unified"
    assert gpu["memory_total"]["value"] == psutil.virtual_memory().total
    assert gpu["memory_used"]["value"] is None
    assert gpu["memory_used"]["reason"] == "NVML: its processes hold more than the computer has"


@needs_compiler
def test_processes_that_may_not_be_seen_hide_nothing_else(driver: Path) -> None:
    (gpu,) = read(driver, "hidden")[0]["gpus"]
    assert gpu["processes"]["value"] is None
    assert gpu["processes"]["reason"] == "NVML: no permission to ask the NVIDIA driver"
    assert gpu["memory_used"]["value"] == 18 * 2**30


@needs_compiler
def test_where_single_processes_have_no_figure(driver: Path) -> None:
    (gpu,) = read(driver, "wsl")[0]["gpus"]
    assert len(gpu["processes"]["value"]) == 2
    for process in gpu["processes"]["value"]:
        assert process["memory"]["value"] is None
        assert "does not tell" in process["memory"]["reason"]


@needs_compiler
def test_absurd_figures_are_unknown_not_shown(driver: Path) -> None:
    (gpu,) = read(driver, "absurd")[0]["gpus"]
    assert gpu["name"] == "NVIDIA GPU", "its own is no text"
    assert gpu["use"] == {"value": None, "reason": "NVML: says 4000 % use"}
    assert gpu["memory_used"]["value"] is None
    assert gpu["memory_used"]["reason"] == f"NVML: says {2**64 - 1} bytes used of {24 * 2**30}"
    assert gpu["memory_total"]["value"] == 24 * 2**30
    assert gpu["power"] == {"value": None, "reason": "NVML: says an impossible power"}
    for figure in ("fan", "pcie", "throttle"):
        assert gpu[figure]["value"] is None
        assert gpu[figure]["reason"].startswith("NVML: says ")
    assert gpu["temperature"]["value"] == 71.0
    own, impossible = gpu["processes"]["value"]
    assert own["memory"]["value"] == 6 * 2**30
    assert (impossible["pid"], impossible["name"]) == (2**32 - 1, "")
    assert impossible["memory"]["value"] is None


@needs_compiler
@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ("none", "the NVIDIA driver shows no GPU"),
        ("denied", "no permission to ask the NVIDIA driver"),
    ],
)
def test_no_gpu_in_words(driver: Path, part: str, reason: str) -> None:
    (report,) = read(driver, part)
    assert (report["gpus"], report["reason"]) == ([], reason)


def test_no_driver_in_words(tmp_path: Path) -> None:
    (report,) = read(tmp_path, "")
    if report["gpus"]:
        pytest.skip("this machine has an NVIDIA driver")
    assert report["reason"] == "no NVIDIA driver on this machine"


@needs_compiler
def test_a_gpu_that_falls_off_the_bus_is_asked_for_again_later(driver: Path) -> None:
    reports = read(driver, "lost", times=9, seconds=4.0)
    assert [len(report["gpus"]) for report in reports] == [1, 1, 1, 1, 0, 0, 0, 1, 1]
    assert reports[3]["gpus"][0]["memory_used"]["reason"] == "NVML: the GPU fell off the bus"
    assert reports[3]["gpus"][0]["temperature"]["value"] == 71.0
    assert reports[4]["reason"] == "GPU 0: the GPU fell off the bus"
    assert reports[7]["gpus"][0]["memory_used"]["value"] == 18 * 2**30
    assert reports[7]["reason"] == ""


@needs_compiler
@pytest.mark.parametrize(
    ("part", "first_reason", "later_reason"),
    [
        ("half", "NVML: the GPU fell off the bus", "GPU 1: the GPU fell off the bus"),
        ("unplugged", "NVML: the NVIDIA driver does not tell it of this GPU", ""),
    ],
)
def test_the_other_gpus_go_on_without_a_gap(
    driver: Path, part: str, first_reason: str, later_reason: str
) -> None:
    reports = read(driver, part, times=12, seconds=2.0)
    for report in reports:
        assert report["gpus"][0]["memory_used"]["value"] == 18 * 2**30
    assert reports[0]["gpus"][1]["memory_used"]["reason"] == first_reason
    assert len(reports[4]["gpus"]) == 2, "the driver is not started anew more often than every 10 s"
    assert [len(report["gpus"]) for report in reports[5:]] == [1] * 7
    assert {report["reason"] for report in reports[5:]} == {later_reason}


@needs_compiler
def test_a_driver_that_is_reset_comes_back_with_what_it_has_then(driver: Path) -> None:
    reports = read(driver, "reset", times=9, seconds=4.0)
    counts = [len(report["gpus"]) for report in reports]
    assert counts[:3] == [2, 2, 2]
    assert 0 in counts
    assert counts[-1] == 1
    away = next(report for report in reports if not report["gpus"])
    assert away["reason"] == "the NVIDIA driver went away"
