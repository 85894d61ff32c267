"""The memory of a control group as the Linux kernel counts it, v1 and v2."""

import os
from pathlib import Path

from msgspec import Struct

from dmr_tui.machine import files
from dmr_tui.machine.reading import Reading

ROOT = Path("/sys/fs/cgroup")
NO_LIMIT = 2**60
"""A limit this high means none, and a count this high is absurd: the kernel's largest numbers."""
MOST_GROUPS = 100
"""Lines of a process's cgroup file that are followed; v1 has one for each controller, some 15."""
_V1 = ("memory.limit_in_bytes", "total_rss", "total_shmem", "total_cache", "memory.oom_control")
_V2 = ("memory.max", "anon", "shmem", "file", "memory.events")
"""The file of the limit; anonymous, shared and cached memory in memory.stat; the file of kills."""


class CgroupMemory(Struct, frozen=True):
    """One control group at one moment; bytes."""

    limit: Reading[int]
    needed: Reading[int]
    """Anonymous and shared memory, which cannot be dropped."""
    mapped: Reading[int]
    """Pages of files, mapped weights among them."""
    oom_kills: Reading[int]


def find_cgroup(pid: int, root: Path = ROOT, proc: Path = Path("/proc")) -> Path | None:
    """Return the folder with the memory files of a process; None if it cannot be seen from here."""
    try:
        lines = files.read(proc / str(pid) / "cgroup").splitlines()
    except OSError:
        return None
    for line in lines[:MOST_GROUPS]:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        inside = path.lstrip("/")
        if "memory" in controllers.split(",") and os.path.isdir(folder := root / "memory" / inside):
            return folder
        if not controllers and os.path.exists(root / inside / "memory.current"):
            return root / inside
    return None


def read_cgroup(folder: Path) -> CgroupMemory:
    """Read the limit, the needed and the mapped memory of a group, and its kills for memory."""
    version = _V2 if (folder / "memory.current").exists() else _V1
    limit, anonymous, shared, cached, events = version
    stat = _pairs(folder / "memory.stat")
    return CgroupMemory(
        _limit(folder / limit),
        _sum(stat, (anonymous, shared), folder),
        _file(stat, cached, shared, folder),
        _count(_pairs(folder / events), "oom_kill"),
    )


def _limit(path: Path) -> Reading[int]:
    try:
        text = files.read(path).strip()
    except OSError as error:
        return Reading(None, f"{path.name}: {error.strerror}")
    if text == "max":
        return Reading(None, "no limit")
    number = files.whole(text)
    if number is None:
        return Reading(None, f"{path.name} says {text[:40]!r}")
    return Reading(None, "no limit") if number >= NO_LIMIT else Reading(number)


def _pairs(path: Path) -> dict[str, int]:
    """Return the lines of a name and a number; empty if the file cannot be read."""
    try:
        lines = files.read(path).splitlines()
    except OSError:
        return {}
    words = [line.split() for line in lines]
    found = {word[0]: files.whole(word[1]) for word in words if len(word) == 2}
    return {name: number for name, number in found.items() if number is not None}


def _sum(stat: dict[str, int], names: tuple[str, ...], folder: Path) -> Reading[int]:
    if names[0] not in stat:
        return Reading(None, f"{folder.name[:12]}: memory.stat does not tell {names[0]}")
    return _sane(sum(stat.get(name, 0) for name in names), "memory.stat")


def _file(stat: dict[str, int], cached: str, shared: str, folder: Path) -> Reading[int]:
    """Return the cached memory without the shared memory, which the kernel counts as cached."""
    total = _sum(stat, (cached,), folder)
    if total.value is None:
        return total
    return Reading(max(0, total.value - stat.get(shared, 0)))


def _count(events: dict[str, int], name: str) -> Reading[int]:
    if name not in events:
        return Reading(None, f"this kernel does not count {name}")
    return _sane(events[name], name)


def _sane(value: int, name: str) -> Reading[int]:
    return Reading(value) if value < NO_LIMIT else Reading(None, f"{name} says {value}")
