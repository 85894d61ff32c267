"""One word for the memory pressure of a computer, and its cause."""

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
    found: list[tuple[Word, str]] = []

    def sign(name: str, value: float | None, cause: str) -> None:
        if value is not None:
            levels = thresholds.levels(f"pressure_{name}")
            found.append((ORDER[sum(value >= level for level in levels)], cause.format(value)))

    pressure = host.pressure
    sign("all_wait", pressure.full.value, "every task waits for memory {:.0f} % of the time")
    sign("some_wait", pressure.some.value, "tasks wait for memory {:.0f} % of the time")
    if killed := pressure.oom_kills.value:
        found.append(
            ("some", f"{killed} killed for memory on this machine since dmr-tui was started")
        )
    into, out = pressure.swap_in.value, pressure.swap_out.value
    if into is not None and out is not None:
        # Pages that stay in swap are no pressure.
        moved = (into + out) / MIB
        shown = "{:.0f}" if moved >= 10 else "{:.1f}"
        sign("swap", moved, f"{shown} MiB a second go to and from swap")
    sign("ram", _percent(host.ram_used, host.ram_total), "{:.0f} % of RAM are in use")
    if (level := MAC_LEVELS.get(pressure.level.value or 0)) is not None:
        found.append((level[0], f"macOS says: {level[1]}"))
    promised = _percent(pressure.committed, pressure.commit_limit)
    sign("commit", promised, "{:.0f} % of Windows' commit limit are promised")
    if container is not None:
        needed = _percent(container.needed, container.limit)
        sign("container", needed, "the container needs {:.0f} % of its limit")
    if not found:
        return PressureLevel(None)
    word, cause = max(found, key=lambda sign: ORDER.index(sign[0]))
    return PressureLevel(word, cause if word != "none" else "")


def _percent(part: Reading[int], whole: Reading[int]) -> float | None:
    """Return per cent; None if impossible, but a group may be counted a little above its limit."""
    if part.value is None or not whole.value:
        return None
    percent = 100.0 * part.value / whole.value
    return percent if 0.0 <= percent <= 110.0 else None
