"""Asking a Docker Engine for the runner's container."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from dmr_tui.runner.discovery import docker_engine as docker_engine_module
from dmr_tui.runner.discovery.docker_engine import Controller, DockerEngine, Published, ask_docker
from tests.engine_stand_in import DESKTOP, container, docker_engine
from tests.stand_in import Told, silent

TLS_ENV = ["MODEL_RUNNER_TLS_ENABLED=true", "MODEL_RUNNER_TLS_PORT=12446"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The path at which the Engine listens."""
    return tmp_path / "docker.sock"


def ask(path: Path, **more: Any) -> DockerEngine:
    return asyncio.run(ask_docker(str(path), "DOCKER_HOST", **more))


def told(path: Path, *containers: dict[str, Any], **more: Any) -> tuple[Controller, ...]:
    """The containers that an Engine with these knows."""
    with docker_engine(path, *containers, **more):
        answer = ask(path)
    assert answer.answers, answer.reason
    return answer.controllers


def test_what_an_engine_is(path: Path) -> None:
    with docker_engine(path, system=DESKTOP, kernel="6.12-linuxkit", runtimes=("runc", "nvidia")):
        answer = ask(path, cloud=True)
    assert answer == DockerEngine(
        str(path),
        "DOCKER_HOST",
        version="28.3.2",
        system=DESKTOP,
        kernel="6.12-linuxkit",
        runtimes=("nvidia", "runc"),
        cloud=True,
    )
    assert answer.is_desktop
    assert answer.answers


def test_a_running_container(path: Path) -> None:
    (found,) = told(path, container(health="healthy"))
    assert found == Controller(
        "c709c440daf7fc1decff1dd302babdb76eba8ea7ed5332aaa1491509a8ebb4f4",
        "docker-model-runner",
        "docker/model-runner:latest",
        "running",
        (Published("127.0.0.1", 12434, 12434), Published("172.17.0.1", 12434, 12434)),
        exit_code=0,
        restarts=0,
        started_at="2026-11-22T23:06:41.675423944Z",
        health="healthy",
        gpus=False,
    )


def test_a_stopped_container_is_found_with_the_ports_that_it_will_publish(path: Path) -> None:
    (found,) = told(path, container("exited", ExitCode=137, OOMKilled=True, health="unhealthy"))
    assert (found.state, found.exit_code, found.oom_killed) == ("exited", 137, True)
    assert [each.port for each in found.published] == [12434, 12434]


def test_why_a_container_was_never_started(path: Path) -> None:
    error = 'could not select device driver "" with capabilities: [[gpu]]'
    request = {"DeviceRequests": [{"Count": -1, "Capabilities": [["gpu"]]}]}
    (found,) = told(path, container("created", Error=error, ExitCode=128, host=request))
    assert (found.state, found.error, found.gpus) == ("created", error, True)


@pytest.mark.parametrize(
    ("host", "gpus"),
    [
        ({}, False),
        ({"DeviceRequests": [{"Count": -1}]}, True),
        ({"Runtime": "nvidia"}, True),
        ({"Runtime": "rocm"}, True),
        ({"Devices": [{"PathOnHost": "/dev/kfd"}]}, True),
        ({"Devices": [{"PathOnHost": "/dev/dri/renderD128"}]}, True),
        ({"Devices": [{"PathOnHost": "/dev/fuse"}, "what"]}, False),
        ({"Devices": [], "Runtime": None}, False),
    ],
)
def test_whether_it_was_given_a_gpu(path: Path, host: dict[str, Any], gpus: bool) -> None:
    (found,) = told(path, container(host=host))
    assert found.gpus is gpus


@pytest.mark.parametrize(
    ("env", "port"),
    [
        ([], None),
        (TLS_ENV, 12446),
        (TLS_ENV[:1], 12444),
        (["MODEL_RUNNER_TLS_ENABLED=1", "MODEL_RUNNER_TLS_PORT=12446"], None),
        (["MODEL_RUNNER_TLS_ENABLED=true", "MODEL_RUNNER_TLS_PORT=many"], None),
        (["NO_VALUE"], None),
    ],
)
def test_the_port_that_speaks_tls(path: Path, env: list[str], port: int | None) -> None:
    (found,) = told(path, container(env=env))
    assert found.tls_port == port


def test_ports_that_are_none(path: Path) -> None:
    bindings = {
        "12434/tcp": [{"HostIp": "127.0.0.1", "HostPort": "12544"}, {"HostPort": "x"}, None],
        "12435/tcp": [{"HostIp": "", "HostPort": "0"}, {"HostIp": "", "HostPort": ""}],
        "12436/udp": [{"HostIp": "", "HostPort": "12436"}],
        "12437/tcp": None,
    }
    (found,) = told(path, container("exited", host={"PortBindings": bindings}))
    assert found.published == (Published("127.0.0.1", 12544, 12434),)


def test_the_container_is_known_by_either_label_or_by_its_name(path: Path) -> None:
    labels = {"com.docker.desktop.service": "model-runner"}
    assert told(path, container(labels=labels, name="x"))[0].name == "x"
    assert told(path, container(labels={}))[0].name == "docker-model-runner"
    assert told(path, container(labels={}, name="my-docker-model-runner")) == ()
    assert told(path, container(labels={"role": "database"}, name="db")) == ()


def test_only_questions_are_sent(path: Path) -> None:
    with docker_engine(path, container()) as seen:
        ask(path)
    assert {each.method for each in seen.heard} == {"GET"}
    assert [each.split("?")[0] for each in seen.paths] == [
        "/info",
        "/containers/json",
        f"/containers/{'c709c440daf7fc1decff1dd302babdb76eba8ea7ed5332aaa1491509a8ebb4f4'}/json",
    ]
    assert all("origin" not in each.headers for each in seen.heard)


def test_a_container_that_went_since_it_was_listed_is_left_out(path: Path) -> None:
    gone, here = container(id="a" * 64), container(id="b" * 64, name="other")
    assert [each.id for each in told(path, gone, here, listed_only=["a" * 64])] == ["b" * 64]


def test_an_id_is_never_a_path(path: Path) -> None:
    with docker_engine(path, container(id="../../exp/x")) as seen:
        assert ask(path).controllers == ()
    assert not [each for each in seen.paths if "exp" in each]


def test_no_socket(path: Path) -> None:
    answer = ask(path)
    assert (answer.trouble, answer.reason) == ("no socket", "there is no Docker socket")
    assert not answer.answers


def test_a_stale_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))
    answer = ask(path)
    assert answer.trouble == "not running"
    assert "no Engine behind it" in answer.reason


def test_no_permission(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: Any) -> None:
        raise PermissionError(13, "Permission denied")

    path.touch()
    if os.geteuid() == 0:
        # Root may do everything, so the system cannot be made to refuse it.
        monkeypatch.setattr(socket.socket, "connect", refuse)
    else:
        path.chmod(0)
    answer = ask(path)
    assert (answer.trouble, answer.reason) == (
        "not allowed",
        "no permission to use the Docker socket",
    )


def test_a_daemon_that_hangs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker_engine_module, "TIMEOUT_S", 0.2)
    with silent(path):
        answer = ask(path, cloud=True)
    assert answer.trouble == "hung"
    assert answer.cloud
    assert "took the connection and said nothing" in answer.reason


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Told("no", 500), "the Docker Engine answered 500: no"),
        (Told("<html>", 200), "a web page"),
        (Told("[]", 200), "the answer is not what"),
        (Told("", 200), "the answer is not what"),
        (Told('{"OperatingSystem": 7}', 200), "the answer is not what"),
    ],
)
def test_an_engine_that_answers_nonsense(path: Path, wrong: Told, words: str) -> None:
    with docker_engine(path, answers={"/info": wrong}):
        answer = ask(path)
    assert answer.trouble == "failed"
    assert words in answer.reason


def test_a_redirect_is_not_followed(path: Path) -> None:
    away = Told("", 307, {"Location": "http://127.0.0.1:9/info"})
    with docker_engine(path, answers={"/info": away}) as seen:
        assert ask(path).trouble == "failed"
    assert seen.paths == ["/info"]


def test_an_answer_about_a_container_that_cannot_be_read(path: Path) -> None:
    id = "a" * 64
    with docker_engine(
        path, container(id=id), answers={f"/containers/{id}/json": Told('{"Id": 7}')}
    ):
        assert ask(path).trouble == "failed"
