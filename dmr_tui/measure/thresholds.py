"""The numbers from which on something is called heavy, critical or slow."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

Levels = tuple[float, ...]

PRESSURE = "from which on the pressure is some, high and critical"
KNOWN: Mapping[str, tuple[Levels, str]] = {
    "gpu": ((101.0, 111.0), "per cent of GPU use that are heavy, critical; above 100: never"),
    "gpu_unused": ((10.0,), "per cent of GPU use below which a GPU counts as not used"),
    "temperature": ((85.0,), "°C from which on a GPU is hot, whatever the unit on the screen"),
    "cpu": ((85.0, 95.0), "per cent of CPU use that are heavy, critical"),
    "memory": ((85.0, 95.0), "per cent of VRAM or RAM in use that are heavy, critical"),
    "swap": ((25.0,), "per cent of swap in use from which on it is heavy"),
    "swapping": ((1.0,), "MiB a second to and from swap that are worth a warning"),
    "container": ((90.0,), "per cent of its limit that the runner's container needs: a warning"),
    "others": ((25.0,), "per cent of VRAM from which on other programs hold much of it"),
    "pressure_some_wait": ((5.0, 20.0, 60.0), f"per cent of the time some task waits, {PRESSURE}"),
    "pressure_all_wait": ((1.0, 5.0, 20.0), f"per cent of the time all tasks wait, {PRESSURE}"),
    "pressure_swap": ((0.5, 8.0, 64.0), f"MiB a second to and from swap, {PRESSURE}"),
    "pressure_ram": ((85.0, 92.0, 97.0), f"per cent of RAM in use, {PRESSURE}"),
    "pressure_container": ((75.0, 90.0, 97.0), f"per cent of the container's limit, {PRESSURE}"),
    "pressure_commit": ((80.0, 90.0, 97.0), f"per cent of Windows' commit limit, {PRESSURE}"),
    "context": ((85.0,), "per cent of its context window from which on a call is marked"),
    "time_limit": ((80.0, 95.0), "per cent of its caller's time limit that are heavy, critical"),
    "slow": ((75.0,), "per cent of the usual rate below which a call is slower than usual"),
}
"""The default levels and their meaning, by name."""
_UNITS = {"temperature": "°C", "swapping": "MiB/s", "pressure_swap": "MiB/s"}
_MOST = {"swapping": 1e6, "pressure_swap": 1e6}


class Thresholds(Struct, frozen=True):
    """The levels in force: the user's, else the defaults."""

    chosen: Mapping[str, Levels] = MappingProxyType({})
    """The user's, by name."""

    def levels(self, name: str) -> Levels:
        """Return the levels of that name, ascending; as many as `KNOWN` has."""
        return self.chosen.get(name) or KNOWN[name][0]

    def level(self, name: str) -> float:
        """Return the first of the levels of that name."""
        return self.levels(name)[0]


DEFAULTS = Thresholds()


def unit(name: str) -> str:
    """Return the unit of the levels of that name."""
    return _UNITS.get(name, "%")


def allowed(name: str) -> str:
    """Say what may be written for the levels of that name."""
    number = len(KNOWN[name][0])
    most = f"{_MOST.get(name, 1000.0):,.0f}"
    if number == 1:
        return f"a number from 0 to {most}"
    return f"{('two', 'three')[number - 2]} ascending numbers from 0 to {most}"


def checked(name: str, numbers: Levels) -> Levels:
    """Return `numbers` if they can be the levels of `name`. Raises ValueError with what can."""
    most = _MOST.get(name, 1000.0)
    fitting = len(numbers) == len(KNOWN[name][0]) and all(0.0 <= each <= most for each in numbers)
    if not fitting or list(numbers) != sorted(set(numbers)):
        raise ValueError(allowed(name))
    return numbers
