"""What the doctor says of each state in which Docker and the runner's container can be."""

from typing import Any

import pytest

from dmr_tui.runner.discovery.docker_engine import Published, Trouble
from dmr_tui.text.doctor.check import Facts
from dmr_tui.text.doctor.docker_checks import find_docker
from tests.text.doctor import facts as made
from tests.text.doctor.facts import (
    DESKTOP,
    SOCKET,
    THROUGH,
    around,
    attempt,
    check,
    controller,
    down,
    engine,
    facts,
)
from tests.ui.still import snapshot

CONTAINER = "container docker-model-runner"
GPU_ERROR = 'could not select device driver "" with capabilities: [[gpu]]'
PORT_ERROR = (
    "driver failed programming external connectivity on endpoint my-gpu-runner (5f2c): Bind for"
    " 127.0.0.1:12434 failed: port is already allocated"
)


def state(name: str = "running", up: bool = False, **more: Any) -> Any:
    """The check of a container in that state."""
    told = facts(snapshot() if up else None, engine(controller(name, **more)))
    return check(find_docker(told), CONTAINER)


@pytest.mark.parametrize(
    ("name", "more", "evidence", "fix"),
    [
        (
            "paused",
            {"health": "unhealthy"},
            "paused: it takes connections and says nothing",
            "docker unpause docker-model-runner",
        ),
        (
            "exited",
            {"exit_code": 0},
            "stopped: it ended with code 0",
            "docker start docker-model-runner",
        ),
        (
            "exited",
            {"exit_code": 137},
            "Docker does not start it again after docker kill",
            "docker start docker-model-runner",
        ),
        (
            "exited",
            {"exit_code": 137, "oom_killed": True},
            "stopped: its main process was killed for memory",
            "docker start docker-model-runner",
        ),
        ("dead", {}, "stopped: its end is not known", "docker start docker-model-runner"),
        (
            "restarting",
            {"exit_code": 137, "oom_killed": True, "restarts": 6},
            "restarting again and again: its main process was killed for memory",
            "give Docker more memory, or load smaller models",
        ),
        (
            "restarting",
            {"exit_code": 2},
            "restarting again and again: it ended with code 2",
            "docker logs --tail 50 docker-model-runner",
        ),
        (
            "created",
            {"exit_code": 128, "error": GPU_ERROR},
            f"was never started: {GPU_ERROR}",
            "or do without the GPU: docker model reinstall-runner --gpu none",
        ),
        (
            "created",
            {"exit_code": 128, "error": PORT_ERROR},
            "was never started: driver failed",
            "see who has it: sudo ss -ltnp 'sport = :12434'",
        ),
        (
            "created",
            {"error": "no space left on device"},
            "was never started: no space left",
            "to hear it again: docker start docker-model-runner",
        ),
        ("created", {}, "made and never started", "docker start docker-model-runner"),
        ("removing", {}, "removing", "docker logs --tail 50 docker-model-runner"),
    ],
)
def test_a_container_that_does_not_run(
    name: str, more: dict[str, Any], evidence: str, fix: str
) -> None:
    found = state(name, **more)
    assert found.result == "problem"
    assert evidence in found.evidence
    assert fix in found.fix
    # A second runner may be there and stopped on purpose.
    assert state(name, up=True, **more).result == "note"


def test_health_counts_only_while_it_runs() -> None:
    for name in ("paused", "exited", "restarting"):
        assert "unhealthy" not in state(name, health="unhealthy").evidence
    assert "unhealthy" in state(health="unhealthy").evidence


def test_a_paused_container_is_not_to_be_looked_at_with_docker_model_status() -> None:
    assert "not docker model status: it removes a paused container" in state("paused").fix


def test_an_engine_that_needs_the_port_is_not_told_about_the_gpu() -> None:
    fixes = " ".join(state("created", error=PORT_ERROR).fix)
    assert "NVIDIA" not in fixes
    assert "reinstall-runner --port" in fixes


def test_a_container_that_runs() -> None:
    well = state(up=True, health="healthy")
    assert (well.result, well.fix) == ("ok", ())
    assert well.evidence == "running, healthy, docker/model-runner:latest"


def test_a_container_that_was_just_started() -> None:
    found = state(health="starting")
    assert (found.result, found.fix) == ("note", ("wait: it was started just now",))


def test_a_container_that_runs_and_does_not_answer() -> None:
    found = state(health="unhealthy")
    assert found.result == "warning"
    assert "docker restart docker-model-runner" in found.fix


def test_a_container_that_docker_had_to_restart() -> None:
    found = state(up=True, restarts=3)
    assert found.result == "warning"
    assert "restarted 3 times by Docker" in found.evidence
    assert any("why it was restarted:" in step for step in found.fix)
    assert state(up=True, restarts=None).result == "ok", "unknown is not a restart"


@pytest.mark.parametrize("name", ["$(reboot)", "a;reboot", "--rm", "a b", "\x1b[2J", "`x`"])
def test_a_name_that_a_shell_would_run_is_not_in_a_command(name: str) -> None:
    for each in ("paused", "exited", "restarting", "created", "running", "removing"):
        told = facts(None, engine(controller(each, name=name)))
        steps = check(find_docker(told), f"container {name}").fix
        assert steps
        assert all(name not in step for step in steps)
        assert any("CONTAINER" in step for step in steps)


def test_no_container_at_all() -> None:
    found = check(find_docker(facts(None, engine())), "container")
    assert found.result == "problem"
    assert found.fix[-1] == "docker model install-runner"
    beside = check(find_docker(facts(snapshot(), engine())), "container")
    assert (beside.result, beside.fix) == ("note", ())


def test_two_runners_at_the_same_time() -> None:
    twins = (controller(), controller(name="other"))
    found = check(find_docker(facts(snapshot(), engine(*twins))), "several runners")
    assert found.result == "warning"
    assert found.evidence == "docker-model-runner, other run at the same time"
    one_stops = engine(controller(), controller("exited", name="other"))
    names = [each.name for each in find_docker(facts(snapshot(), one_stops))]
    assert "several runners" not in names


def ports(*published: Published, up: bool = True, **more: Any) -> Any:
    told = facts(snapshot() if up else None, engine(controller(published=published, **more)))
    return check(find_docker(told), "published port")


def test_published_ports() -> None:
    here = Published("127.0.0.1", 12434, 12434)
    assert (ports(here).result, ports(here).evidence) == ("ok", "127.0.0.1:12434")
    moved = ports(Published("127.0.0.1", 12544, 12434))
    assert (moved.result, moved.fix) == ("note", ())
    assert "127.0.0.1:12544, not the usual 12434" in moved.evidence
    secure = Published("127.0.0.1", 12444, 12444)
    assert ports(here, secure, tls_port=12444).evidence == "127.0.0.1:12434"


@pytest.mark.parametrize("ip", ["", "0.0.0.0", "::"])
def test_a_port_that_is_open_to_the_network(ip: str) -> None:
    found = ports(Published(ip, 12434, 12434))
    assert found.result == "warning"
    assert "DMR has no password" in found.evidence
    assert "--host 127.0.0.1" in found.fix[0]


def test_no_port_is_published() -> None:
    assert ports(up=False).result == "problem"
    assert ports(up=False).fix == ("docker model reinstall-runner",)
    assert ports().result == "note"


@pytest.mark.parametrize(
    ("trouble", "more", "fix"),
    [
        ("not allowed", {"docker_group": False}, "sudo usermod -aG docker $USER"),
        ("not allowed", {"docker_group": None}, f"ls -l {SOCKET}"),
        ("hung", {}, "sudo systemctl restart docker"),
        ("hung", {"platform": "macos"}, "quit Docker Desktop and start it again"),
        ("not running", {}, "sudo systemctl start docker"),
        ("not running", {"platform": "macos"}, "start Docker Desktop"),
        ("no socket", {}, "docker model"),
        ("no socket", {}, "start Docker: sudo systemctl start docker"),
        ("no socket", {"platform": "macos"}, "https://docs.docker.com/desktop/"),
        ("no socket", {"wsl": True}, "WSL integration"),
        ("no socket", {"in_container": True}, "docker desktop enable model-runner --tcp 12434"),
        ("no socket", {"in_container": True}, "with Docker Engine: docker model install-runner"),
        ("failed", {}, "docker info"),
    ],
)
def test_an_engine_that_cannot_be_asked(trouble: Trouble, more: dict[str, Any], fix: str) -> None:
    broken = engine(trouble=trouble, reason="because")
    found = check(find_docker(facts(None, broken, surroundings=around(**more))), "Engine")
    assert found.result == "problem"
    assert found.evidence == f"because: {SOCKET} (Docker's usual socket)"
    assert fix in " ".join(found.fix).replace("docker-model-plugin", "docker model")
    while_up = check(find_docker(facts(snapshot(), broken, surroundings=around(**more))), "Engine")
    assert while_up.result == "note", "the runner itself answers all the same"


def test_a_right_that_is_missing_is_worth_mending_while_the_runner_answers() -> None:
    shut = engine(trouble="not allowed", reason="no permission to use the Docker socket")
    found = check(find_docker(facts(snapshot(), shut)), "Engine")
    assert any("usermod" in step for step in found.fix)
    assert any("rights of root" in step for step in found.fix)
    hung = engine(trouble="hung", reason="silent")
    assert check(find_docker(facts(snapshot(), hung)), "Engine").fix == ()


def test_the_path_of_a_socket_cannot_run_anything() -> None:
    shut = made.DockerEngine("/tmp/$(reboot).sock", "DOCKER_HOST", "not allowed", "no permission")
    told = facts(None, shut, surroundings=around(docker_group=None))
    assert check(find_docker(told), "Engine").fix[0].endswith("ls -l '/tmp/$(reboot).sock'")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "Docker 28.3.2 on Debian GNU/Linux 12 (bookworm)"),
        ({"cloud": True}, "Docker 28.3.2 on Docker Cloud"),
        ({"system": ""}, "Docker 28.3.2 on an unknown system"),
    ],
)
def test_an_engine_that_answers(more: dict[str, Any], words: str) -> None:
    found = check(find_docker(facts(snapshot(), engine(controller(), **more))), "Engine")
    assert (found.result, found.fix) == ("ok", ())
    assert found.evidence == f"{words}, {SOCKET} (Docker's usual socket)"


def test_before_docker_was_asked() -> None:
    found = check(find_docker(facts(asked=False)), "Engine")
    assert found.result == "unknown"
    assert list(find_docker(facts(asked=False, places=made.named("box")))) == []


def test_windows_without_a_socket_is_told_how_to_enable_it() -> None:
    places = made.Places((*made.LOOKING.known, THROUGH))
    windows = around(platform="windows")
    found = check(find_docker(facts(places=places, surroundings=windows)), "Docker Desktop")
    assert "docker desktop enable model-runner --tcp 12434" in found.fix
    assert list(find_docker(facts(places=places))) == []


def desktop(*attempts: Any, up: bool) -> Facts:
    """Docker Desktop, and what came back from the addresses."""
    taken = snapshot(attempts=attempts) if up else down(*attempts)
    return facts(taken, engine(system=DESKTOP))


def test_desktop_with_everything_on() -> None:
    checks = list(find_docker(desktop(attempt(THROUGH), attempt(), up=True)))
    assert check(checks, "Model Runner in Desktop").result == "ok"
    tcp = check(checks, "host-side TCP")
    assert (tcp.result, tcp.evidence) == ("ok", "on, localhost:12434")


def test_desktop_with_tcp_support_off() -> None:
    refused = attempt(answer=made.REFUSED)
    tcp = check(find_docker(desktop(attempt(THROUGH), refused, up=True)), "host-side TCP")
    assert tcp.result == "warning"
    assert "http://localhost:12434 are refused" in tcp.evidence
    assert tcp.fix[0] == "docker desktop enable model-runner --tcp 12434"
    assert any("model-runner.docker.internal" in step for step in tcp.fix)


def test_desktop_with_the_runner_off() -> None:
    told = desktop(attempt(THROUGH, "404: page not found", "Rejected"), up=False)
    found = check(find_docker(told), "Model Runner in Desktop")
    assert found.result == "problem"
    assert "404: page not found" in found.evidence
    assert found.fix[0] == "docker desktop enable model-runner --tcp 12434"
    untried = check(find_docker(desktop(attempt("box", "no"), up=False)), "Model Runner in Desktop")
    assert "was not asked" in untried.evidence


def test_desktop_beside_a_runner_that_answers_over_tcp() -> None:
    told = desktop(attempt(THROUGH, "404: page not found"), attempt(), up=True)
    found = check(find_docker(told), "Model Runner in Desktop")
    assert (found.result, found.fix) == ("note", ())
    assert found.evidence == "its socket: 404: page not found"
