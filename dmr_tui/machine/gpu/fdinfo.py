"""The programs that hold memory of an AMD or Intel GPU, by /proc/PID/fdinfo (drm-usage-stats)."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from dmr_tui.machine import files
from dmr_tui.machine.gpu.gpu import LARGEST, GpuProcess
from dmr_tui.machine.reading import Reading

EVERY_S = 5.0
"""Seconds between two examinations of the processes that have a card open, and of new ones."""
SELDOM_S = 60.0
"""Most seconds between two examinations of a process that has none open."""
MOST = 64
"""Processes without a card that are examined in one second, which takes some 10 ms."""
_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "": 1}
_CUT = 15
"""Characters to which the kernel cuts a name."""

Users = Reading[tuple[GpuProcess, ...]]
Sizes = Mapping[str, int | None]
"""Bytes by region of memory; None if the driver's figure is impossible."""


class _Client(Struct, frozen=True):
    """A card that a process has open."""

    address: str
    id: str
    sizes: Sizes


class DrmUsers:
    """The processes of every card, by its PCI address."""

    def __init__(
        self, proc: Path = Path("/proc"), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._proc = str(proc)
        self._clock = clock
        self._list_at = self._examine_at = float("-inf")
        self._users: dict[int, tuple[str, tuple[_Client, ...]]] = {}
        self._waits: dict[int, tuple[float, float]] = {}
        self._due: list[int] = []
        self._hidden: set[int] = set()
        self._failed = ""

    def of(self, address: str, *regions: str) -> Users:
        """Return the holders of a card's memory, the largest first, in regions with these prefixes.

        With a value the reason tells how many processes could not be examined, or not yet.
        """
        if self._clock() >= self._list_at:
            self._list_at = self._clock() + EVERY_S
            self._list()
        if self._clock() >= self._examine_at:
            self._examine_at = self._clock() + 1.0
            self._examine_due()
        if self._failed:
            return Reading(None, self._failed)
        held, seen = [], set()
        for pid, (name, clients) in sorted(self._users.items()):
            mine = []
            for client in clients:
                # A card that is open twice, or was handed on to a child, is one client.
                if client.address == address and client.id not in seen:
                    seen.add(client.id)
                    mine.append(client.sizes)
            memory = _sum(mine, regions)
            if memory.value != 0:
                held.append(GpuProcess(pid, name, memory))
        unseen = self._unseen()
        if not held and unseen:
            return Reading(None, unseen)
        return Reading(tuple(sorted(held, key=lambda user: -(user.memory.value or 0))), unseen)

    def _unseen(self) -> str:
        new = sum(pid not in self._waits for pid in self._due)
        if new:
            return f"{new} processes have not been looked into yet"
        hidden = len(self._hidden)
        return f"no right to look into {hidden} processes of other users" if hidden else ""

    def _list(self) -> None:
        """Examine the processes that have a card open, and find which others are due."""
        try:
            pids = {int(name) for name in os.listdir(self._proc) if name.isdecimal()}
        except OSError as error:
            self._failed = f"processes cannot be listed: {error.strerror}"
            return
        self._failed = ""
        self._hidden &= pids
        self._waits = {pid: wait for pid, wait in self._waits.items() if pid in pids}
        self._users = {pid: user for pid, user in self._users.items() if pid in pids}
        now = self._clock()
        due = {pid for pid in pids if self._waits.get(pid, (now, 0.0))[0] <= now}
        for pid in sorted(due & self._users.keys()):
            self._examine(pid)
        # The list is worked off from its end: new processes before those without a card so far.
        rest = due - self._users.keys()
        self._due = sorted(rest, key=lambda pid: (pid not in self._waits, pid))

    def _examine_due(self) -> None:
        for _ in range(min(MOST, len(self._due))):
            self._examine(self._due.pop())

    def _examine(self, pid: int) -> None:
        self._users.pop(pid, None)
        self._hidden.discard(pid)
        folder = f"{self._proc}/{pid}"
        clients: tuple[_Client, ...] = ()
        try:
            clients = tuple(_clients(folder))
        except PermissionError:
            if _text(f"{folder}/cmdline"):
                # A thread of the kernel has no command line, and no files.
                self._hidden.add(pid)
        except OSError:
            pass
        if clients:
            self._users[pid] = (_name(folder), clients)
            self._waits.pop(pid, None)
            return
        # A program may open the card late, so young ones are examined more often. The waits
        # differ so that they do not all end at once.
        later = min(2.0 * self._waits.get(pid, (0.0, EVERY_S))[1], SELDOM_S)
        self._waits[pid] = (self._clock() + later * (1.0 - pid % 8 / 16.0), later)


def _clients(folder: str) -> Iterator[_Client]:
    """Yield the cards that a process has open. Raises OSError if it is gone or another user's."""
    for number in os.listdir(f"{folder}/fd"):
        try:
            # Reading a link is far cheaper than what the kernel has to write for an fdinfo.
            if "/dri/" not in os.readlink(f"{folder}/fd/{number}"):
                continue
            lines = files.read(f"{folder}/fdinfo/{number}").splitlines()
        except FileNotFoundError:
            continue
        pairs = (line.partition(":") for line in lines if line.startswith("drm-"))
        fields = {name: value.strip() for name, _, value in pairs}
        if "drm-pdev" in fields:
            own = f"{folder}/{number}"
            yield _Client(fields["drm-pdev"], fields.get("drm-client-id", own), _sizes(fields))


def _sizes(fields: Mapping[str, str]) -> Sizes:
    """Return the resident bytes of each region ("memory" in older kernels), else all of them."""
    found: dict[str, int | None] = {}
    for prefix in ("drm-total-", "drm-memory-", "drm-resident-"):
        for name, value in fields.items():
            if name.startswith(prefix):
                found[name.removeprefix(prefix)] = _bytes(value)
    return found


def _bytes(text: str) -> int | None:
    number, _, unit = text.partition(" ")
    count = files.whole(number)
    if count is None or unit.strip() not in _UNITS:
        return None
    size = count * _UNITS[unit.strip()]
    return size if size <= LARGEST else None


def _sum(clients: list[Sizes], regions: tuple[str, ...]) -> Reading[int]:
    total = 0
    for sizes in clients:
        for region, size in sizes.items():
            if regions and not region.startswith(regions):
                continue
            if size is None:
                return Reading(None, f"fdinfo: what it says of {region} cannot be")
            total += size
    return Reading(total)


def _name(folder: str) -> str:
    """Return the program's name, uncut if its command line has it; empty if it is gone."""
    name = _text(f"{folder}/comm").strip()
    if len(name) < _CUT:
        return name
    whole = _text(f"{folder}/cmdline").partition("\0")[0].rpartition("/")[2]
    return whole if whole.startswith(name) else name


def _text(path: str) -> str:
    try:
        return files.read(path)
    except OSError:
        return ""
