"""AMD GPUs through sysfs, without ROCm and without root."""

import re
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from dmr_tui.machine.gpu import drm
from dmr_tui.machine.gpu.fdinfo import DrmUsers
from dmr_tui.machine.gpu.gpu import Gpu, MemoryKind
from dmr_tui.machine.reading import Reading

APU_VRAM = 4 * 2**30
"""Most bytes of its own that a GPU inside a processor has, where no sensor tells it apart."""
MEGAHERTZ = 1e-6
_CURRENT = re.compile(r"^[ \t]*\d{1,3}:[ \t]*(\d{1,6}) ?M[Hh]z ?\*", re.MULTILINE)


class AmdProvider(drm.SysfsProvider):
    """Reader of every AMD card."""

    maker, vendor = "AMD", drm.AMD

    def __init__(self, root: Path = drm.ROOT, proc: Path = Path("/proc")) -> None:
        super().__init__(root)
        self._users = DrmUsers(proc)
        self._driver = drm.driver_version("amdgpu")

    def _gpu(self, index: int, device: Path) -> Gpu:
        address = drm.pci_address(device)
        kind, used, total = _memory(device)
        regions = ("vram", "gtt") if kind == "VRAM+GTT" else ("vram",)
        gpu = Gpu(
            index=index,
            name=drm.text(device / "product_name").value or drm.pci_name(device, "AMD"),
            memory_used=used,
            memory_total=total,
            maker=self.maker,
            source=drm.SOURCE,
            id=address,
            memory_kind=kind,
            driver=self._driver,
            processes=self._users.of(address, *regions),
        )
        asleep = drm.is_asleep(device)
        return replace(gpu, **(dict.fromkeys(_FIGURES, drm.ASLEEP) if asleep else _figures(device)))


_FIGURES = ("use", "temperature", "power", "power_limit", "clock", "memory_clock", "fan", "pcie")
"""The figures that only a card awake gives."""


def _figures(device: Path) -> dict[str, Reading[Any]]:
    sensors = drm.hwmon(device)
    return dict(
        use=drm.number(device / "gpu_busy_percent", 0, 100),
        # Accelerators such as the MI300 have only the second, at the hottest spot.
        temperature=drm.number(sensors / "temp1_input", -50, 200, 1e-3, or_of="temp2_input"),
        power=drm.number(sensors / "power1_average", 0, 10_000, 1e-6, or_of="power1_input"),
        power_limit=drm.number(sensors / "power1_cap", 1, 10_000, 1e-6),
        clock=drm.first_of(
            lambda: drm.number(sensors / "freq1_input", 0, 20_000, MEGAHERTZ),
            lambda: _current(device / "pp_dpm_sclk"),
        ),
        memory_clock=drm.first_of(
            lambda: drm.number(sensors / "freq2_input", 0, 20_000, MEGAHERTZ),
            lambda: _current(device / "pp_dpm_mclk"),
        ),
        fan=drm.first_of(
            lambda: drm.number(sensors / "pwm1", 0, 100, 100.0 / 255.0),
            lambda: _fan(sensors),
        ),
        pcie=drm.pcie_link(device),
    )


def _memory(device: Path) -> tuple[MemoryKind, Reading[int], Reading[int]]:
    """Return kind, used and total; in a processor, VRAM and GTT (its share of RAM) together."""
    total, used = (drm.size(device / f"mem_info_vram_{which}") for which in ("total", "used"))
    gtt_total, gtt_used = (
        drm.size(device / f"mem_info_gtt_{which}") for which in ("total", "used")
    )
    kind: MemoryKind = "VRAM"
    if _is_built_in(device, total.value, gtt_total.value):
        kind = "VRAM+GTT"
        total, used = _sum(total, gtt_total), _sum(used, gtt_used)
    if used.value is not None and total.value is not None and used.value > total.value:
        used = Reading(None, f"sysfs: says {used.value} bytes used of {total.value}")
    if total.value == 0:
        total = Reading(None, "sysfs: says there is no memory")
    return kind, used, total


def _is_built_in(device: Path, own: int | None, shared: int | None) -> bool:
    """Return whether it is in a processor and uses RAM, by amdgpu's hwmon_attributes_visible."""
    if own is None or shared is None or own >= shared:
        return False
    sensors = drm.hwmon(device)
    if (sensors / "in1_input").exists():
        # The voltage of the north bridge, which only processors have.
        return True
    if (sensors / "temp1_crit").exists() or (sensors / "power1_cap").exists():
        return False
    return own <= APU_VRAM


def _sum(one: Reading[int], other: Reading[int]) -> Reading[int]:
    if one.value is None or other.value is None:
        return Reading(None, one.reason or other.reason)
    return Reading(one.value + other.value)


def _fan(sensors: Path) -> Reading[float]:
    """Return the revolutions as per cent of the highest."""
    most = drm.number(sensors / "fan1_max", 1, 100_000)
    if most.value is None:
        return Reading(None, most.reason)
    return drm.number(sensors / "fan1_input", 0, 100, 100.0 / most.value)


def _current(path: Path) -> Reading[float]:
    """Return the megahertz of the level that is marked with a star."""
    levels = drm.text(path)
    if levels.value is None:
        return Reading(None, levels.reason)
    match = _CURRENT.search(levels.value)
    return (
        Reading(float(match[1])) if match else Reading(None, f"sysfs: {path.name} marks no level")
    )
