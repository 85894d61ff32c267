"""The container of the runner and its engines, where they run in one."""

import errno
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from dmr_tui.machine import cgroup
from dmr_tui.machine.cgroup import CgroupMemory
from dmr_tui.machine.reading import Reading

Source = Literal["cgroup", "docker", ""]


_LABELS = ("com.docker.model-runner.role=controller", "com.docker.desktop.service=model-runner")
_NAME = "docker-model-runner"
_TIMEOUT_S = 3
RETRY_S = 30.0
"""Seconds after which Docker is asked again after a failure."""
STATS_S = 10.0
"""Seconds between two of Docker's slow answers about memory."""
LONGEST = 1000
"""Characters of a text of Docker's; an error is the longest."""
LAST_MOMENT = 2**34
"""Seconds since 1970, in the year 2514: a later start is no time."""
NOWHERE = "the runner is in no container here"


class Container(Struct, frozen=True):
    """The runner's container at one moment; sizes in bytes."""

    id: str
    """64 hex digits."""
    name: str
    """Empty where only its id is known."""
    image: str
    state: str
    """"running", "paused", "exited" …; empty where Docker could not be asked."""
    limit: Reading[int]
    """Memory that it may take; no value and the reason "no limit" if it has none."""
    needed: Reading[int]
    """Memory that cannot be dropped: anonymous and shared."""
    mapped: Reading[int]
    """File pages, mapped weights among them: the system can drop and reread them."""
    oom_kills: Reading[int]
    """Processes in it that were killed for memory since it started."""
    gpus: bool | None = None
    """True if it was given GPUs; None if Docker could not be asked."""
    restarts: int | None = None
    started_at: float | None = None
    """Seconds since 1970."""
    error: str = ""
    """The reason why it does not run, in Docker's words."""


class ContainerReport(Struct, frozen=True):
    """The runner's container, or the reason why it is not known."""

    container: Container | None = None
    source: Source = ""
    reason: str = ""


class RunnerContainer:
    """Reader of the runner's container: state from Docker, memory from its control group."""

    def __init__(
        self,
        engine_containers: Callable[[], Sequence[tuple[str, int]]],
        docker: str | None = None,
        no_docker: str = "",
        *,
        connect: Callable[[], Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        root: Path = cgroup.ROOT,
        proc: Path = Path("/proc"),
    ) -> None:
        """`engine_containers` returns the id of each container with an engine, and the pid of one.

        `docker` is the path of the Docker Engine's socket; None, with `no_docker` as the reason,
        if there is none.
        """
        self._engine_containers = engine_containers
        self._connect = connect or (lambda: _connect(docker))
        self._no_docker = no_docker
        self._clock = clock
        self._root = root
        self._proc = proc
        self._client: Any = None
        self._reason = ""
        self._ask_at = 0.0
        self._stats: tuple[float, str, CgroupMemory] | None = None

    def read(self) -> ContainerReport:
        """Read the container as it is now."""
        try:
            facts = self._inspect()
            if facts is not None:
                return ContainerReport(self._described(facts), "docker")
        except Exception as error:  # The SDK lets the errors of requests and urllib3 through.
            self._give_up(error)
        return self._from_cgroup()

    def _inspect(self) -> dict[str, Any] | None:
        if self._clock() < self._ask_at:
            return None
        if self._client is None:
            self._client = self._connect()
        if self._client is None:
            self._reason, self._ask_at = self._no_docker, self._clock() + RETRY_S
            return None
        api = self._client.api
        for filters in ({"label": label} for label in _LABELS):
            found = api.containers(all=True, filters=filters)
            if found:
                running = (each for each in found if each.get("State") == "running")
                return dict(api.inspect_container(next(running, found[0])["Id"]))
        named = api.containers(all=True, filters={"name": f"^/{_NAME}$"})
        self._reason = "Docker knows no container of the runner"
        return dict(api.inspect_container(named[0]["Id"])) if named else None

    def _give_up(self, error: Exception) -> None:
        self._reason = docker_words(error)
        self._ask_at = self._clock() + RETRY_S
        client, self._client = self._client, None
        with suppress(Exception):
            if client is not None:
                client.close()

    def _described(self, facts: dict[str, Any]) -> Container:
        state, host = _object(facts.get("State")), _object(facts.get("HostConfig"))
        memory = self._memory(facts)
        limit = _number(host.get("Memory"))
        requests = host.get("DeviceRequests") or []
        runtime = str(host.get("Runtime") or "")
        given = host.get("Devices")
        listed = given if isinstance(given, list) else []
        devices = [str(_object(each).get("PathOnHost", "")) for each in listed]
        return Container(
            id=_words(facts.get("Id")),
            name=_words(facts.get("Name")).lstrip("/"),
            image=_words(_object(facts.get("Config")).get("Image")),
            state=_words(state.get("Status")),
            limit=Reading(limit) if limit else Reading(None, "no limit"),
            needed=memory.needed,
            mapped=memory.mapped,
            oom_kills=memory.oom_kills,
            gpus=bool(requests)
            or runtime in {"nvidia", "rocm"}
            or any(path.startswith(("/dev/dri", "/dev/kfd", "/dev/nvidia")) for path in devices),
            restarts=_number(facts.get("RestartCount")),
            started_at=_moment(state.get("StartedAt")),
            error=_words(state.get("Error")),
        )

    def _memory(self, facts: dict[str, Any]) -> CgroupMemory:
        pid, id = _number(_object(facts.get("State")).get("Pid")), str(facts.get("Id"))
        if not pid:
            return _no_memory("the container does not run")
        folder = cgroup.find_cgroup(pid, self._root, self._proc)
        # An Engine in a virtual machine counts its own pids: here that one may be any process.
        if folder is not None and id in folder.as_posix():
            return cgroup.read_cgroup(folder)
        # Docker takes a second or two for this.
        now = self._clock()
        if self._stats is None or self._stats[1] != id or now - self._stats[0] >= STATS_S:
            stats = self._client.api.stats(id, stream=False)
            self._stats = (now, id, _from_stats(stats))
        return self._stats[2]

    def _from_cgroup(self) -> ContainerReport:
        """Report the container in which engines run, where Docker cannot be asked."""
        for id, pid in self._engine_containers():
            folder = cgroup.find_cgroup(pid, self._root, self._proc)
            if folder is None:
                continue
            memory = cgroup.read_cgroup(folder)
            container = Container(
                id, "", "", "", memory.limit, memory.needed, memory.mapped, memory.oom_kills
            )
            return ContainerReport(container, "cgroup", self._reason)
        return ContainerReport(None, "", self._reason or NOWHERE)


def _connect(path: str | None) -> Any:
    """Return a client of the Docker Engine at `path`, None without one. Raises any SDK error."""
    if path is None or not os.path.exists(path):
        return None
    # Imported late: it costs 100 ms and 10 MiB, which only a machine with Docker has to pay.
    from docker import DockerClient

    return DockerClient(base_url=f"unix://{path}", timeout=_TIMEOUT_S)


def docker_words(error: BaseException) -> str:
    """Say why Docker could not be asked, by the first known error in the chain of causes."""
    link: BaseException | None = error
    while link is not None:
        number = getattr(link, "errno", None)
        if number in {errno.EACCES, errno.EPERM}:
            return "no right to ask Docker: this user is not in the group docker"
        if number in {errno.ENOENT, errno.ECONNREFUSED}:
            return "the Docker Engine does not run"
        if "timed out" in str(link).lower():
            return f"the Docker Engine did not answer within {_TIMEOUT_S} s"
        link = link.__cause__ or link.__context__
    return f"Docker: {type(error).__name__}: {error}"


def _no_memory(reason: str) -> CgroupMemory:
    unknown: Reading[int] = Reading(None, reason)
    return CgroupMemory(unknown, unknown, unknown, unknown)


def _from_stats(stats: dict[str, Any]) -> CgroupMemory:
    """Read the memory part of `GET /containers/ID/stats`, with control groups of v1 or v2."""
    stat = _object(_object(stats.get("memory_stats")).get("stats"))
    if not stat:
        return _no_memory("Docker tells nothing of the container's memory")
    if "anon" in stat:
        names = ("anon", "file", "shmem")
    else:
        names = ("total_rss", "total_cache", "total_shmem")
    own, cached, shared = (_number(stat.get(name, 0)) for name in names)
    untold: Reading[int] = Reading(None, "not told by Docker")
    return CgroupMemory(
        untold,
        untold if own is None or shared is None else Reading(own + shared),
        untold if cached is None or shared is None else Reading(max(0, cached - shared)),
        untold,
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _words(value: Any) -> str:
    """Return a text without halves of characters, which no file and no terminal takes."""
    text = value[:LONGEST] if isinstance(value, str) else ""
    return text.encode("utf-8", "replace").decode()


def _number(value: Any) -> int | None:
    """Return a number from 0 on that can be one of bytes, or None."""
    number = isinstance(value, int) and not isinstance(value, bool)
    return value if number and 0 <= value < cgroup.NO_LIMIT else None


def _moment(text: Any) -> float | None:
    try:
        at = datetime.fromisoformat(str(text)[:40]).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    # Go's zero time means never.
    return at if 0.0 < at < LAST_MOMENT else None
