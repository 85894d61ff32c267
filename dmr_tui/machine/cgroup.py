"""The memory of a control group as the Linux kernel counts it, v1 and v2."""

from dataclasses import dataclass
from pathlib import Path

from dmr_tui.machine.reading import Reading

ROOT = Path("/sys/fs/cgroup")
NO_LIMIT = 2**60
"""From which on a limit is none, and a count absurd: the kernel's largest numbers."""


@dataclass(frozen=True, slots=True)
class CgroupMemory:
    """One control group at one moment; bytes."""

    limit: Reading[int]
    needed: Reading[int]
    """Anonymous and shared memory, which cannot be dropped."""
    mapped: Reading[int]
    """Pages of files, mapped weights among them."""
    oom_kills: Reading[int]


def find_cgroup(pid: int, root: Path = ROOT, proc: Path = Path("/proc")) -> Path | None:
    """The folder with the memory files of that process, if it can be seen from here."""
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
    """What the group may take, needs and maps, and how many of it were killed for memory."""
    if (folder / "memory.current").exists():
        stat = _pairs(folder / "memory.stat")
        return CgroupMemory(
            _limit(folder / "memory.max"),
            _sum(stat, ("anon", "shmem"), folder),
            _file(stat, "file", "shmem", folder),
            _count(_pairs(folder / "memory.events"), "oom_kill", folder),
        )
    stat = _pairs(folder / "memory.stat")
    return CgroupMemory(
        _limit(folder / "memory.limit_in_bytes"),
        _sum(stat, ("total_rss", "total_shmem"), folder),
        _file(stat, "total_cache", "total_shmem", folder),
        _count(_pairs(folder / "memory.oom_control"), "oom_kill", folder),
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
    """Lines of a name and a number; empty if the file cannot be read."""
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
    """Cached pages without shared memory, which the kernel counts among them."""
    whole = _sum(stat, (cached,), folder)
    if whole.value is None:
        return whole
    return Reading(max(0, whole.value - stat.get(shared, 0)))


def _count(events: dict[str, int], name: str, folder: Path) -> Reading[int]:
    if name not in events:
        return Reading(None, f"this kernel does not count {name}")
    return _sane(events[name], name)


def _sane(value: int, name: str) -> Reading[int]:
    return Reading(value) if value < NO_LIMIT else Reading(None, f"{name} says {value}")
