"""NVML without a GPU: a fake driver library, loaded by the real binding in its own process."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
needs_compiler = pytest.mark.skipif(
    COMPILER is None or sys.platform != "linux", reason="no C compiler to build a fake NVML with"
)

READER = """
import dataclasses, json, sys
from dmr_tui.machine.nvidia import NvidiaProvider
now = [0.0]
provider = NvidiaProvider(clock=lambda: now[0])
reports = []
for step in range(int(sys.argv[1])):
    reports.append(dataclasses.asdict(provider.read()))
    now[0] += float(sys.argv[2])
provider.close()
print(json.dumps(reports))
"""


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the fake library."""
    folder = tmp_path_factory.mktemp("driver")
    assert COMPILER is not None
    source = Path(__file__).parent / "fake_nvml.c"
    library = folder / "libnvidia-ml.so.1"
    command = [COMPILER, "-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1"]
    subprocess.run([*command, "-o", library, source], check=True)
    return folder


def read(
    folder: Path | str, part: str, times: int = 1, seconds: float = 1.0
) -> list[dict[str, Any]]:
    """What the provider says, that many times, with that much time between."""
    env = {**os.environ, "LD_LIBRARY_PATH": str(folder), "FAKE_NVML": part}
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
def test_unified_memory_says_so_and_the_rest_works(driver: Path) -> None:
    (gpu,) = read(driver, "gb10")[0]["gpus"]
    assert gpu["memory_used"] == {"value": None, "reason": "NVML: not supported on this GPU"}
    assert gpu["memory_total"]["value"] is None
    assert gpu["use"]["value"] == 97.0
    assert gpu["power"]["value"] == 312.4
    assert gpu["power_limit"]["value"] is None


@needs_compiler
def test_absurd_figures_are_unknown_not_shown(driver: Path) -> None:
    (gpu,) = read(driver, "absurd")[0]["gpus"]
    assert gpu["use"] == {"value": None, "reason": "NVML: says 4000 % use"}
    assert gpu["memory_used"]["value"] is None
    assert gpu["power"] == {"value": None, "reason": "NVML: says an impossible power"}
    assert gpu["temperature"]["value"] == 71.0


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
    reports = read(driver, "lost", times=8, seconds=4.0)
    assert [len(report["gpus"]) for report in reports[:4]] == [1, 1, 1, 1]
    assert reports[3]["gpus"][0]["memory_used"]["reason"] == "NVML: the GPU fell off the bus"
    assert reports[3]["gpus"][0]["temperature"]["value"] == 71.0
    assert (reports[4]["gpus"], reports[4]["reason"]) == ([], "the GPU fell off the bus")
    assert reports[6]["gpus"], "ten seconds later the driver is tried again"
