"""Intel GPUs as far as sysfs goes: clocks, sensors, memory of those that have their own."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from dmr_tui.machine.gpu import drm
from dmr_tui.machine.gpu.fdinfo import DrmUsers, Users
from dmr_tui.machine.gpu.gpu import Gpu
from dmr_tui.machine.reading import Reading

_NO_USE: Reading[float] = Reading(None, "sysfs does not tell it; intel_gpu_top, with rights, does")
_SHARED: Reading[int] = Reading(None, "it uses the computer's memory, and sysfs tells no share")
_NO_TOTAL: Reading[int] = Reading(None, "this driver does not tell the size of its memory in sysfs")
_FIGURES = ("temperature", "power", "power_limit", "clock", "pcie")
"""The figures that only a card awake gives."""
_BUILT_IN = ":00:02.0"
"""End of the PCI address of every GPU in an Intel processor."""


class IntelProvider(drm.SysfsProvider):
    """Reader of every Intel card, with the driver i915 or xe."""

    maker, vendor = "Intel", drm.INTEL

    def __init__(
        self,
        root: Path = drm.ROOT,
        proc: Path = Path("/proc"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(root)
        self._clock = clock
        self._users = DrmUsers(proc)
        self._energy: dict[str, tuple[float, float]] = {}

    def _gpu(self, index: int, device: Path) -> Gpu:
        address = drm.pci_address(device)
        total = drm.size(device.parent / "lmem_total_bytes")
        # A virtual machine may show a card of its own there, too.
        shared = address.endswith(_BUILT_IN) and not total.value
        if not total.value:
            total = _SHARED if shared else _NO_TOTAL
        # i915 calls its own memory local0, xe vram0; both have several names for the computer's.
        users = self._users.of(address) if shared else self._users.of(address, "local", "vram")
        gpu = Gpu(
            index=index,
            name=drm.pci_name(device, "Intel"),
            use=_NO_USE,
            memory_used=_SHARED if shared else _used(users, total),
            memory_total=total,
            maker=self.maker,
            source=drm.SOURCE,
            id=address,
            memory_kind="unified" if shared else "VRAM",
            fan=Reading(None, "sysfs tells revolutions without their limit"),
            processes=users,
        )
        if drm.is_asleep(device):
            return replace(gpu, **dict.fromkeys(_FIGURES, drm.ASLEEP))
        return replace(gpu, **self._figures(address, device))

    def _figures(self, address: str, device: Path) -> dict[str, Reading[Any]]:
        sensors = drm.hwmon(device)
        return dict(
            # xe counts the package and the memory as 2 and 3.
            temperature=drm.number(sensors / "temp1_input", -50, 200, 1e-3, or_of="temp2_input"),
            power=self._power(address, sensors),
            power_limit=drm.number(sensors / "power1_max", 1, 10_000, 1e-6),
            clock=drm.first_of(
                lambda: drm.number(device.parent / "gt_act_freq_mhz", 0, 20_000),
                lambda: drm.number(device / "tile0" / "gt0" / "freq0" / "act_freq", 0, 20_000),
            ),
            pcie=drm.pcie_link(device),
        )

    def _power(self, address: str, sensors: Path) -> Reading[float]:
        """Return the watts since the last reading: the sensors count energy."""
        joules = drm.number(sensors / "energy1_input", 0, 1e15, 1e-6, or_of="energy2_input")
        if joules.value is None:
            return joules
        now, before = self._clock(), self._energy.get(address)
        self._energy[address] = (now, joules.value)
        if before is None or now <= before[0]:
            return Reading(None, "measured from the second reading on")
        watts = (joules.value - before[1]) / (now - before[0])
        if not 0.0 <= watts <= 10_000.0:
            return Reading(None, "sysfs: the count of energy began anew")
        return Reading(watts)


def _used(users: Users, total: Reading[int]) -> Reading[int]:
    """Add up what its processes hold, as sysfs has no sum; unknown if one of them is."""
    if users.value is None or users.reason:
        return Reading(None, users.reason)
    sizes = [user.memory.value for user in users.value]
    known = [size for size in sizes if size is not None]
    if len(known) < len(sizes):
        return Reading(None, "fdinfo does not tell it of every process")
    if total.value is not None and sum(known) > total.value:
        return Reading(None, f"fdinfo: says {sum(known)} bytes used of {total.value}")
    return Reading(sum(known))
