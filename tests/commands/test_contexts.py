"""The runners that the dashboard offers, from Docker's own files; and `--context` as typed."""

import hashlib
import json
import socket
from pathlib import Path

import pytest

from dmr_tui.commands.dashboard import Contexts
from dmr_tui.commands.demo_machine import SimulatedMachine
from dmr_tui.commands.target import this_machine
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.discovery.places import DockerSocket, Places
from dmr_tui.runner.endpoint import BadHost, Endpoint
from dmr_tui.settings.schema import Settings
from dmr_tui.simulator.server import Simulator, serve
from tests.commands.conftest import Run

NAMED = {
    "lab": {"host": "gpu-box:12444", "tls": {"enabled": True, "skipVerify": True}},
    "odd": {"host": "ftp://x"},
    "secret": {"host": "http://me:geheim@box:1", "tls": {}, "description": "the [red] one"},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's folder, with three named contexts and one of Docker's own."""
    home = tmp_path / "docker"
    monkeypatch.setenv("DOCKER_CONFIG", str(home))
    write(home, {"version": 1, "current": "lab", "contexts": NAMED})
    meta = home / "contexts" / "meta" / hashlib.sha256(b"box").hexdigest()
    meta.mkdir(parents=True)
    told = {"Name": "box", "Endpoints": {"docker": {"Host": "unix:///run/box.sock"}}}
    (meta / "meta.json").write_text(json.dumps(told))
    return home


def write(folder: Path, contexts: object) -> None:
    (folder / "model").mkdir(parents=True, exist_ok=True)
    (folder / "model" / "contexts.json").write_text(json.dumps(contexts))


class Watching:
    """Keeps where it was told to look."""

    def __init__(self) -> None:
        self.places: list[Places] = []

    def __call__(self, places: Places) -> Monitor:
        self.places.append(places)
        return Monitor(places, SimulatedMachine(Simulator("quiet")))


def test_what_is_offered(folder: Path) -> None:
    offered = Contexts(Settings(), Watching()).choices()
    told = {each.name: (each.place, each.note) for each in offered.runners}
    assert list(told) == ["default", "lab", "odd", "secret", "box"]
    assert offered.now == "lab"
    assert told["lab"] == ("gpu-box:12444", "TLS, not checked, active in docker model")
    assert told["odd"][0] == "an address that cannot be used"
    assert told["secret"] == ("box:1", "the [red] one")
    assert told["box"] == ("unix:///run/box.sock", "a Docker context")


def test_a_host_that_was_named_is_offered_too(folder: Path) -> None:
    offered = Contexts(Settings(host="me:geheim@here:2", host_rule="--host"), Watching()).choices()
    assert (offered.runners[0].name, offered.runners[0].place, offered.now) == (
        "--host",
        "here:2",
        "--host",
    )


def test_a_file_that_is_broken_is_told(folder: Path) -> None:
    (folder / "model" / "contexts.json").write_text("{")
    offered = Contexts(Settings(), Watching()).choices()
    assert [each.name for each in offered.runners] == ["default", "box"]
    assert "cannot be read" in offered.notes[0]


def test_the_chosen_one_is_watched_and_remembered(folder: Path) -> None:
    watching = Watching()
    contexts = Contexts(Settings(host="here:2", host_rule="--host"), watching)
    contexts.watch("lab")
    assert contexts.choices().now == "lab"
    contexts.watch("default")
    contexts.watch("--host")
    lab, found, named = watching.places
    assert (lab.known[0].url, lab.known[0].verify) == ("https://gpu-box:12444", False)
    assert found.several
    assert [each.url for each in named.known] == ["http://here:2"]


@pytest.mark.parametrize("name", ["odd", "nobody"])
def test_what_cannot_be_watched_changes_nothing(folder: Path, name: str) -> None:
    contexts = Contexts(Settings(), Watching())
    with pytest.raises(BadHost):
        contexts.watch(name)
    assert contexts.choices().now == "lab"


def test_a_context_as_it_is_typed(run: Run, tmp_path: Path) -> None:
    with serve(Simulator("quiet")) as url:
        write(tmp_path / "docker", {"contexts": {"here": {"host": url}}})
        done = run("--context", "here", "status", "--json", DOCKER_CONFIG=str(tmp_path / "docker"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["endpoint"] == {
        "url": url,
        "socket": None,
        "rule": "context here",
    }


def test_the_container_is_looked_for_at_the_engine_of_the_context(tmp_path: Path) -> None:
    where = Endpoint("http://localhost:12434", "default")

    def container_of(places: Places) -> str:
        machine = this_machine(places)
        try:
            part = next(each for each in machine.parts if each.name == "container")
            return str(part.read().reason)
        finally:
            machine.close()

    assert container_of(Places((where,), no_engine="it is far away")) == "it is far away"
    path = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    places = Places((where,), engine=DockerSocket(str(path), "context x"))
    assert container_of(places) == "the Docker Engine does not run"


def test_what_was_said_of_one_runners_certificates_is_not_meant_for_anothers(folder: Path) -> None:
    secure = {"host": "https://safe:1"}
    write(folder, {"version": 1, "current": "safe", "contexts": {"safe": secure}})
    trusting = Settings(host="https://here:2", host_rule="--host", tls_skip_verify=True)
    watching = Watching()
    contexts = Contexts(trusting, watching)
    contexts.watch("safe")
    contexts.watch("--host")
    assert [each.known[0].verify for each in watching.places] == [True, False]
    asked = Watching()
    Contexts(Settings(context="safe", tls_skip_verify=True), asked).watch("safe")
    assert asked.places[0].known[0].verify is False, "it was started with this one"
