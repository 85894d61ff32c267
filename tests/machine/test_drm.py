"""AMD and Intel GPUs, read from files that were made up in the kernel's shape."""

import os
import shutil
from pathlib import Path

import pytest

from dmr_tui.machine.gpu.amd import AmdProvider
from dmr_tui.machine.gpu.fdinfo import MOST
from dmr_tui.machine.gpu.intel import IntelProvider
from dmr_tui.machine.reading import Reading
from tests.machine.cards import (
    APU,
    ARC,
    BUILT_IN,
    BUILT_IN_ADDRESS,
    DGPU,
    GIB,
    write_card,
    write_user,
)

ADDRESS = "0000:03:00.0"


def amd(folder: Path) -> AmdProvider:
    return AmdProvider(folder / "drm", folder / "proc")


def test_a_card_with_memory_of_its_own(tmp_path: Path) -> None:
    write_card(tmp_path, 0, DGPU)
    (gpu,) = amd(tmp_path).read().gpus
    assert gpu.name == "Radeon RX 7900 XTX"
    assert (gpu.maker, gpu.source, gpu.id) == ("AMD", "sysfs", ADDRESS)
    assert gpu.memory_kind == "VRAM"
    assert (gpu.memory_used.value, gpu.memory_total.value) == (9 * GIB, 24 * GIB)
    assert (gpu.use.value, gpu.temperature.value) == (87.0, 61.0)
    assert (gpu.power.value, gpu.power_limit.value) == (287.0, 339.0)
    assert (gpu.clock.value, gpu.memory_clock.value) == (2480.0, 1249.0)
    assert gpu.fan.value == pytest.approx(40.0)
    assert gpu.pcie.value == "gen 3 ×16 of gen 4 ×16"


def test_a_gpu_in_the_processor_has_its_share_of_ram_as_well(tmp_path: Path) -> None:
    write_card(tmp_path, 1, APU)
    (gpu,) = amd(tmp_path).read().gpus
    assert gpu.memory_kind == "VRAM+GTT"
    assert gpu.memory_total.value == 96 * GIB + GIB // 2
    assert gpu.memory_used.value == 40 * GIB + GIB // 4
    assert gpu.power.value == 55.0
    assert gpu.name == "AMD GPU 1002:1586"
    assert gpu.temperature.reason == "the driver does not tell it (sysfs has no temp1_input)"


def test_two_cards_in_the_order_of_their_numbers_and_no_connectors(tmp_path: Path) -> None:
    write_card(tmp_path, 10, {**DGPU, "product_name": "second"}, "0000:0a:00.0")
    write_card(tmp_path, 2, {**DGPU, "product_name": "first"})
    (tmp_path / "drm" / "card2-DP-1").mkdir()
    report = amd(tmp_path).read()
    assert [(gpu.index, gpu.name) for gpu in report.gpus] == [(0, "first"), (1, "second")]


@pytest.mark.parametrize(
    ("file", "content", "figure"),
    [
        ("gpu_busy_percent", "[N/A]", "use"),
        ("gpu_busy_percent", "4000", "use"),
        ("gpu_busy_percent", "-1", "use"),
        ("mem_info_vram_used", str(2**64 - 1), "memory_used"),
        ("mem_info_vram_used", str(25 * GIB), "memory_used"),
        ("hwmon/hwmon3/temp1_input", "-274000", "temperature"),
        ("hwmon/hwmon3/pwm1", "1000", "fan"),
        ("mem_info_vram_total", "nan", "memory_total"),
        ("mem_info_vram_total", "0", "memory_total"),
        ("pp_dpm_mclk", "", "memory_clock"),
    ],
)
def test_absurd_figures_are_unknown_with_their_reason(
    tmp_path: Path, file: str, content: str, figure: str
) -> None:
    write_card(tmp_path, 0, {**DGPU, file: content})
    (gpu,) = amd(tmp_path).read().gpus
    reading: Reading[float] = getattr(gpu, figure)
    assert reading.value is None
    assert reading.reason
    assert gpu.power.value == 287.0


def test_a_card_that_is_pulled_out_is_said(tmp_path: Path) -> None:
    device = write_card(tmp_path, 0, DGPU)
    provider = amd(tmp_path)
    assert provider.read().gpus
    shutil.rmtree(device)
    report = provider.read()
    assert (report.gpus, report.reason) == ((), "no AMD GPU is there any more")


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({"mem_info_vram_total": str(8 * GIB)}, "VRAM+GTT"),
        ({"mem_info_vram_total": str(112 * GIB)}, "VRAM"),
        ({"hwmon/hwmon1/in1_input": None}, "VRAM+GTT"),
        ({"hwmon/hwmon1/in1_input": None, "mem_info_vram_total": str(8 * GIB)}, "VRAM"),
        ({"mem_info_gtt_total": None}, "VRAM"),
    ],
)
def test_what_counts_as_built_in(tmp_path: Path, files: dict[str, str | None], kind: str) -> None:
    told = {name: text for name, text in {**APU, **files}.items() if text is not None}
    write_card(tmp_path, 0, told)
    assert amd(tmp_path).read().gpus[0].memory_kind == kind


def test_a_small_card_is_not_built_in(tmp_path: Path) -> None:
    small = {"mem_info_vram_total": str(4 * GIB), "mem_info_vram_used": str(GIB)}
    write_card(tmp_path, 0, {**DGPU, **small})
    (gpu,) = amd(tmp_path).read().gpus
    assert gpu.memory_kind == "VRAM"
    assert gpu.memory_total.value == 4 * GIB


@pytest.mark.parametrize("provider", [AmdProvider, IntelProvider])
def test_a_sleeping_card_is_not_woken(
    tmp_path: Path, provider: type[AmdProvider | IntelProvider]
) -> None:
    files = DGPU if provider is AmdProvider else ARC
    write_card(tmp_path, 0, {**files, "power/runtime_status": "suspended"})
    (gpu,) = provider(tmp_path / "drm", tmp_path / "proc").read().gpus
    for figure in (gpu.temperature, gpu.power, gpu.power_limit, gpu.clock, gpu.pcie):
        assert figure.value is None
        assert "asleep" in figure.reason
    assert gpu.memory_total.value, "what the driver knows by itself wakes nothing"


def test_what_stands_in_for_missing_files(tmp_path: Path) -> None:
    dropped = ("freq1_input", "power1_average", "temp1_input", "pwm1")
    files = {name: text for name, text in DGPU.items() if not name.endswith(dropped)}
    files |= {
        "hwmon/hwmon3/power1_input": "250000000",
        "hwmon/hwmon3/temp2_input": "71000",
        "hwmon/hwmon3/fan1_input": "1500",
        "hwmon/hwmon3/fan1_max": "3000",
        "current_link_speed": "8 GT/s",
    }
    write_card(tmp_path, 0, files)
    (gpu,) = amd(tmp_path).read().gpus
    assert gpu.clock.value == 2482.0
    assert (gpu.power.value, gpu.temperature.value) == (250.0, 71.0)
    assert gpu.fan.value == pytest.approx(50.0)
    assert gpu.pcie.value == "gen 3 ×16 of gen 4 ×16"


def test_a_link_that_nobody_knows(tmp_path: Path) -> None:
    write_card(tmp_path, 0, {**DGPU, "current_link_speed": "Unknown"})
    pcie = amd(tmp_path).read().gpus[0].pcie
    assert pcie.value is None
    assert "link" in pcie.reason


def test_an_intel_card_with_memory_of_its_own(tmp_path: Path) -> None:
    write_card(tmp_path, 0, ARC)
    write_user(tmp_path / "proc", os.getpid(), (ADDRESS, 3, 5 * GIB))
    (gpu,) = IntelProvider(tmp_path / "drm", tmp_path / "proc").read().gpus
    assert gpu.memory_kind == "VRAM"
    assert gpu.memory_total.value == 16 * GIB
    assert gpu.memory_used.value == 5 * GIB
    assert (gpu.temperature.value, gpu.clock.value) == (54.0, 2050.0)
    assert gpu.power_limit.value == 190.0
    assert gpu.use.value is None
    assert gpu.use.reason


def test_the_memory_of_an_intel_card_is_unknown_if_not_all_may_be_asked(tmp_path: Path) -> None:
    write_card(tmp_path, 0, ARC)
    write_user(tmp_path / "proc", 7, (ADDRESS, 3, 5 * GIB), drm_resident_vram0="what?")
    (gpu,) = IntelProvider(tmp_path / "drm", tmp_path / "proc").read().gpus
    assert gpu.memory_used.value is None
    assert gpu.memory_used.reason
    assert gpu.processes.value is not None
    assert gpu.processes.value[0].memory.value is None


def test_the_memory_of_an_intel_card_waits_until_all_were_asked(tmp_path: Path) -> None:
    write_card(tmp_path, 0, ARC)
    for pid in range(1, MOST + 2):
        write_user(tmp_path / "proc", pid, (ADDRESS, pid, GIB // 16))
    (gpu,) = IntelProvider(tmp_path / "drm", tmp_path / "proc").read().gpus
    assert gpu.memory_used.value is None
    assert "not been looked into yet" in gpu.memory_used.reason


def test_a_virtual_machine_may_show_an_intel_card_where_built_in_ones_are(tmp_path: Path) -> None:
    write_card(tmp_path, 0, ARC, BUILT_IN_ADDRESS)
    (gpu,) = IntelProvider(tmp_path / "drm", tmp_path / "proc").read().gpus
    assert (gpu.memory_kind, gpu.memory_total.value) == ("VRAM", 16 * GIB)


def test_the_power_of_an_intel_card_is_energy_by_time(tmp_path: Path) -> None:
    device = write_card(tmp_path, 0, ARC)
    now = [10.0]
    provider = IntelProvider(tmp_path / "drm", tmp_path / "proc", lambda: now[0])
    assert "second reading" in provider.read().gpus[0].power.reason
    now[0] = 12.0
    (device / "hwmon/hwmon2/energy1_input").write_text("185000000\n")
    assert provider.read().gpus[0].power.value == pytest.approx(90.0)
    now[0] = 13.0
    (device / "hwmon/hwmon2/energy1_input").write_text("3\n")
    assert "began anew" in provider.read().gpus[0].power.reason


def test_an_intel_card_whose_driver_hides_the_size_of_its_memory(tmp_path: Path) -> None:
    files = {name: text for name, text in ARC.items() if "lmem" not in name}
    write_card(tmp_path, 0, files)
    write_user(tmp_path / "proc", 7, (ADDRESS, 3, 5 * GIB))
    (gpu,) = IntelProvider(tmp_path / "drm", tmp_path / "proc").read().gpus
    assert gpu.memory_kind == "VRAM"
    assert gpu.memory_used.value == 5 * GIB
    assert gpu.memory_total.value is None
    assert "driver" in gpu.memory_total.reason


def test_an_intel_gpu_in_the_processor(tmp_path: Path) -> None:
    write_card(tmp_path, 0, BUILT_IN, BUILT_IN_ADDRESS)
    (gpu,) = IntelProvider(tmp_path / "drm", tmp_path / "proc").read().gpus
    assert gpu.memory_kind == "unified"
    assert gpu.memory_total.value is None
    assert gpu.clock.value == 1300.0
    assert gpu.name == "Intel GPU 8086:46a6"


def test_each_maker_sees_only_its_own(tmp_path: Path) -> None:
    write_card(tmp_path, 0, DGPU)
    write_card(tmp_path, 1, ARC, "0000:04:00.0")
    assert len(amd(tmp_path).read().gpus) == 1
    assert len(IntelProvider(tmp_path / "drm", tmp_path / "proc").read().gpus) == 1
