"""The memory of a control group as the Linux kernel counts it, v1 and v2."""

from pathlib import Path

from msgspec import Struct

from dmr_tui.machine.reading import Reading

ROOT = Path("/sys/fs/cgroup")
NO_LIMIT = 2**60
"""A limit this high means none, and a count this high is absurd: the kernel's largest numbers."""
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
        lines = (proc / str(pid) / "cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        inside = path.lstrip("/")
        if "memory" in controllers.split(",") and (folder := root / "memory" / inside).is_dir():
            return folder
        if not controllers and (root / inside / "memory.current").exists():
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
        text = path.read_text().strip()
    except OSError as error:
        return Reading(None, f"{path.name}: {error.strerror}")
    if text == "max":
        return Reading(None, "no limit")
    if not text.isdecimal():
        return Reading(None, f"{path.name} says {text[:40]!r}")
    return Reading(None, "no limit") if int(text) >= NO_LIMIT else Reading(int(text))


def _pairs(path: Path) -> dict[str, int]:
    """Return the lines of a name and a number; empty if the file cannot be read."""
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    words = (line.split() for line in lines)
    return {word[0]: int(word[1]) for word in words if len(word) == 2 and word[1].isdecimal()}


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
