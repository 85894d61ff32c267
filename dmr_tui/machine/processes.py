"""The engine processes of the runner, each with its model and its memory."""

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil
from msgspec import Struct
from msgspec.structs import replace

from dmr_tui.machine import files
from dmr_tui.machine.reading import Reading

T = TypeVar("T")


_UNREAD: Reading[int] = Reading(None, "not read yet")
_NO_RATE: Reading[float] = Reading(None, "measured from the second reading on")
LOOK_AGAIN_S = 60.0
"""Seconds after which processes that were no engines are examined again."""
YOUNG_S = 3.0
"""Seconds for which a new process that is no engine is examined at each reading."""
_BACKENDS = (
    ("llama-server", "llama.cpp"),
    ("llama_server", "llama.cpp"),
    ("vllm", "vllm"),
    ("sglang", "sglang"),
    ("mlx_lm", "mlx"),
    ("diffusers", "diffusers"),
)
_KINDS = frozenset({"VmRSS", "RssAnon", "RssFile", "RssShmem", "VmSwap"})
_MOST_KIB = 2**40
_DIGEST = re.compile(r"[/\\]sha256[/\\]([0-9a-f]{64})(?![0-9a-f])")
_CONTAINER = re.compile(r"(?<![0-9a-f])([0-9a-f]{64})(?![0-9a-f])")


class EngineProcess(Struct, frozen=True):
    """One engine process at one moment; sizes in bytes."""

    pid: int
    """Its number on this computer, also for a process inside a container."""
    name: str
    backend: str
    """"llama.cpp", "vllm" …, as the runner calls it."""
    digest: str | None
    """`sha256:…` of the model, as its command line names it."""
    mode: str
    """"completion", "embedding" or "reranking", as ps of the runner calls it."""
    started_at: float
    """Seconds since 1970, by this computer's clock."""
    arguments: tuple[str, ...]
    """The command line without the program."""
    resident: Reading[int] = _UNREAD
    """All that is in RAM."""
    own: Reading[int] = _UNREAD
    """RAM of its own: cache, compute, and weights that were read and not mapped."""
    mapped: Reading[int] = _UNREAD
    """Pages of files in RAM, mapped weights above all: the system can drop and reread them."""
    swapped: Reading[int] = _UNREAD
    cpu: Reading[float] = _NO_RATE
    """Per cent of one core since the last reading."""
    container: str | None = None
    """64 hex digits; None for a process that runs on the computer itself."""


class ProcessReport(Struct, frozen=True):
    """The visible engine processes, and the reason why there may be more."""

    engines: tuple[EngineProcess, ...] = ()
    """By pid."""
    reason: str = ""


class _Vanished(Exception):
    pass


class EngineProcesses:
    """Reader of this computer's engine processes, which it finds among all processes."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        proc: Path | None = Path("/proc") if sys.platform == "linux" else None,
    ) -> None:
        """`proc` is the folder in which Linux tells more of a process than psutil does."""
        self._clock = clock
        self._proc = proc
        self._known: dict[int, EngineProcess | None] = {}
        self._parents: dict[int, int] = {}
        self._denied: set[int] = set()
        self._forget_at = 0.0
        self._cpu: dict[int, tuple[float, float]] = {}
        self._containers: tuple[tuple[str, int], ...] = ()

    @property
    def containers(self) -> tuple[tuple[str, int], ...]:
        """The containers in which engines were seen last: id, and the pid of one of them."""
        return self._containers

    def read(self) -> ProcessReport:
        """Read the engine processes as they are now."""
        if self._clock() >= self._forget_at:
            # Process ids are used again: one that was no engine may be one by now.
            self._forget_at = self._clock() + LOOK_AGAIN_S
            self._known = {pid: found for pid, found in self._known.items() if found is not None}
        try:
            pids = psutil.pids()
        except (psutil.Error, OSError) as error:
            return ProcessReport(reason=f"processes cannot be listed: {error}")
        self._find_engines(set(pids))
        engines = []
        for found in [each for each in self._known.values() if each is not None]:
            if self._is_worker(found):
                continue
            try:
                engines.append(self._measure(found))
            except _Vanished:
                del self._known[found.pid]
        self._cpu = {each.pid: self._cpu[each.pid] for each in engines if each.pid in self._cpu}
        self._containers = tuple({e.container: e.pid for e in engines if e.container}.items())
        return ProcessReport(tuple(sorted(engines, key=lambda e: e.pid)), self._reason(pids))

    def _reason(self, pids: Sequence[int]) -> str:
        if self._proc is None:
            return ""
        if 1 not in pids:
            return "processes of other users are hidden here (hidepid)"
        if self._denied:
            return f"no right to see what {len(self._denied)} processes of other users are"
        return ""

    def _find_engines(self, alive: set[int]) -> None:
        self._known = {pid: found for pid, found in self._known.items() if pid in alive}
        self._parents = {pid: above for pid, above in self._parents.items() if pid in alive}
        self._denied &= alive
        for pid in alive - self._known.keys():
            try:
                process = psutil.Process(pid)
                with process.oneshot():
                    self._classify(process)
                self._denied.discard(pid)
            except (psutil.AccessDenied, PermissionError):
                self._known[pid] = None
                self._denied.add(pid)
            except (psutil.Error, OSError):
                continue

    def _classify(self, process: psutil.Process) -> None:
        """Remember what a process is, unless it may be about to become another program."""
        words = process.cmdline()
        self._parents[process.pid] = process.ppid()
        engine = self._engine(process, words)
        if engine is None and not _is_kernel_thread(process):
            # A wrapper or a fork of the runner shows its old command line until it calls exec.
            young = time.time() - process.create_time() < YOUNG_S
            if young or not words:
                return
        self._known[process.pid] = engine

    def _engine(self, process: psutil.Process, words: Sequence[str]) -> EngineProcess | None:
        backend = _backend(words)
        digest = next((found for word in words if (found := digest_in_path(word))), None)
        if backend is None or digest is None:
            return None
        return EngineProcess(
            pid=process.pid,
            name=process.name(),
            backend=backend,
            digest=digest,
            mode=_mode(words),
            started_at=process.create_time(),
            arguments=tuple(words[1:]),
            container=None if self._proc is None else _container(self._proc, process.pid),
        )

    def _ancestors(self, pid: int) -> Iterator[int]:
        """Yield the parent, its parent and so on, up to a cycle, which reused ids can make."""
        seen = {pid}
        while (pid := self._parents.get(pid, 0)) and pid not in seen:
            seen.add(pid)
            yield pid

    def _descendants(self, pid: int) -> list[int]:
        """Return the children, their children and so on."""
        found: list[int] = []
        level = {pid}
        while level:
            level = {child for child, parent in self._parents.items() if parent in level}
            level -= {pid, *found}
            found += level
        return found

    def _is_worker(self, engine: EngineProcess) -> bool:
        """Return whether another engine process of the same model started it, as in vLLM."""
        ancestors = (self._known.get(pid) for pid in self._ancestors(engine.pid))
        return any(each is not None and each.digest == engine.digest for each in ancestors)

    def _measure(self, engine: EngineProcess) -> EngineProcess:
        try:
            process = psutil.Process(engine.pid)
            if abs(process.create_time() - engine.started_at) > 1.0:
                raise _Vanished
            workers = self._descendants(engine.pid)
            resident, own, mapped, swapped = self._memory(process, workers)
            cpu = self._cpu_percent(process, workers)
            return replace(
                engine, resident=resident, own=own, mapped=mapped, swapped=swapped, cpu=cpu
            )
        except (psutil.AccessDenied, PermissionError):
            unknown: Reading[int] = Reading(None, f"no right to read process {engine.pid}")
            return replace(engine, resident=unknown, own=unknown, mapped=unknown, swapped=unknown)
        except (psutil.Error, OSError):
            raise _Vanished from None

    def _memory(
        self, process: psutil.Process, workers: Sequence[int]
    ) -> tuple[Reading[int], Reading[int], Reading[int], Reading[int]]:
        """Return resident, own, mapped and swapped memory, that of its workers included."""
        if self._proc is None:
            unknown: Reading[int] = Reading(None, "this system does not tell")
            rss = int(process.memory_info().rss)
            rss += sum(_of_worker(lambda p: int(p.memory_info().rss), pid) or 0 for pid in workers)
            return Reading(rss), Reading(rss), unknown, unknown
        statuses = [_status(self._proc, process.pid)]
        if "VmRSS" not in statuses[0]:
            # A zombie: it has ended, and its parent has not waited for it yet.
            raise _Vanished
        for pid in workers:
            with suppress(OSError):
                statuses.append(_status(self._proc, pid))
        resident = sum(each.get("VmRSS", 0) for each in statuses)
        if "RssAnon" not in statuses[0]:
            unsplit: Reading[int] = Reading(None, "this kernel does not tell it apart")
            return Reading(resident), unsplit, unsplit, _swapped(statuses)
        own = sum(each.get("RssAnon", 0) + each.get("RssShmem", 0) for each in statuses)
        # Workers map the same files, whose pages are in RAM once.
        mapped = max(each.get("RssFile", 0) for each in statuses)
        return Reading(own + mapped), Reading(own), Reading(mapped), _swapped(statuses)

    def _cpu_percent(self, process: psutil.Process, workers: Sequence[int]) -> Reading[float]:
        spent = _cpu_seconds(process) + sum(_of_worker(_cpu_seconds, pid) or 0.0 for pid in workers)
        pid, now = process.pid, self._clock()
        before = self._cpu.get(pid)
        self._cpu[pid] = (now, spent)
        if before is None or now <= before[0]:
            return _NO_RATE
        return Reading(round(max(0.0, 100.0 * (spent - before[1]) / (now - before[0])), 1))


def digest_in_path(word: str) -> str | None:
    """Return the digest in the path `word` of a file in the runner's store."""
    match = _DIGEST.search(word)
    return f"sha256:{match[1]}" if match else None


def _backend(words: Sequence[str]) -> str | None:
    # Only the program and, of an interpreter, the script or module: a path may have any name, and
    # what a shell, sudo or a debugger starts is a process of its own.
    names = [word.replace("\\", "/").rpartition("/")[2].lower() for word in words[:4]]
    if names and names[0].startswith(("python", "pypy")):
        names = [name for name in names if " " not in name]
    else:
        names = names[:1]
    return next((backend for sign, backend in _BACKENDS if any(sign in n for n in names)), None)


def _mode(words: Sequence[str]) -> str:
    if "--reranking" in words:
        return "reranking"
    pooling = "--runner" in words and "pooling" in words
    return "embedding" if "--embeddings" in words or pooling else "completion"


def _is_kernel_thread(process: psutil.Process) -> bool:
    # A thread of the kernel has no command line and never will.
    return process.pid in {0, 2} or process.ppid() == 2


def _container(proc: Path, pid: int) -> str | None:
    try:
        match = _CONTAINER.search(files.read(proc / str(pid) / "cgroup"))
    except OSError:
        return None
    return match[1] if match else None


def _status(proc: Path, pid: int) -> dict[str, int]:
    """Return the bytes of each kind of memory in /proc/PID/status. Raises OSError if it is gone."""
    found = {}
    for line in files.read(proc / str(pid) / "status").splitlines():
        name, _, rest = line.partition(":")
        if name not in _KINDS or not (words := rest.split()):
            continue
        if (kib := files.whole(words[0], _MOST_KIB)) is not None:
            found[name] = kib * 1024
    return found


def _swapped(statuses: Sequence[dict[str, int]]) -> Reading[int]:
    if "VmSwap" not in statuses[0]:
        return Reading(None, "this kernel does not tell what of it is swapped out")
    return Reading(sum(each.get("VmSwap", 0) for each in statuses))


def _cpu_seconds(process: psutil.Process) -> float:
    """Return the seconds of processor time so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _of_worker(measure: Callable[[psutil.Process], T], pid: int) -> T | None:
    """Return a figure of a worker; None if it has ended or may not be read."""
    try:
        return measure(psutil.Process(pid))
    except (psutil.Error, OSError):
        return None
