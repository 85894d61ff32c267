"""The Docker Engine's stand-in: what programs see of it, and the runner behind Docker Desktop's."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from docker import DockerClient
from docker.errors import DockerException, NotFound

from dmr_tui.machine.container import RunnerContainer
from dmr_tui.runner.dockerengine import ask_docker
from dmr_tui.simulator.server import Simulator, serve
from tests import docker_containers
from tests.docker_engine import (
    CRASHED,
    DESKTOP,
    DESKTOP_PREFIX,
    KILLED,
    NO_GPU_DRIVER,
    OUT_OF_MEMORY,
    PAUSED,
    PORT_TAKEN,
    RESTARTED,
    RESTARTING,
    RUNNING,
    STARTING,
    STOPPED,
    Controller,
    docker_engine,
)
from tests.simulator.calls import CHAT, SMALL, chat, endless, records, wait_for

EVERY = [CRASHED, KILLED, NO_GPU_DRIVER, OUT_OF_MEMORY, PAUSED, PORT_TAKEN, RESTARTED, RESTARTING]
EVERY += [RUNNING, STARTING, STOPPED]
OF_THE_RUNNER = {"label": ["com.docker.model-runner.role=controller"]}


def over(path: str, **options: Any) -> httpx.Client:
    """A client of the Engine at `path`."""
    transport = httpx.HTTPTransport(uds=path)
    return httpx.Client(base_url="http://docker", transport=transport, timeout=20, **options)


def names(client: httpx.Client, filters: dict[str, Any], **query: str) -> list[str]:
    """Names of the containers that fit."""
    params = {"filters": json.dumps(filters), **query}
    listed = client.get("/v1.41/containers/json", params=params).raise_for_status().json()
    return [each["Names"][0] for each in listed]


@pytest.mark.parametrize("prefix", ["", "/v1.41"])
def test_it_says_what_engine_it_is(prefix: str) -> None:
    heard: list[str] = []
    with docker_engine(runtimes=("nvidia", "runc"), heard=heard) as path, over(path) as client:
        ping = client.get(f"{prefix}/_ping")
        assert (ping.text, ping.headers["api-version"]) == ("OK", "1.41")
        assert client.head(f"{prefix}/_ping").content == b""
        assert client.get(f"{prefix}/version").json()["ApiVersion"] == "1.41"
        info = client.get(f"{prefix}/info").json()
        assert (info["OSType"], sorted(info["Runtimes"])) == ("linux", ["nvidia", "runc"])
        missing = client.get(f"{prefix}/images/json")
        assert (missing.status_code, missing.json()) == (404, {"message": "page not found"})
    assert heard[:2] == [f"GET {prefix}/_ping", f"HEAD {prefix}/_ping"]


def test_which_containers_are_listed() -> None:
    other = Controller("exited", name="other", labelled=False, id="0" * 64)
    with docker_engine(containers=[PAUSED, other]) as path, over(path) as client:
        assert names(client, {}) == ["/docker-model-runner"]
        assert names(client, {}, all="true") == ["/docker-model-runner", "/other"]
        assert names(client, OF_THE_RUNNER, all="1") == ["/docker-model-runner"]
        assert names(client, {"label": {"com.docker.desktop.service": True}}, all="1") == [
            "/docker-model-runner"
        ]
        both = {"label": [*OF_THE_RUNNER["label"], "more=1"]}
        assert names(client, both, all="1") == []
        assert names(client, {"name": ["^/other$"]}) == []
        assert names(client, {"name": ["^/other$"]}, all="1") == ["/other"]
        assert names(client, {"status": ["exited"]}) == ["/other"]
        refused = client.get("/containers/json", params={"filters": '{"colour":["red"]}'})
        assert (refused.status_code, refused.json()) == (
            400,
            {"message": "Invalid filter 'colour'"},
        )
        unknown = client.get("/containers/none/json")
        assert (unknown.status_code, unknown.json()["message"]) == (
            404,
            "No such container: none",
        )


@pytest.mark.parametrize("each", EVERY)
def test_the_own_reader_takes_every_state(each: Controller) -> None:
    with docker_engine(containers=[each]) as path:
        answer = asyncio.run(ask_docker(path, "DOCKER_HOST"))
    (found,) = answer.controllers
    assert (found.state, found.error, found.exit_code) == (each.state, each.error, each.exit_code)
    assert (found.oom_killed, found.restarts, found.health) == (
        each.oom_killed,
        each.restarts,
        each.health,
    )
    assert (found.gpus, found.name) == (each.gpus, "docker-model-runner")
    assert {(port.ip, port.port) for port in found.published} == set(each.ports)


def test_the_ready_made_states_differ() -> None:
    ready = {
        name: value
        for name, value in vars(docker_containers).items()
        if isinstance(value, Controller)
    }
    assert len({json.dumps(each.inspected()) for each in ready.values()}) == len(ready) == 11


def test_the_sdk_reads_it() -> None:
    with docker_engine(containers=[OUT_OF_MEMORY]) as path:
        client = DockerClient(base_url=f"unix://{path}", timeout=20)
        try:
            assert client.ping()
            assert client.version()["Version"] == "20.10.24+dfsg1"
            assert client.containers.list(filters=OF_THE_RUNNER, all=True)[0].status == "restarting"
            assert client.api.containers(all=True, filters={"name": "^/docker-model-runner$"})
            told = client.api.inspect_container(OUT_OF_MEMORY.id[:12])
            assert told["State"]["OOMKilled"]
            with pytest.raises(NotFound, match="No such container: none"):
                client.containers.get("none")
        finally:
            client.close()


@pytest.mark.parametrize("each", [RUNNING, NO_GPU_DRIVER, OUT_OF_MEMORY])
def test_the_machine_reads_the_container(each: Controller, tmp_path: Path) -> None:
    with docker_engine(containers=[each]) as path:
        client = DockerClient(base_url=f"unix://{path}", timeout=20)
        try:
            report = RunnerContainer(lambda: [], connect=lambda: client, root=tmp_path).read()
        finally:
            client.close()
    assert report.source == "docker"
    assert report.container is not None
    found = report.container
    assert (found.state, found.error, found.gpus) == (each.state, each.error, each.gpus)
    assert found.limit.value == (each.memory or None)
    assert found.needed.value == (9_121_792 if each.has_process else None)


def test_the_containers_may_change_while_it_runs() -> None:
    containers = [RUNNING]
    with docker_engine(containers=containers) as path, over(path) as client:
        assert client.get("/containers/docker-model-runner/json").json()["State"]["Running"]
        containers[0] = STOPPED
        told = client.get("/containers/docker-model-runner/json").json()
        assert (told["State"]["Status"], told["NetworkSettings"]["Ports"]) == ("exited", {})
        assert told["HostConfig"]["PortBindings"]["12434/tcp"]


def test_a_hung_engine_takes_connections_and_says_nothing() -> None:
    with docker_engine(hang=True) as path, over(path) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get("/_ping", timeout=0.1)
        with pytest.raises(DockerException, match="timed out"):
            DockerClient(base_url=f"unix://{path}", timeout=0.1).ping()


@pytest.fixture(params=["tcp", "socket"])
def desktop(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Simulator, httpx.Client, httpx.Client]]:
    """A simulator, a client of its own, and one that goes through Docker Desktop's socket."""
    simulator = Simulator("quiet")
    uds = str(tmp_path / "runner.sock") if request.param == "socket" else None
    with (
        serve(simulator, uds=uds) as url,
        httpx.Client(
            base_url="http://runner" if uds else url,
            transport=httpx.HTTPTransport(uds=uds),
            timeout=20,
        ) as direct,
        docker_engine(operating_system=DESKTOP, runner=url) as path,
        over(path) as through,
    ):
        through.base_url = httpx.URL(f"http://docker{DESKTOP_PREFIX}")
        yield simulator, direct, through


Behind = tuple[Simulator, httpx.Client, httpx.Client]


def test_docker_desktop_passes_calls_on(desktop: Behind) -> None:
    _, direct, through = desktop
    assert through.get("/version").json() == {"version": "v1.2.6"}
    assert through.get("/models").json() == direct.get("/models").json()
    answer = through.post(CHAT, json=chat(max_tokens=3))
    assert answer.json()["usage"]["completion_tokens"] == 3
    assert records(direct, SMALL)[0]["status_code"] == 200


def test_the_feed_of_calls_comes_through_as_it_happens(desktop: Behind) -> None:
    _, direct, through = desktop
    accept = {"accept": "text/event-stream"}
    with through.stream("GET", "/engines/requests", headers=accept) as feed:
        lines = feed.iter_lines()
        assert next(lines) == "event: connected"
        direct.post(CHAT, json=chat(max_tokens=3))
        assert next(line for line in lines if line.startswith("event:")) == "event: new_request"


def test_who_hangs_up_on_docker_desktop_hangs_up_on_the_runner(desktop: Behind) -> None:
    _, direct, through = desktop
    with through.stream("POST", CHAT, json=endless(stream=True)) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data:")
        assert any(row.get("in_use") for row in direct.get("/engines/ps").json())
    wait_for(lambda: not any(row.get("in_use") for row in direct.get("/engines/ps").json()))


def test_a_runner_that_breaks_off_breaks_off_behind_docker_desktop(desktop: Behind) -> None:
    simulator, _, through = desktop
    with through.stream("POST", CHAT, json=endless(stream=True)) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data:")
        simulator.stop_listening()
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)


def test_without_a_runner_docker_desktop_says_that_it_is_not_available() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{unused.getsockname()[1]}"
        for runner in (None, gone):
            with (
                docker_engine(operating_system=DESKTOP, runner=runner) as path,
                over(path) as client,
            ):
                assert client.get(f"{DESKTOP_PREFIX}/models").status_code == 503


def test_another_engine_has_no_runner_behind_its_socket() -> None:
    simulator = Simulator("quiet")
    with serve(simulator) as url, docker_engine(runner=url) as path, over(path) as client:
        assert client.get(f"{DESKTOP_PREFIX}/models").status_code == 404


def test_other_paths_are_not_taken_for_the_runners() -> None:
    simulator = Simulator("quiet")
    with (
        serve(simulator) as url,
        docker_engine(operating_system=DESKTOP, runner=url) as path,
        over(path) as client,
    ):
        assert client.get(f"{DESKTOP_PREFIX}").text == "Docker Model Runner is running"
        assert client.get(f"{DESKTOP_PREFIX}1/models").status_code == 404
