"""One word for the memory pressure of a computer, and its cause."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from dmr_tui.machine.container import Container
from dmr_tui.machine.host import Host
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.thresholds import DEFAULTS, Thresholds

Word = Literal["none", "some", "high", "critical"]
ORDER: tuple[Word, ...] = ("none", "some", "high", "critical")


class PressureLevel(Struct, frozen=True):
    """The pressure by all signs together."""

    word: Word | None
    """None if no sign of it could be read."""
    cause: str = ""
    """The worst sign, with its number: "tasks wait for memory 12 % of the time"."""


MIB = 2**20
MAC_LEVELS: dict[int, tuple[Word, str]] = {
    1: ("none", ""),
    2: ("high", "warning"),
    4: ("critical", "critical"),
}


def judge(
    host: Host, container: Container | None = None, thresholds: Thresholds = DEFAULTS
) -> PressureLevel:
    """Judge the pressure by the worst of all signs that can be read."""
    found = list(_signs(host, container, thresholds))
    if not found:
        return PressureLevel(None)
    word, cause = max(found, key=lambda sign: ORDER.index(sign[0]))
    return PressureLevel(word, cause if word != "none" else "")


def _signs(
    host: Host, container: Container | None, thresholds: Thresholds
) -> Iterator[tuple[Word, str]]:
    def reached(sign: str, value: float) -> Word:
        """Return the word of a sign by its thresholds for some, high and critical."""
        levels = thresholds.levels(f"pressure_{sign}")
        return ORDER[sum(value >= level for level in levels)]

    pressure = host.pressure
    if (full := pressure.full.value) is not None:
        yield reached("all_wait", full), f"every task waits for memory {full:.0f} % of the time"
    if (some := pressure.some.value) is not None:
        yield reached("some_wait", some), f"tasks wait for memory {some:.0f} % of the time"
    if pressure.oom_kills.value:
        killed = pressure.oom_kills.value
        yield "some", f"{killed} killed for memory on this machine since dmr-tui was started"
    into, out = pressure.swap_in.value, pressure.swap_out.value
    if into is not None and out is not None:
        moved = into + out
        digits = 0 if moved >= 10 * MIB else 1
        # Pages that stay in swap are no pressure.
        word = reached("swap", moved / MIB)
        yield word, f"{moved / MIB:.{digits}f} MiB a second go to and from swap"
    if (percent := _percent(host.ram_used, host.ram_total)) is not None:
        yield reached("ram", percent), f"{percent:.0f} % of RAM are in use"
    if (level := MAC_LEVELS.get(pressure.level.value or 0)) is not None:
        yield level[0], f"macOS says: {level[1]}"
    if (percent := _percent(pressure.committed, pressure.commit_limit)) is not None:
        yield reached("commit", percent), f"{percent:.0f} % of Windows' commit limit are promised"
    if container is not None:
        percent = _percent(container.needed, container.limit)
        if percent is not None:
            yield reached("container", percent), f"the container needs {percent:.0f} % of its limit"


def _percent(part: Reading[int], whole: Reading[int]) -> float | None:
    """Return per cent; None if impossible, but a group may be counted a little above its limit."""
    if part.value is None or not whole.value:
        return None
    percent = 100.0 * part.value / whole.value
    return percent if 0.0 <= percent <= 110.0 else None
