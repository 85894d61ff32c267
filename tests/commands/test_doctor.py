"""`dmr-tui doctor`: against simulated runners, and stand-ins for Docker."""

import json
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dmr_tui.commands import target
from dmr_tui.commands.doctor import run_doctor
from dmr_tui.runner.discovery import places
from dmr_tui.runner.discovery.places import find_places
from dmr_tui.settings.errors import BadSettings
from dmr_tui.settings.schema import Settings
from dmr_tui.simulator.http.faults import Fault
from dmr_tui.simulator.server import Simulator, serve
from tests.commands.conftest import Run
from tests.engine_stand_in import DESKTOP, container, docker_engine, hand_on
from tests.runner.discovery.test_docker_contexts import write_contexts
from tests.stand_in import StandIn, Told, stand_in

NASTY = "x\x1b[2J\x9b1m[red]"
Doctor = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy of whoever runs the tests is no finding."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the Docker Engine listens."""
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    return path


@pytest.fixture
def nowhere() -> str:
    """An address at which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def usual(nowhere: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The usual port: one at which nobody's real runner is, as seen outside of containers."""
    port = int(nowhere.rpartition(":")[2])
    monkeypatch.setattr(places, "DEFAULT_PORT", port)
    monkeypatch.setattr(target, "find_places", partial(find_places, in_container=False))
    return port


@pytest.fixture
def doctor(usual: int, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs the command in this process; its exit code, and what it says as JSON."""

    def run(host: str | None = None, *, prove: bool = False, **more: Any) -> Any:
        settings = Settings(host=host, host_rule="--host" if host else "", **more)
        code = run_doctor(settings, demo=False, as_json=True, prove=prove)
        return code, json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def heard() -> Iterator[tuple[Simulator, StandIn]]:
    """A simulated runner behind something that keeps what it was asked."""
    simulator = Simulator("idle")
    with serve(simulator) as url, stand_in(lambda each: hand_on(each, url)) as seen:
        yield simulator, seen


def check(said: dict[str, Any], name: str) -> dict[str, Any]:
    """The one check of that name."""
    (found,) = [each for each in said["checks"] if each["name"] == name]
    assert isinstance(found, dict)
    return found


def test_all_is_well(run: Run, quiet: str) -> None:
    done = run("--host", quiet, "doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"Docker Model Runner answers at {quiet.partition('//')[2]} (--host)"
    assert "a runner answers (--host)" in done.stdout
    assert "8 installed" in done.stdout
    assert "the runner's clock and this one agree" in done.stdout
    assert lines[-1] == "all is well"


def test_as_json(run: Run, quiet: str) -> None:
    done = run("--host", quiet, "doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said["runner"], set(said)) == (True, {"runner", "result", "checks"})
    assert check(said, "engine at work")["result"] == "ok"
    assert check(said, "llama.cpp")["evidence"].startswith("says it runs")


def test_no_runner(run: Run, nowhere: str) -> None:
    done = run("--host", nowhere, "doctor")
    assert done.returncode == 2, done.stderr
    assert "PROBLEM" in done.stdout
    assert "connection refused: nothing listens there (--host)" in done.stdout
    assert done.stdout.startswith("No Docker Model Runner answers\n  -> ")


def test_a_host_that_cannot_be_one(run: Run) -> None:
    done = run("--host", "http://me:hidden@bo x", "doctor")
    assert done.returncode not in {0, 1}
    assert "is not an address" in done.stderr
    assert "hidden" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_that_loads_a_model_is_sent(
    doctor: Doctor, heard: tuple[Simulator, StandIn], path: Path
) -> None:
    simulator, seen = heard
    loaded = set(simulator.world.loader.runners)
    with docker_engine(path, container()) as docker:
        code, said = doctor(seen.url)
    assert (code, said["runner"]) == (0, True)
    assert {each.method for each in seen.heard} == {"GET"}
    assert "/engines/ps" in seen.paths
    assert not [each for each in seen.paths if "chat" in each or "embeddings" in each]
    assert not any("origin" in each.headers for each in seen.heard)
    assert set(simulator.world.loader.runners) == loaded
    assert "/info" not in docker.paths, "an address that was named needs no search"
    assert {each.method for each in docker.heard} <= {"GET"}


def test_docker_is_asked_and_its_files_are_read_and_neither_is_changed(
    doctor: Doctor, heard: tuple[Simulator, StandIn], path: Path, tmp_path: Path
) -> None:
    port = int(heard[1].url.rpartition(":")[2])
    folder = tmp_path / "docker"
    write_contexts(folder, {"current": "gone", "contexts": {}})
    (folder / "config.json").write_text("{}")
    before = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}
    with docker_engine(path, container(ports=[("127.0.0.1", port)])) as docker:
        code, said = doctor()
    assert (code, said["result"]) == (1, "warning")
    assert check(said, f"localhost:{port}")["result"] == "ok"
    assert "calls 'gone' active" in check(said, "what was written down")["evidence"]
    assert check(said, "container docker-model-runner")["result"] == "ok"
    assert "not the usual 12434" in check(said, "published port")["evidence"]
    assert {each.method for each in docker.heard} == {"GET"}
    assert {each.method for each in heard[1].heard} == {"GET"}
    after = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file()}
    assert after == before


def test_the_active_context(doctor: Doctor, quiet: str, tmp_path: Path) -> None:
    write_contexts(
        tmp_path / "docker", {"current": "mine", "contexts": {"mine": {"host": f"{quiet}/v1"}}}
    )
    code, said = doctor()
    assert code == 0
    assert check(said, "context")["evidence"] == "mine, the active one of docker model context"
    assert check(said, quiet.removeprefix("http://"))["evidence"] == (
        "a runner answers (context mine)"
    )


def test_a_paused_container(doctor: Doctor, path: Path, usual: int) -> None:
    paused = container("paused", health="unhealthy", ports=[("127.0.0.1", usual)])
    with docker_engine(path, paused):
        code, said = doctor()
    assert code == 2
    found = check(said, "container docker-model-runner")
    assert found["result"] == "problem"
    assert found["fix"][0] == "docker unpause docker-model-runner"


def test_desktop_with_tcp_off(doctor: Doctor, path: Path, quiet: str) -> None:
    with docker_engine(path, system=DESKTOP, runner=quiet) as docker:
        code, said = doctor()
    assert (code, said["runner"]) == (1, True)
    assert check(said, f"{path} /exp/vDD4.40")["result"] == "ok"
    tcp = check(said, "host-side TCP")
    assert tcp["result"] == "warning"
    assert tcp["fix"][0] == "docker desktop enable model-runner --tcp 12434"
    assert {each.method for each in docker.heard} == {"GET"}


@pytest.mark.usefixtures("usual")
def test_escape_sequences_reach_no_terminal(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = container("created", name=NASTY, Error=f"driver {NASTY}", ports=())
    nonsense = Told(f"<{NASTY}>", 500)
    for answers in ({}, {"/info": nonsense}):
        for as_json in (False, True):
            with docker_engine(path, broken, answers=answers):
                run_doctor(Settings(), demo=False, as_json=as_json, prove=False)
            out = capsys.readouterr().out
            assert "[red]" in out
            assert not {"\x1b", "\x9b"} & set(out)


def test_proof_by_loading_the_smallest_model(
    doctor: Doctor, heard: tuple[Simulator, StandIn], capsys: pytest.CaptureFixture[str]
) -> None:
    simulator, seen = heard
    code, said = doctor(seen.url, prove=True)
    assert code == 0
    found = check(said, "engine at work")
    assert found["result"] == "ok"
    assert "was loaded in" in found["evidence"]
    (post,) = [each for each in seen.heard if each.method != "GET"]
    assert post.path == "/engines/v1/chat/completions"
    assert post.headers["x-preload-only"] == "true"
    name = json.loads(post.body)["model"]
    digest = simulator.world.store.catalogue.digest(name)
    assert digest in {key.digest for key in simulator.world.loader.runners}


def test_proof_that_fails(doctor: Doctor, heard: tuple[Simulator, StandIn]) -> None:
    simulator, seen = heard
    text = f"unable to load runner: {NASTY}"
    simulator.faults.add(Fault("status", "/engines/v1/chat", status=500, text=text))
    code, said = doctor(seen.url, prove=True)
    assert (code, said["result"]) == (1, "problem")
    found = check(said, "engine at work")
    assert found["result"] == "problem"
    assert "was not loaded" in found["evidence"]
    assert "\x1b" not in json.dumps(said)


def test_proof_needs_a_runner_and_the_right_to_load(doctor: Doctor, nowhere: str) -> None:
    code, said = doctor(nowhere, prove=True)
    assert (code, said["runner"]) == (2, False)
    with pytest.raises(BadSettings, match="--prove loads a model"):
        doctor(nowhere, prove=True, read_only=True)


def test_the_simulated_runner(run: Run) -> None:
    done = run("--demo", "doctor", "--json")
    assert json.loads(done.stdout)["runner"] is True
    assert done.returncode in {0, 1}, done.stderr
