"""The runner's container: control groups that were made up, and a Docker that misbehaves."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dmr_tui.machine import container as module
from dmr_tui.machine.cgroup import find_cgroup, read_cgroup
from dmr_tui.machine.container import NOWHERE, Container, RunnerContainer

ID = "ab" * 32
MIB = 2**20

V2 = {
    "memory.current": "9000000000",
    "memory.max": "max",
    "memory.stat": "anon 3000\nfile 5000\nshmem 1000\n",
    "memory.events": "low 0\nhigh 0\nmax 4\noom 2\noom_kill 1\n",
}
V1 = {
    "memory.limit_in_bytes": "9223372036854771712",
    "memory.stat": "cache 1\ntotal_rss 3000\ntotal_cache 5000\ntotal_shmem 1000\n",
    "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
}


@pytest.mark.parametrize(("files", "kills"), [(V2, 1), (V1, 2)])
def test_control_groups_of_both_versions(tmp_path: Path, files: dict[str, str], kills: int) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    memory = read_cgroup(tmp_path)
    assert (memory.limit.value, memory.limit.reason) == (None, "no limit")
    assert (memory.needed.value, memory.mapped.value) == (4000, 4000)
    assert memory.oom_kills.value == kills


FILES = {
    "cgroup v2": {**V2, "memory.stat": "anon 3000\nfile 9000\nshmem 1000\n"},
    "cgroup v1": {
        **V1,
        "memory.stat": "cache 1\ntotal_rss 3000\ntotal_cache 9000\ntotal_shmem 1000\n",
    },
}


@pytest.mark.parametrize("version", FILES)
def test_mapped_pages_are_those_of_files_without_shared_memory(
    tmp_path: Path, version: str
) -> None:
    for name, content in FILES[version].items():
        (tmp_path / name).write_text(content)
    memory = read_cgroup(tmp_path)
    assert (memory.needed.value, memory.mapped.value) == (4000, 8000)


@pytest.mark.parametrize("version", FILES)
def test_more_shared_memory_than_pages_of_files_maps_nothing(tmp_path: Path, version: str) -> None:
    for name, content in FILES[version].items():
        (tmp_path / name).write_text(content.replace("9000", "900"))
    assert read_cgroup(tmp_path).mapped.value == 0


def test_a_limit_and_files_that_are_missing(tmp_path: Path) -> None:
    for name, content in {**V2, "memory.max": "8589934592"}.items():
        (tmp_path / name).write_text(content)
    assert read_cgroup(tmp_path).limit.value == 8 * 2**30
    (tmp_path / "memory.stat").unlink()
    (tmp_path / "memory.max").write_text("[N/A]")
    memory = read_cgroup(tmp_path)
    assert memory.needed.value is None
    assert "[N/A]" in memory.limit.reason


def test_the_group_of_a_process_is_found(tmp_path: Path) -> None:
    proc, root = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "7").mkdir(parents=True)
    inside = root / "docker" / "ab"
    inside.mkdir(parents=True)
    (inside / "memory.current").write_text("1")
    (proc / "7" / "cgroup").write_text("0::/docker/ab\n")
    assert find_cgroup(7, root, proc) == inside
    (root / "memory" / "docker" / "cd").mkdir(parents=True)
    (proc / "7" / "cgroup").write_text("5:cpu,cpuacct:/docker/cd\n4:memory:/docker/cd\n")
    assert find_cgroup(7, root, proc) == root / "memory" / "docker" / "cd"
    assert find_cgroup(8, root, proc) is None


def test_counts_that_cannot_be_are_unknown(tmp_path: Path) -> None:
    absurd = str(2**64 - 1)
    files = {
        **V2,
        "memory.stat": f"anon {absurd}\nfile {absurd}\nshmem 0\n",
        "memory.events": f"oom_kill {absurd}\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    memory = read_cgroup(tmp_path)
    assert (memory.needed.value, memory.mapped.value, memory.oom_kills.value) == (None,) * 3
    assert absurd in memory.needed.reason


class Docker:
    """A Docker client that answers for one container, and counts what it is asked."""

    def __init__(self, *found: dict[str, Any], **facts: Any) -> None:
        self.api = self
        self.found = found or ({"Id": ID, "State": "running"},)
        self.facts = {"Name": "/docker-model-runner", "State": {"Status": "running", "Pid": 7}}
        self.facts |= facts
        self.told: Any = {"memory_stats": {"stats": {"anon": 30, "shmem": 10, "file": 50}}}
        self.measured = 0
        self.filters: list[dict[str, str]] = []
        self.label = "com.docker.model-runner.role=controller"

    def containers(self, *, all: bool, filters: dict[str, str]) -> list[dict[str, Any]]:
        self.filters.append(filters)
        return list(self.found) if all and self.label in filters.values() else []

    def inspect_container(self, id: str) -> dict[str, Any]:
        return {"Id": id, **self.facts}

    def stats(self, id: str, *, stream: bool) -> Any:
        self.measured += 1
        if isinstance(self.told, Exception):
            raise self.told
        return self.told

    def close(self) -> None:
        self.api = self


class Probe:
    """A RunnerContainer on folders and a clock of its own."""

    def __init__(self, folder: Path, docker: Docker | None, *seen: tuple[str, int]) -> None:
        self.now = 0.0
        self.proc, self.root = folder / "proc", folder / "cgroup"
        self.container = RunnerContainer(
            lambda: seen,
            connect=lambda: docker,
            clock=lambda: self.now,
            root=self.root,
            proc=self.proc,
        )

    def group(self, pid: int, path: str, files: dict[str, str] = V2) -> None:
        (self.proc / str(pid)).mkdir(parents=True)
        (self.proc / str(pid) / "cgroup").write_text(f"0::/{path}\n")
        (self.root / path).mkdir(parents=True)
        for name, content in files.items():
            (self.root / path / name).write_text(content)

    def read(self) -> Container:
        report = self.container.read()
        assert report.container is not None, report.reason
        return report.container


def test_the_group_of_the_container_tells_its_memory(tmp_path: Path) -> None:
    docker = Docker(HostConfig={"Memory": 8 * 2**30, "Runtime": "nvidia"}, RestartCount=2)
    probe = Probe(tmp_path, docker)
    probe.group(7, f"system.slice/docker-{ID}.scope")
    container = probe.read()
    assert (container.needed.value, container.mapped.value) == (4000, 4000)
    assert (container.limit.value, container.oom_kills.value) == (8 * 2**30, 1)
    assert (container.gpus, container.restarts) == (True, 2)
    assert docker.measured == 0


def test_a_pid_of_another_machine_is_not_looked_up_here(tmp_path: Path) -> None:
    """Docker Desktop's Engine runs in a virtual machine with numbers of its own."""
    docker = Docker()
    probe = Probe(tmp_path, docker)
    probe.group(7, "user.slice/somebody")
    container = probe.read()
    assert (container.needed.value, container.mapped.value) == (40, 40)
    assert container.oom_kills.reason == "not told by Docker"
    probe.now = 9.0
    probe.read()
    assert docker.measured == 1, "it takes Docker a second"
    probe.now = 10.0
    probe.read()
    assert docker.measured == 2


@pytest.mark.parametrize(
    ("told", "needed", "mapped"),
    [
        ({"anon": 30, "shmem": 10, "file": 90}, 40, 80),
        ({"anon": 30, "shmem": 10, "file": 9}, 40, 0),
        ({"total_rss": 30, "total_shmem": 10, "total_cache": 90}, 40, 80),
        ({"total_rss": 30, "total_shmem": 10, "total_cache": 9}, 40, 0),
        ({"anon": 30, "file": 90}, 30, 90),
    ],
)
def test_mapped_pages_as_docker_tells_them(
    tmp_path: Path, told: dict[str, int], needed: int, mapped: int
) -> None:
    docker = Docker()
    docker.told = {"memory_stats": {"stats": told}}
    container = Probe(tmp_path, docker).read()
    assert (container.needed.value, container.mapped.value) == (needed, mapped)


def test_the_group_of_an_engine_tells_mapped_pages_too(tmp_path: Path) -> None:
    probe = Probe(tmp_path, None, (ID, 7))
    probe.group(7, f"docker/{ID}", FILES["cgroup v2"])
    container = probe.read()
    assert (container.needed.value, container.mapped.value) == (4000, 8000)


@pytest.mark.parametrize("limit", [0, 2**63 - 4096, None, "lots", -1])
def test_a_limit_that_cannot_be_is_none(tmp_path: Path, limit: Any) -> None:
    container = Probe(tmp_path, Docker(HostConfig={"Memory": limit})).read()
    assert (container.limit.value, container.limit.reason) == (None, "no limit")


def test_a_figure_that_is_none_costs_itself(tmp_path: Path) -> None:
    docker = Docker(RestartCount="2", HostConfig=[], Config=7)
    docker.told = {"memory_stats": {"stats": {"anon": "much", "shmem": 10, "file": 50}}}
    container = Probe(tmp_path, docker).read()
    assert (container.name, container.mapped.value) == ("docker-model-runner", 40)
    assert (container.needed.value, container.needed.reason) == (None, "not told by Docker")
    assert (container.restarts, container.image) == (None, "")


@pytest.mark.parametrize("told", [TimeoutError("read timed out"), None])
def test_bad_figures_of_docker_end_no_reading(tmp_path: Path, told: Any) -> None:
    docker = Docker()
    docker.told = told
    report = Probe(tmp_path, docker).container.read()
    assert report.container is None
    assert report.reason


def test_the_one_that_runs_is_preferred(tmp_path: Path) -> None:
    dead = {"Id": "dd" * 32, "State": "exited"}
    both = Docker(dead, {"Id": ID, "State": "running"})
    assert Probe(tmp_path, both).read().id == ID
    assert Probe(tmp_path, Docker(dead)).read().id == dead["Id"]


def test_it_is_found_by_either_label_or_by_its_name(tmp_path: Path) -> None:
    docker = Docker()
    for sign in ("com.docker.desktop.service=model-runner", "^/docker-model-runner$"):
        docker.label = sign
        assert Probe(tmp_path, docker).read().id == ID
    docker.label = "nothing"
    report = Probe(tmp_path, docker).container.read()
    assert report.reason == "Docker knows no container of the runner"


def test_what_docker_cannot_say_the_group_of_an_engine_does(tmp_path: Path) -> None:
    probe = Probe(tmp_path, None, ("gone", 5), (ID, 7))
    probe.group(7, f"docker/{ID}")
    report = probe.container.read()
    assert report.source == "cgroup"
    assert report.container is not None
    assert (report.container.id, report.container.needed.value) == (ID, 4000)
    assert Probe(tmp_path, None).container.read().reason == NOWHERE


@contextmanager
def listening(path: Path) -> Iterator[None]:
    """A socket that takes calls and never answers."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no unix sockets on this system")
def test_an_engine_that_hangs_or_left_its_socket_behind(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("docker")
    path = tmp_path_factory.mktemp("s") / "d.sock"
    monkeypatch.setattr(module, "_TIMEOUT_S", 0.2)
    container = RunnerContainer(lambda: (), str(path))
    assert container.read().reason == NOWHERE
    with listening(path):
        reason = RunnerContainer(lambda: (), str(path)).read().reason
        assert reason == "the Docker Engine did not answer within 0.2 s"
    reason = RunnerContainer(lambda: (), str(path)).read().reason
    assert reason == "the Docker Engine does not run"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no other user to be on this system")
def test_a_user_who_may_not_ask(tmp_path_factory: pytest.TempPathFactory) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may ask everything")
    pytest.importorskip("docker")
    path = tmp_path_factory.mktemp("s") / "d.sock"
    with listening(path):
        path.chmod(0)
        reason = RunnerContainer(lambda: (), str(path)).read().reason
    assert reason == "no right to ask Docker: this user is not in the group docker"


def test_an_engine_that_is_not_asked_has_its_reason() -> None:
    report = RunnerContainer(lambda: (), None, "DOCKER_HOST names an Engine by tcp").read()
    assert report.container is None
    assert report.reason == "DOCKER_HOST names an Engine by tcp"
