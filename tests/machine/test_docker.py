"""A real Docker Engine with a container shaped as the runner's; skipped where no Engine answers."""

import io
import os
import shutil
import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dmr_tui.machine.container import Container, RunnerContainer, docker_words
from dmr_tui.machine.processes import EngineProcesses
from tests.waiting import until_true

MIB = 2**20
LIMIT = 64 * MIB
HELD = 24 * MIB
LABELS = {
    "com.docker.desktop.service": "model-runner",
    "com.docker.model-runner.role": "controller",
}
COMPILER = shutil.which("cc") or shutil.which("gcc")

pytestmark = pytest.mark.xdist_group("docker")

SOCKET = "/var/run/docker.sock"


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """A client of the Docker Engine here."""
    if not os.path.exists(SOCKET):
        pytest.skip("no Docker Engine on this machine")
    docker = pytest.importorskip("docker")
    try:
        client = docker.DockerClient(base_url=f"unix://{SOCKET}", timeout=20)
        client.ping()
    except docker.errors.DockerException as error:
        pytest.skip(docker_words(error))
    if client.containers.list(all=True, filters={"label": "com.docker.model-runner.role"}):
        pytest.skip("a real runner's container is on this machine")
    yield client
    client.close()


@pytest.fixture(scope="module")
def image(client: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An image with one static program, made here: no registry is asked."""
    if COMPILER is None:
        pytest.skip("no C compiler to build the container's program with")
    folder = tmp_path_factory.mktemp("image")
    program = folder / "hungry"
    source = Path(__file__).parent / "hungry.c"
    built = subprocess.run([COMPILER, "-static", "-o", program, source], capture_output=True)
    if built.returncode:
        pytest.skip("this compiler cannot link a static program")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(program, "hungry")
        tar.add(program, "llama-server")
    name = f"dmr-tui-test-{uuid.uuid4().hex[:8]}"
    client.api.import_image_from_data(packed.getvalue(), repository=name, tag="latest-cpu")
    yield f"{name}:latest-cpu"
    client.images.remove(f"{name}:latest-cpu", force=True)


@pytest.fixture
def started(client: Any, image: str) -> Iterator[Any]:
    """The container, running, with a limit of 64 MiB and no swap."""
    container = client.containers.run(
        image,
        ["/hungry"],
        name=f"dmr-tui-test-{uuid.uuid4().hex[:8]}",
        labels=LABELS,
        mem_limit=LIMIT,
        memswap_limit=LIMIT,
        detach=True,
    )
    yield container
    container.remove(force=True)


def read(probe: RunnerContainer | None = None) -> Container:
    report = (probe or RunnerContainer(lambda: (), SOCKET)).read()
    assert report.container is not None, report.reason
    assert report.source == "docker"
    return report.container


def test_limit_and_need_are_told(started: Any, image: str) -> None:
    until_true(lambda: (read().needed.value or 0) >= HELD)
    container = read()
    assert container.id == started.id
    assert container.image == image
    assert container.state == "running"
    assert container.limit.value == LIMIT
    assert container.needed.value is not None
    assert HELD <= container.needed.value < LIMIT
    assert container.oom_kills.value == 0
    assert container.gpus is False
    assert container.restarts == 0
    assert container.started_at is not None


def test_a_process_that_is_killed_for_memory_is_counted_and_the_container_lives(
    started: Any,
) -> None:
    probe = RunnerContainer(lambda: (), SOCKET)
    until_true(lambda: (read(probe).needed.value or 0) >= HELD)
    started.kill(signal="SIGUSR1")
    until_true(lambda: (read(probe).oom_kills.value or 0) >= 1)
    container = read(probe)
    assert container.state == "running"
    until_true(lambda: (read(probe).needed.value or LIMIT) < 2 * HELD)


def test_paused_and_stopped(started: Any) -> None:
    probe = RunnerContainer(lambda: (), SOCKET)
    started.pause()
    assert read(probe).state == "paused"
    started.unpause()
    started.stop(timeout=0)
    stopped = read(probe)
    assert stopped.state == "exited"
    assert stopped.needed.value is None
    assert stopped.limit.value == LIMIT


def test_gpus_that_cannot_be_given_are_said(client: Any, image: str) -> None:
    docker = pytest.importorskip("docker")
    asked = docker.types.DeviceRequest(count=-1, capabilities=[["gpu"]])
    container = client.containers.create(
        image, ["/hungry"], labels=LABELS, device_requests=[asked], network_mode="none"
    )
    try:
        try:
            container.start()
        except docker.errors.APIError as error:
            refused = str(error)
        else:
            pytest.skip("this Engine can give GPUs")
        told = read()
        assert (told.state, told.gpus) == ("created", True)
        assert told.error
        assert told.error in refused
    finally:
        container.remove(force=True)


def test_without_docker_the_cgroup_of_an_engine_in_it_tells(started: Any) -> None:
    started.reload()
    pid = started.attrs["State"]["Pid"]
    probe = RunnerContainer(lambda: ((started.id, pid),), connect=lambda: None)
    until_true(lambda: probe.read().container is not None)
    report = probe.read()
    assert report.source == "cgroup"
    assert report.container is not None
    assert report.container.limit.value == LIMIT
    until_true(lambda: (probe.read().container.needed.value or 0) >= HELD)  # type: ignore[union-attr]


def test_an_engine_in_a_container_is_found_and_leads_to_its_group(client: Any, image: str) -> None:
    digest = uuid.uuid4().hex * 2
    words = ["/llama-server", "--model", f"/models/bundles/sha256/{digest}/model/model.gguf"]
    container = client.containers.run(
        image, words, mem_limit=LIMIT, memswap_limit=LIMIT, network_mode="none", detach=True
    )
    try:
        engines = EngineProcesses()
        until_true(lambda: any(e.container == container.id for e in engines.read().engines))
        (engine,) = [e for e in engines.read().engines if e.container == container.id]
        container.reload()
        assert engine.digest == f"sha256:{digest}"
        assert engine.pid == container.attrs["State"]["Pid"]
        mine = [each for each in engines.containers if each[0] == container.id]
        assert mine == [(container.id, engine.pid)]
        probe = RunnerContainer(lambda: mine, connect=lambda: None)
        report = probe.read()
        assert report.container is not None
        assert (report.source, report.container.limit.value) == ("cgroup", LIMIT)
    finally:
        container.remove(force=True)


def test_an_engine_that_goes_away_is_said_and_asked_again_later() -> None:
    now = [0.0]
    asked = []

    def connect() -> Any:
        asked.append(now[0])
        raise ConnectionRefusedError(111, "Connection refused")

    probe = RunnerContainer(lambda: (), connect=connect, clock=lambda: now[0])
    assert probe.read().reason == "the Docker Engine does not run"
    now[0] = 10.0
    assert probe.read().reason == "the Docker Engine does not run"
    now[0] = 40.0
    probe.read()
    assert asked == [0.0, 40.0]
