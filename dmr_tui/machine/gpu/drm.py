"""Graphics cards as the Linux kernel shows them in sysfs."""

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Never, TypeVar

from dmr_tui.machine import files
from dmr_tui.machine.gpu.gpu import LARGEST, Gpu, GpuReport, Maker
from dmr_tui.machine.reading import Reading

T = TypeVar("T")

AMD, INTEL = 0x1002, 0x8086
ROOT = Path("/sys/class/drm")
SOURCE = "sysfs"


class SysfsProvider:
    """Reader of every card of one maker; a missing file leaves its figure unknown."""

    maker: Maker
    vendor: int

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root

    def read(self) -> GpuReport:
        """Read every card as it is now."""
        devices = cards(self.vendor, self._root)
        gpus = tuple(self._gpu(index, device) for index, device in enumerate(devices))
        return GpuReport(SOURCE, gpus, "" if gpus else f"no {self.maker} GPU is there any more")

    def close(self) -> None:
        """Do nothing: sysfs has nothing to release."""

    @abstractmethod
    def _gpu(self, index: int, device: Path) -> Gpu:
        """Read one card by the `device` folder of it."""


def cards(vendor: int, root: Path = ROOT) -> tuple[Path, ...]:
    """Return the `device` folder of each card of that maker, in the order of their numbers."""
    found = []
    for device in root.glob("card[0-9]*/device"):
        number = device.parent.name.removeprefix("card")
        if number.isdecimal() and _vendor(device) == vendor:
            found.append((int(number), device))
    return tuple(device for _, device in sorted(found))


def _vendor(device: Path) -> int | None:
    try:
        return int(files.read(device / "vendor")[:20], 16)
    except (OSError, ValueError):
        return None


def text(path: Path) -> Reading[str]:
    """Read a file as text."""
    try:
        return Reading(files.read(path).strip())
    except FileNotFoundError:
        return Reading(None, f"the driver does not tell it (sysfs has no {path.name})")
    except OSError as error:
        return Reading(None, f"sysfs: {path.name}: {error.strerror}")


def number(
    path: Path, lowest: float, highest: float, scale: float = 1.0, *, or_of: str = ""
) -> Reading[float]:
    """Read a number from a file and multiply it by `scale`; outside the limits it is unknown.

    `or_of` is the name of the file beside it that some drivers have in its place.
    """
    if or_of:
        return first_of(
            lambda: number(path, lowest, highest, scale),
            lambda: number(path.with_name(or_of), lowest, highest, scale),
        )
    content = text(path)
    if content.value is None:
        return Reading(None, content.reason)
    try:
        value = float(content.value) * scale
    except ValueError:
        return Reading(None, f"sysfs: {path.name} says {content.value[:30]!r}")
    if not lowest <= value <= highest:
        return Reading(None, f"sysfs: {path.name} says {content.value[:30]}")
    return Reading(value)


def size(path: Path) -> Reading[int]:
    """Read a number of bytes from a file."""
    read = number(path, 0, LARGEST)
    return Reading(None if read.value is None else int(read.value), read.reason)


def first_of(*readings: Callable[[], Reading[T]]) -> Reading[T]:
    """Return the first reading that has a value, else the first reason."""
    found = [readings[0]()]
    for read in readings[1:]:
        if found[-1].value is not None:
            break
        found.append(read())
    return found[-1] if found[-1].value is not None else found[0]


ASLEEP: Reading[Never] = Reading(
    None, "the GPU is asleep to save power, and reading this would wake it"
)


def is_asleep(device: Path) -> bool:
    """Return whether the kernel has suspended the card; reading its sensors would wake it."""
    return text(device / "power" / "runtime_status").value == "suspended"


def hwmon(device: Path) -> Path:
    """Return the folder with the card's sensors; one that does not exist if it has none."""
    return next(iter(sorted((device / "hwmon").glob("hwmon*"))), device / "hwmon" / "none")


def pcie_link(device: Path) -> Reading[str]:
    """Read the PCIe link now, and the best if that is more: "gen 4 ×16"."""
    now, best = (_link(device, which) for which in ("current", "max"))
    if now is None:
        return Reading(None, "sysfs: the link's speed is not told")
    return Reading(now if best in {None, now} else f"{now} of {best}")


_GENERATIONS = {2.5: 1, 5.0: 2, 8.0: 3, 16.0: 4, 32.0: 5, 64.0: 6}


def _link(device: Path, which: str) -> str | None:
    speed, width = text(device / f"{which}_link_speed"), text(device / f"{which}_link_width")
    try:
        # Older kernels say "8 GT/s", newer ones "8.0 GT/s PCIe".
        generation = _GENERATIONS.get(float((speed.value or "").partition(" ")[0]))
        lanes = int(width.value or 0)
    except ValueError:
        return None
    return f"gen {generation} ×{lanes}" if generation and 0 < lanes <= 32 else None


def pci_address(device: Path) -> str:
    """Return an address such as "0000:03:00.0", by which fdinfo names the card, too."""
    return device.resolve().name


def pci_name(device: Path, maker: str) -> str:
    """Make a name of the card's ids, where the driver has none."""
    ids = [text(device / name).value or "" for name in ("vendor", "device")]
    return f"{maker} GPU {':'.join(each.removeprefix('0x') for each in ids)}"


def driver_version(module: str, modules: Path = Path("/sys/module")) -> str:
    """Return the version of a driver; empty for one that is part of the kernel."""
    return text(modules / module / "version").value or ""
