"""The places where the runner is looked for, and which of the rules wins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dmr_tui.runner.discovery import places as places_module
from dmr_tui.runner.discovery.docker_engine import Controller, DockerEngine, Published
from dmr_tui.runner.discovery.places import DockerSocket, Places, by_docker, find_places
from dmr_tui.runner.endpoint import DEFAULT_TLS, BadHost, Endpoint, TlsOptions
from tests.runner.discovery.test_docker_contexts import write_contexts, write_docker_context

SOCKET = "/run/engine.sock"
WSL = "5.15.167.4-microsoft-standard-WSL2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Docker's folder, with a named context that is active and another that is not."""
    secure = {"host": "https://gpu.lan:12444", "tls": {"enabled": True, "caCert": "/etc/ca.crt"}}
    contexts = {"c44": {"host": "http://localhost:12544"}, "gpu": secure}
    write_contexts(tmp_path, {"version": 1, "current": "c44", "contexts": contexts})
    return tmp_path


def look(
    folder: Path,
    host: str | None = None,
    rule: str = "--host",
    env: Mapping[str, str] | None = None,
    **more: Any,
) -> Places:
    """The places to look, with Docker's files in `folder` and an Engine behind SOCKET."""
    named = {"DOCKER_CONFIG": str(folder), "DOCKER_HOST": f"unix://{SOCKET}", **(env or {})}
    return find_places(host, rule, env=named, **{"in_container": False, **more})


def only(places: Places) -> Endpoint:
    """The one place of a search that the user has settled."""
    (endpoint,) = places.known
    assert places.sockets == ()
    assert not places.several
    return endpoint


def engine(*controllers: Controller, **more: Any) -> DockerEngine:
    """An Engine that answers."""
    system = more.pop("system", "Debian GNU/Linux 12 (bookworm)")
    return DockerEngine(SOCKET, "DOCKER_HOST", system=system, controllers=controllers, **more)


def controller(*published: tuple[str, int], tls_port: int | None = None) -> Controller:
    """A runner's container; a port inside it is the one outside it."""
    ports = tuple(Published(ip, port, port) for ip, port in published)
    return Controller("a" * 64, "docker-model-runner", "image", "running", ports, tls_port=tls_port)


def test_the_flag_wins_over_everything(folder: Path) -> None:
    places = look(folder, "runner:1", context="gpu")
    assert only(places) == Endpoint("http://runner:1", "--host")
    assert places.context == ""


@pytest.mark.parametrize("said", [{"host": "runner:1"}, {"context": "gpu"}, {}])
def test_the_engine_of_this_computer_is_known_wherever_the_runner_is(
    folder: Path, said: dict[str, str]
) -> None:
    places = look(folder, **said)
    assert places.sockets == ()
    assert places.engine == DockerSocket(SOCKET, "DOCKER_HOST")


@pytest.mark.parametrize("rule", ["MODEL_RUNNER_HOST", "/home/me/config.toml"])
def test_a_named_context_wins_over_variable_and_file(folder: Path, rule: str) -> None:
    places = look(folder, "runner:1", rule, context="gpu")
    endpoint = only(places)
    assert (endpoint.url, endpoint.rule) == ("https://gpu.lan:12444", "context gpu")
    assert places.context == "gpu"


@pytest.mark.parametrize("rule", ["MODEL_RUNNER_HOST", "/home/me/config.toml"])
def test_the_variable_wins_over_the_active_context(folder: Path, rule: str) -> None:
    places = look(folder, "runner:1", rule)
    assert only(places) == Endpoint("http://runner:1", rule)
    assert places.contexts is not None
    assert places.contexts.active == "c44", "the contexts can still be listed"


def test_the_active_context_wins_over_docker(folder: Path) -> None:
    places = look(folder)
    assert only(places) == Endpoint("http://localhost:12544", "context c44")
    assert places.context == "c44"


def test_the_default_context_looks_by_itself(folder: Path) -> None:
    places = look(folder, context="default")
    assert places.known == (Endpoint("http://localhost:12434", "default"),)
    assert places.sockets == (DockerSocket(SOCKET, "DOCKER_HOST"),)
    assert places.several


def test_an_empty_variable_says_nothing(folder: Path) -> None:
    assert only(look(folder, "", "MODEL_RUNNER_HOST")).rule == "context c44"


@pytest.mark.parametrize(
    ("said", "url", "verify", "ca"),
    [
        (DEFAULT_TLS, "https://gpu.lan:12444", True, "/etc/ca.crt"),
        (TlsOptions(skip_verify=True), "https://gpu.lan:12444", False, "/etc/ca.crt"),
        (TlsOptions(ca="/my/ca.crt"), "https://gpu.lan:12444", True, "/my/ca.crt"),
    ],
)
def test_what_is_said_about_tls_overrides_the_context_field_by_field(
    folder: Path, said: TlsOptions, url: str, verify: bool, ca: str
) -> None:
    endpoint = only(look(folder, context="gpu", tls=said))
    assert (endpoint.url, endpoint.verify, endpoint.ca) == (url, verify, ca)


def test_tls_can_be_put_on_a_context_and_taken_off_it(tmp_path: Path) -> None:
    contexts = {
        "bare": {"host": "box:9", "tls": {"enabled": True, "skipVerify": True}},
        "open": {"host": "box:9"},
    }
    write_contexts(tmp_path, {"contexts": contexts})
    assert only(look(tmp_path, context="bare")).url == "https://box:9"
    assert not only(look(tmp_path, context="bare")).verify
    without = look(tmp_path, context="bare", tls=TlsOptions(enabled=False))
    assert only(without).url == "http://box:9"
    assert only(look(tmp_path, context="open", tls=TlsOptions(enabled=True))).url == "https://box:9"


def test_a_host_that_is_named_is_spoken_to_as_is_said_about_tls(folder: Path) -> None:
    endpoint = only(look(folder, "box", tls=TlsOptions(True, False, "ca.crt")))
    assert (endpoint.url, endpoint.verify, endpoint.ca) == ("https://box:12444", True, "ca.crt")


def test_a_context_that_is_not_there_is_refused_with_those_that_are(folder: Path) -> None:
    write_docker_context(folder, "work", "unix:///run/work.sock")
    with pytest.raises(BadHost, match="'nobody'; there are default, c44, gpu, work"):
        look(folder, context="nobody")


def test_a_corrupt_file_is_a_note_and_the_search_goes_on(tmp_path: Path) -> None:
    write_contexts(tmp_path, "{")
    places = look(tmp_path)
    assert places.several
    (note,) = places.notes
    assert "contexts.json cannot be read" in note


def test_a_dangling_context_is_a_note_and_the_search_goes_on(tmp_path: Path) -> None:
    write_contexts(tmp_path, {"current": "gone", "contexts": {}})
    places = look(tmp_path)
    assert places.several
    assert places.context == ""
    assert "calls 'gone' active and has none" in places.notes[0]


def test_an_active_context_with_a_bad_host_is_a_note_without_its_password(tmp_path: Path) -> None:
    bad = {"host": "http://me:hidden@bo x"}
    write_contexts(tmp_path, {"current": "bad", "contexts": {"bad": bad}})
    places = look(tmp_path)
    assert places.several
    assert "context bad: 'http://…@bo x' is not an address" in places.notes[0]
    assert "hidden" not in str(places)
    with pytest.raises(BadHost, match="context bad"):
        look(tmp_path, context="bad")


def test_the_usual_places(tmp_path: Path) -> None:
    def urls(**more: Any) -> list[str]:
        return [each.url for each in look(tmp_path, **more).known]

    assert urls() == ["http://localhost:12434"]
    assert urls(tls=TlsOptions(enabled=True)) == ["https://localhost:12444"]
    assert urls(in_container=True) == [
        "http://localhost:12434",
        "http://model-runner.docker.internal",
        "http://172.17.0.1:12434",
    ]


def test_the_engine_that_is_asked(tmp_path: Path) -> None:
    write_docker_context(tmp_path, "work", "unix:///run/work.sock")
    write_docker_context(
        tmp_path, "offload", "unix:///run/cloud.sock", **{"cloud.docker.com": "eu"}
    )
    (tmp_path / "config.json").write_text('{"currentContext": "work"}')

    def asked(**more: Any) -> tuple[DockerSocket, ...]:
        places = look(tmp_path, **more)
        assert places.sockets == (places.engine,), "its container is looked for there as well"
        return places.sockets

    assert asked(context="offload") == (
        DockerSocket("/run/cloud.sock", "context offload", cloud=True),
    ), "a context that is named wins over DOCKER_HOST"
    assert asked() == (DockerSocket(SOCKET, "DOCKER_HOST"),)
    assert asked(env={"DOCKER_HOST": "", "DOCKER_CONTEXT": "offload"}) == (
        DockerSocket("/run/cloud.sock", "Docker's context offload", cloud=True),
    )
    assert asked(env={"DOCKER_HOST": ""}) == (
        DockerSocket("/run/work.sock", "Docker's context work"),
    )


@pytest.mark.parametrize(
    ("there", "chosen"),
    [
        ((), "/var/run/docker.sock"),
        ((".docker/desktop/docker.sock",), ".docker/desktop/docker.sock"),
        ((".docker/run/docker.sock", ".docker/desktop/docker.sock"), ".docker/run/docker.sock"),
        (("run/docker.sock",), "run/docker.sock"),
    ],
)
def test_the_usual_sockets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], chosen: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = {tmp_path / each for each in there}
    monkeypatch.setattr(places_module, "_exists", lambda path: path in paths)
    env = {"DOCKER_HOST": "", "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    (socket,) = look(tmp_path, env=env).sockets
    assert socket == DockerSocket(str(tmp_path / chosen), "Docker's usual socket")


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("ssh://me@box", "DOCKER_HOST names an Engine by ssh"),
        ("tcp://10.0.0.7:2376", "DOCKER_HOST names an Engine by tcp"),
        ("npipe:////./pipe/docker_engine", "DOCKER_HOST names an Engine by npipe"),
        ("unix://", "DOCKER_HOST names an Engine by unix"),
    ],
)
def test_an_engine_that_is_not_asked_is_told(tmp_path: Path, host: str, words: str) -> None:
    places = look(tmp_path, env={"DOCKER_HOST": host})
    assert places.sockets == ()
    assert places.known, "the usual address is tried all the same"
    assert words in places.notes[0]
    assert (places.engine, places.no_engine) == (None, places.notes[0])
    assert ("ssh -L" in places.notes[0]) is host.startswith("ssh")


def test_a_dangling_context_of_docker_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"currentContext": "gone"}')
    places = look(tmp_path, env={"DOCKER_HOST": ""})
    assert places.sockets == ()
    assert places.notes == ("Docker's context 'gone' is active, and is not there",)


def urls(told: DockerEngine, tls: TlsOptions = DEFAULT_TLS) -> list[str]:
    """The addresses at which the runner of that Engine answers."""
    return [each.url for each in by_docker(told, tls)]


def test_an_engine_that_could_not_be_asked_names_nothing() -> None:
    container = controller(("127.0.0.1", 12434))
    assert by_docker(engine(container, trouble="hung"), DEFAULT_TLS) == ()


def test_the_ports_that_are_really_published() -> None:
    container = controller(("127.0.0.1", 12544), ("172.17.0.1", 12544), ("::1", 7))
    first, *others = by_docker(engine(container), DEFAULT_TLS)
    assert first.url == "http://localhost:12544"
    assert first.rule == "published by the container docker-model-runner"
    assert [each.url for each in others] == ["http://172.17.0.1:12544", "http://[::1]:7"]


@pytest.mark.parametrize("ip", ["", "0.0.0.0", "::", "127.0.0.1"])
def test_a_port_that_is_open_everywhere_is_reached_here(ip: str) -> None:
    assert urls(engine(controller((ip, 12434)))) == ["http://localhost:12434"]


def test_the_tls_port_is_used_if_tls_is_wished_for_and_only_then() -> None:
    container = controller(("127.0.0.1", 12434), ("127.0.0.1", 12444), tls_port=12444)
    assert urls(engine(container)) == ["http://localhost:12434"]
    (endpoint,) = by_docker(engine(container), TlsOptions(True, False, "ca.crt"))
    assert endpoint.url == "https://localhost:12444"
    assert (endpoint.verify, endpoint.ca) == (True, "ca.crt")


def test_desktop_is_reached_through_its_socket() -> None:
    (endpoint,) = by_docker(engine(system="Docker Desktop"), DEFAULT_TLS)
    assert endpoint.socket == SOCKET
    assert endpoint.url == "http://localhost/exp/vDD4.40"
    assert endpoint.label == f"{SOCKET} /exp/vDD4.40"
    assert "Docker Desktop" in endpoint.rule


def test_a_container_inside_desktop_wins_only_in_wsl() -> None:
    container = controller(("127.0.0.1", 12434))
    desktop, own = "http://localhost/exp/vDD4.40", "http://localhost:12434"
    in_wsl = engine(container, system="Docker Desktop", kernel=WSL)
    assert urls(in_wsl) == [own, desktop]
    on_linux = engine(container, system="Docker Desktop", kernel="6.12.54-linuxkit")
    assert urls(on_linux) == [desktop, own], "Desktop for Linux has no runner of its own"


def test_docker_cloud() -> None:
    assert urls(engine(cloud=True)) == ["http://localhost:12435"]
    (endpoint,) = by_docker(engine(cloud=True), TlsOptions(True, True))
    assert (endpoint.url, endpoint.verify) == ("https://localhost:12445", False)
