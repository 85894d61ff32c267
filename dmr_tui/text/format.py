"""Numbers as people read them: one form for each kind of quantity, on every screen."""

import math

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
    """What is left, in seconds only where they matter: 9:41, 23 min, 2 h."""
    return clock(value) if value < 600.0 else age(value)


def age(value: float) -> str:
    """How long ago: 3 s, 12 min, 2 h."""
    if value < 99.5:
        return f"{max(0.0, value):.0f} s"
    return f"{value / 60:.0f} min" if value < 5970 else f"{value / 3600:.0f} h"


def gib(size: float | None) -> str:
    """Bytes of memory in `memory_unit`, without the unit: GiB as nvidia-smi and llama.cpp count."""
    return UNKNOWN if size is None else f"{size / _units.giant:.1f}"


def gib_of(part: float | None, whole: float | None) -> str:
    """Bytes of memory, of how many: 5.8 of 24.0 GiB."""
    return f"{gib(part)} of {gib(whole)} {memory_unit()}"


def memory(size: float | None) -> str:
    """Bytes of memory with their unit: 6.1 GiB, 12 MiB, or 6.5 GB, 13 MB."""
    if size is None:
        return UNKNOWN
    step, binary = _units.step, "i" if _units.step == 1024 else ""
    if size < 0.0995 * _units.giant:
        if size >= step**2 or not size:
            return f"{size / step**2:.0f} M{binary}B"
        return f"{size / step:.0f} {'K' if binary else 'k'}{binary}B"
    return f"{size / _units.giant:.1f} G{binary}B"


def memory_short(size: float | None) -> str:
    """As `memory`, in five cells: 6.1G, 785M."""
    if size is None:
        return UNKNOWN
    number, unit = memory(size).split(" ")
    return f"{number}{unit[0]}"


def memory_unit() -> str:
    """The unit of `gib`: GiB or GB."""
    return "GiB" if _units.step == 1024 else "GB"


def temperature(celsius: float | None) -> str:
    """Degrees Celsius in the unit that a person wants, without the unit."""
    if celsius is None:
        return UNKNOWN
    return f"{celsius * 1.8 + 32.0 if _units.fahrenheit else celsius:.0f}"


def temperature_unit() -> str:
    """The unit of `temperature`: °C or °F."""
    return "°F" if _units.fahrenheit else "°C"


class _Units:
    step = 1024
    giant = 1024**3
    fahrenheit = False


_units = _Units()


def choose_units(memory: str = "GiB", temperature: str = "C") -> None:
    """Print memory in "GiB" or "GB" and temperatures in "C" or "F"; once, before all else."""
    _units.step = 1024 if memory == "GiB" else 1000
    _units.giant = _units.step**3
    _units.fahrenheit = temperature == "F"


def disk(size: int | None) -> str:
    """Bytes on disk in decimal units, as DMR prints them."""
    if size is None:
        return UNKNOWN
    for power, unit in ((4, "TB"), (3, "GB"), (2, "MB")):
        if size >= 1000**power:
            return f"{significant(size / 1000**power)} {unit}"
    return f"{size / 1000:.0f} kB"


def told_size(text: str | None, size: int | None) -> str:
    """What a model takes on disk, in the unit that the runner chose, with three digits.

    `size` are the bytes that were read from `text`; None if it could not be read.
    """
    if text is None or size is None:
        return text or UNKNOWN
    number = text.rstrip("KMGTiB ")
    return f"{significant(float(number))} {text[len(number) :].strip()}"


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
