"""Numbers as users read them: one form for each kind of quantity, on every screen."""

import math
from dataclasses import dataclass
from typing import Literal

from dmr_tui.runner.units import size_parts

UNKNOWN = "—"


def significant(value: float, digits: int = 3) -> str:
    """`value` with that many significant digits and never an exponent: 42.1, 806, 1,760."""
    if value == 0.0:
        return "0"
    decimals = digits - 1 - math.floor(math.log10(abs(value)))
    # Rounding may reach the next power of ten: 9.996 is 10.0, not 10.00.
    decimals = digits - 1 - math.floor(math.log10(abs(round(value, decimals))))
    return f"{round(value, decimals):,.{max(decimals, 0)}f}"


def rate(tokens_per_second: float | None) -> str:
    """Tokens per second, without the unit."""
    return UNKNOWN if tokens_per_second is None else significant(tokens_per_second)


def seconds(value: float | None) -> str:
    """A measured time: 0.31 s, 12.4 s."""
    if value is None:
        return UNKNOWN
    if value < 0.0995:
        return f"{value * 1000.0:.0f} ms"
    return f"{value:.2f} s" if value < 9.995 else f"{value:.1f} s"


def clock(value: float) -> str:
    """A time that runs: 0:12, 3:12, 1:02:03."""
    whole = max(0, math.floor(value))
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def countdown(value: float) -> str:
    """Time left, in seconds only where they matter: 9:41, 23 min, 2 h."""
    return clock(value) if value < 600.0 else age(value)


def age(value: float) -> str:
    """Age: 3 s, 12 min, 2 h."""
    if value < 99.5:
        return f"{max(0.0, value):.0f} s"
    return f"{value / 60:.0f} min" if value < 5970 else f"{value / 3600:.0f} h"


@dataclass(frozen=True, slots=True)
class Units:
    """The units in which memory and temperatures are printed."""

    memory_unit: Literal["GiB", "GB"] = "GiB"
    """GiB as nvidia-smi and llama.cpp count, or GB."""
    temperature_unit: Literal["C", "F"] = "C"

    @property
    def _step(self) -> int:
        return 1024 if self.memory_unit == "GiB" else 1000

    @property
    def degree(self) -> str:
        """The unit of `temperature`: °C or °F."""
        return f"°{self.temperature_unit}"

    def gib(self, size: float | None) -> str:
        """Bytes of memory in `memory_unit`, without the unit."""
        return UNKNOWN if size is None else f"{size / self._step**3:.1f}"

    def gib_of(self, part: float | None, whole: float | None) -> str:
        """Bytes of memory, of how many: 5.8 of 24.0 GiB."""
        return f"{self.gib(part)} of {self.gib(whole)} {self.memory_unit}"

    def memory(self, size: float | None) -> str:
        """Bytes of memory with their unit: 6.1 GiB, 12 MiB, or 6.5 GB, 13 MB."""
        if size is None:
            return UNKNOWN
        step, binary = self._step, "i" if self._step == 1024 else ""
        if size >= 0.0995 * step**3:
            return f"{size / step**3:.1f} G{binary}B"
        if size >= step**2 or not size:
            return f"{size / step**2:.0f} M{binary}B"
        return f"{size / step:.0f} {'K' if binary else 'k'}{binary}B"

    def memory_short(self, size: float | None) -> str:
        """As `memory`, in five cells: 6.1G, 785M."""
        if size is None:
            return UNKNOWN
        number, unit = self.memory(size).split(" ")
        return f"{number}{unit[0]}"

    def temperature(self, celsius: float | None) -> str:
        """Degrees Celsius in `degree`, without the unit."""
        if celsius is None:
            return UNKNOWN
        return f"{celsius * 1.8 + 32.0 if self.temperature_unit == 'F' else celsius:.0f}"


DEFAULT_UNITS = Units()


def disk(size: int | None) -> str:
    """Bytes on disk in decimal units, as DMR prints them."""
    if size is None:
        return UNKNOWN
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB")):
        if size >= 1000**power:
            return f"{significant(size / 1000**power)} {unit}"
    return f"{size / 1000:.0f} kB"


def told_size(text: str | None, size: int | None) -> str:
    """Size of a model on disk, in the unit that the runner chose, with three digits.

    `size` are the bytes that were read from `text`; None if it could not be read.
    """
    parts = size_parts(text)
    if parts is None or size is None:
        return text or UNKNOWN
    number, unit = parts
    return f"{significant(number)} {unit}"


def parameters(count: int | None) -> str:
    """Parameters of a model: 8.19 B, 362 M."""
    if count is None:
        return UNKNOWN
    for power, unit in ((4, "T"), (3, "B"), (2, "M"), (1, "K")):
        if count >= 1000**power:
            return f"{significant(count / 1000**power)} {unit}"
    return str(count)


def window(tokens: int | None) -> str:
    """A context window; its sizes are powers of two, so k is 1,024: 8k, 128k, 1M."""
    if tokens is None:
        return UNKNOWN
    if tokens < 0:
        # As llama.cpp and DMR mean -1: as long as it was trained.
        return "all"
    if tokens >= 2**20 and tokens % 2**20 == 0:
        return f"{tokens // 2**20}M"
    if tokens >= 1024 and tokens % 1024 == 0:
        return f"{tokens // 1024}k"
    if tokens >= 100_000:
        return f"{tokens / 1024:.0f}k"
    return f"{tokens / 1024:.1f}k" if tokens >= 10_000 else str(tokens)


def count(number: int | None) -> str:
    """A whole number with thousands apart."""
    return UNKNOWN if number is None else f"{number:,}"
