"""The search for the runner: Docker and the usual addresses, at the same time."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from dmr_tui.monitor import search
from dmr_tui.monitor.search import Found, Search, words
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.discovery import docker_engine as docker_engine_module
from dmr_tui.runner.discovery.places import DockerSocket, Places
from dmr_tui.runner.endpoint import Endpoint, TlsOptions, parse_host
from dmr_tui.runner.errors.failures import BadAnswer, NotARunner, Rejected, RunnerError, TimedOut
from tests.engine_stand_in import DESKTOP, container, docker_engine
from tests.stand_in import Heard, StandIn, Told, silent, stand_in
from tests.waiting import until

LONG_S = 300.0
"""Longer than any test may take."""
opened: list[Endpoint] = []
closed: list[Endpoint] = []


class Counted(RunnerClient):
    """A client that tells when it was opened and closed."""

    def __init__(self, endpoint: Endpoint, **more: Any) -> None:
        super().__init__(endpoint, **more)
        opened.append(endpoint)

    async def aclose(self) -> None:
        await super().aclose()
        closed.append(self.endpoint)


@pytest.fixture(autouse=True)
def counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client of a search is counted."""
    monkeypatch.setattr(search, "RunnerClient", Counted)
    opened.clear()
    closed.clear()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the Docker Engine listens."""
    return tmp_path / "docker.sock"


def nothing_loaded(heard: Heard) -> Told:
    """A runner with nothing loaded."""
    return Told("[]")


@pytest.fixture
def usual() -> Iterator[StandIn]:
    """A runner at the usual address."""
    with stand_in(nothing_loaded) as seen:
        yield seen


@pytest.fixture
def other() -> Iterator[StandIn]:
    """A runner at another port, which only Docker knows."""
    with stand_in(nothing_loaded) as seen:
        yield seen


@pytest.fixture
def nowhere() -> str:
    """An address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def published(*seen: StandIn) -> dict[str, Any]:
    """The container that publishes these ports."""
    return container(ports=[("127.0.0.1", port_of(each.url)) for each in seen])


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def places(*hosts: str, path: Path | None = None, tls: TlsOptions | None = None) -> Places:
    """These addresses, by "default", and perhaps an Engine."""
    known = tuple(parse_host(each, "default", tls or TlsOptions()) for each in hosts)
    sockets = () if path is None else (DockerSocket(str(path), "DOCKER_HOST"),)
    return Places(known, sockets, tls or TlsOptions())


def look(where: Places) -> Found:
    """Look once, close what was found, and see that nothing else stays open."""

    async def run() -> Found:
        found = await Search(where, read_only=True).run()
        if found.client is not None:
            assert (await found.client.ps()) == [], "the client that was chosen is open"
            assert found.client.endpoint not in closed
            await found.client.aclose()
        return found

    found = anyio.run(run)
    assert sorted(map(str, opened)) == sorted(map(str, closed))
    return found


def told(found: Found) -> list[tuple[str, bool]]:
    return [(each.endpoint.label, each.ok) for each in found.attempts]


def test_a_runner_at_the_usual_address(usual: StandIn) -> None:
    found = look(places(usual.url))
    assert found.client is not None
    assert found.client.read_only
    assert found.engines == ()
    (attempt,) = found.attempts
    assert (attempt.ok, attempt.answer, attempt.error) == (True, "a runner answers", "")


def test_the_first_that_answers_ends_the_search(
    usual: StandIn, other: StandIn, nowhere: str
) -> None:
    found = look(places(nowhere, usual.url, other.url))
    assert [each.ok for each in found.attempts] == [False, True]
    assert found.attempts[0].answer == "connection refused: nothing listens there"
    assert found.attempts[0].error == "Unreachable"
    assert other.heard == []


def test_nothing_anywhere(nowhere: str, path: Path) -> None:
    found = look(places(nowhere, path=path))
    assert found.client is None
    assert [each.ok for each in found.attempts] == [False]
    assert found.engines is not None
    assert found.engines[0].trouble == "no socket"


def test_what_docker_names_comes_first(usual: StandIn, other: StandIn, path: Path) -> None:
    with docker_engine(path, published(other)):
        found = look(places(usual.url, path=path))
    assert found.client is not None
    label = f"localhost:{port_of(other.url)}"
    assert found.client.endpoint.label == label
    assert found.client.endpoint.rule == "published by the container docker-model-runner"
    assert told(found) == [(label, True), (usual.url.removeprefix("http://"), True)]
    assert found.engines is not None
    assert found.engines[0].answers


def test_what_docker_names_and_does_not_answer_is_no_loss(
    usual: StandIn, nowhere: str, path: Path
) -> None:
    with docker_engine(path, container(ports=[("127.0.0.1", port_of(nowhere))])):
        found = look(places(usual.url, path=path))
    assert found.client is not None
    assert found.client.endpoint.url == usual.url
    assert [each.ok for each in found.attempts] == [False, True]


def test_the_same_place_is_not_tried_twice(usual: StandIn, other: StandIn, path: Path) -> None:
    same = usual.url.replace("127.0.0.1", "localhost")
    with docker_engine(path, published(usual), published(other) | {"Id": "b" * 64}):
        found = look(places(same, path=path))
    assert told(found) == [(same.removeprefix("http://"), True)]
    assert other.heard == [], "another runner behind the first one is not asked"


def test_a_place_that_failed_is_not_tried_twice(nowhere: str, other: StandIn, path: Path) -> None:
    same = nowhere.replace("127.0.0.1", "localhost")
    ports = [("127.0.0.1", port_of(nowhere)), ("0.0.0.0", port_of(other.url))]
    with docker_engine(path, container(ports=ports)):
        found = look(places(same, path=path))
    assert [each.ok for each in found.attempts] == [True, False]
    assert found.client is not None


def test_an_address_that_docker_names_twice_keeps_its_place(
    usual: StandIn, other: StandIn, path: Path
) -> None:
    first, second = port_of(other.url), port_of(usual.url)
    twice = container(ports=[("127.0.0.1", first), ("0.0.0.0", first), ("0.0.0.0", second)])
    twice["NetworkSettings"]["Ports"] = {
        "12434/tcp": [
            {"HostIp": "127.0.0.1", "HostPort": str(first)},
            {"HostIp": "127.0.0.2", "HostPort": str(second)},
            {"HostIp": "::", "HostPort": str(first)},
        ]
    }
    with docker_engine(path, twice):
        found = look(places("127.0.0.1:1", path=path))
    assert found.client is not None
    assert found.client.endpoint.label == f"localhost:{first}"
    assert found.attempts[0].ok, "what stands between the two is not tried before it"


def test_desktop_is_reached_through_its_socket_with_tcp_off(
    other: StandIn, nowhere: str, path: Path
) -> None:
    with docker_engine(path, system=DESKTOP, runner=other.url):
        found = look(places(nowhere, path=path))
    assert found.client is not None
    assert found.client.endpoint.socket == str(path)
    assert told(found) == [
        (f"{path} /exp/vDD4.40", True),
        (nowhere.removeprefix("http://"), False),
    ]


def test_desktop_with_the_runner_off(nowhere: str, path: Path) -> None:
    with docker_engine(path, system=DESKTOP):
        found = look(places(nowhere, path=path))
    assert found.client is None
    assert "something answers, but not Docker Model Runner (404" in found.attempts[0].answer
    assert found.attempts[0].error == "Rejected"


def test_a_hung_daemon_does_not_delay_a_runner_that_answers(
    usual: StandIn, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_engine_module, "TIMEOUT_S", LONG_S)
    monkeypatch.setattr(search, "PATIENCE_S", 0.05)
    with silent(path):
        found = look(places(usual.url, path=path))
    assert found.client is not None
    assert found.engines is None, "it was not waited for"


def test_without_a_runner_a_hung_daemon_is_waited_for(
    nowhere: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_engine_module, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(search, "PATIENCE_S", 0.0)
    with silent(path):
        found = look(places(nowhere, path=path))
    assert found.engines is not None
    assert found.engines[0].trouble == "hung"


def test_docker_is_asked_while_the_usual_address_is(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        with silent(tmp_path / "dmr.sock"), docker_engine(path) as seen:
            async with anyio.create_task_group() as group:
                where = places(str(tmp_path / "dmr.sock"), path=path)
                group.start_soon(Search(where, read_only=True).run)
                await until(lambda: seen.heard, "Docker is asked although the runner hangs")
                assert opened
                assert not closed
                group.cancel_scope.cancel()

    anyio.run(run)
    assert opened == closed


def test_whoever_gives_up_leaves_no_connection(
    usual: StandIn, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker_engine_module, "TIMEOUT_S", LONG_S)
    monkeypatch.setattr(search, "PATIENCE_S", LONG_S)
    waiting = anyio.Event()

    class Watched(Counted):
        async def ps(self) -> Any:
            answer = await super().ps()
            waiting.set()
            return answer

    monkeypatch.setattr(search, "RunnerClient", Watched)

    async def run() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(Search(places(usual.url, path=path), read_only=True).run)
            await waiting.wait()
            await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()

    with silent(path):
        anyio.run(run)
    assert len(opened) == 1
    assert opened == closed


def test_a_file_of_certificates_that_is_missing_is_one_more_answer(nowhere: str) -> None:
    found = look(places(nowhere, tls=TlsOptions(True, ca="/nowhere/ca.crt")))
    (attempt,) = found.attempts
    assert (attempt.error, attempt.answer) == (
        "BadCertificates",
        "TLS: there is no file /nowhere/ca.crt",
    )


def test_credentials_are_in_no_answer() -> None:
    def no(heard: Heard) -> Told:
        return Told("nobody may", 401)

    with stand_in(no) as seen:
        found = look(places(seen.url.replace("http://", "http://me:hidden@")))
    assert seen.heard[0].headers["authorization"]
    assert "401: nobody may" in found.attempts[0].answer
    assert "hidden" not in repr(found)


def test_only_what_changes_nothing_is_asked(usual: StandIn) -> None:
    look(places(usual.url))
    assert [(each.method, each.path) for each in usual.heard] == [("GET", "/engines/ps")] * 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            Rejected(400, "Client sent an HTTP request to an HTTPS server.\n"),
            "this port speaks TLS: write https://",
        ),
        (
            Rejected(404, "<html>nginx</html>"),
            "something answers, but not Docker Model Runner (404, a web page)",
        ),
        (
            Rejected(404, "404 page not found"),
            "something answers, but not Docker Model Runner (404: 404 page not found)",
        ),
        (BadAnswer("no JSON"), "something answers, but not Docker Model Runner (no JSON)"),
        (NotARunner("no HTTP"), "something answers, but not Docker Model Runner (no HTTP)"),
        (TimedOut("connected, but no answer in time"), "connected, but no answer in time"),
    ],
)
def test_what_an_answer_means_to_somebody_who_looks(error: RunnerError, said: str) -> None:
    assert words(error) == said
