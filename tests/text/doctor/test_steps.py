"""Every step that the doctor can tell: its command can be run as it stands."""

import re
import shlex
from collections.abc import Iterator

import pytest

from dmr_tui.runner.backend import parse_status
from dmr_tui.runner.discovery.docker_engine import Published
from dmr_tui.runner.discovery.places import Places
from dmr_tui.runner.endpoint import TlsOptions
from dmr_tui.state.alert import Alert, EngineKilled, GpuUnused
from dmr_tui.state.snapshot import Runner
from dmr_tui.state.source_state import SourceState
from dmr_tui.text.doctor.check import Facts, Step
from dmr_tui.text.doctor.diagnosis import diagnose
from tests.text.doctor.facts import (
    DESKTOP,
    REFUSED,
    around,
    attempt,
    controller,
    down,
    engine,
    facts,
    named,
    seen,
)
from tests.ui.still import HERE, NOW, snapshot

PROGRAMS = frozenset({"sudo", "docker", "dmr-tui", "ls", "curl", "export"})
_COMMAND = re.compile(
    r"(?:^|: )((?:sudo|docker|dmr-tui) [^,;(]+(?:, then (?:sudo|docker) [^,;(]+)*)$"
)
"""A command at the end of a sentence."""


def situations() -> Iterator[Facts]:
    """One for each step, as far as that is possible."""
    for trouble in ("not allowed", "hung", "not running", "no socket", "refused"):
        yield facts(None, engine(trouble=trouble))
        yield facts(None, engine(trouble=trouble), surroundings=around(platform="macos"))
    yield facts(None, engine(trouble="not allowed"), surroundings=around(docker_group=None))
    for more in ({"in_container": True}, {"wsl": True}):
        yield facts(None, engine(trouble="no socket"), surroundings=around(**more))
    yield facts(None, surroundings=around(platform="windows"), places=Places((HERE, HERE)))
    yield facts(None, engine(system=DESKTOP))
    yield facts(snapshot(attempts=(attempt(answer=REFUSED),)), engine(system=DESKTOP))
    yield facts(None, engine())
    for state in ("paused", "restarting", "created", "exited", "removing", "running"):
        yield facts(None, engine(controller(state)))
    yield facts(None, engine(controller("restarting", oom_killed=True)))
    yield facts(None, engine(controller(health="starting", restarts=2)))
    for error in ("port is already allocated", "could not select device driver", "no such image"):
        yield facts(None, engine(controller("created", error=error)))
    yield facts(None, engine(controller(published=())))
    yield facts(snapshot(), engine(controller(published=(Published("0.0.0.0", 12434, 12434),))))
    answers = {
        "http://box:12434": ("speaks TLS", "not Docker Model Runner", "no such host name", "no"),
        "https://box:12444": ("plain HTTP", "another name", "nobody whom we know", "clock", "no"),
        "localhost:12434": (REFUSED,),
        "/run/x.sock": ("no permission", "no such socket", REFUSED),
    }
    for host, told in answers.items():
        for answer in told:
            yield facts(down(attempt(host, answer)), places=named(host))
    yield facts(down(attempt("box", "no", "TimedOut")), places=named("box"))
    yield facts(down(attempt("https://box", "no", "BadCertificates")), places=named("https://box"))
    yield facts(snapshot(), surroundings=around(proxies=("HTTP_PROXY",)))
    yield facts(snapshot(clock_offset=60.0), clock_known=True)
    insecure = TlsOptions(enabled=True, skip_verify=True)
    secure = named("https://localhost:12444", insecure).known[0]
    yield facts(snapshot(runner=Runner(up=True, endpoint=secure)))
    yield facts(snapshot(runner=Runner(up=True, endpoint=named("box").known[0])))
    statuses = {"llama.cpp": "Not Installed: x", "vllm": "Not Installed: x", "mlx": "Error: x"}
    backends = tuple(parse_status(*each) for each in statuses.items())
    for engines in ((), (engine(system=DESKTOP),)):
        there = Runner(up=True, endpoint=HERE, backends=backends)
        yield facts(snapshot(runner=there, models=()), *engines)
        cpu = (parse_status("llama.cpp", "Running: b1-cpu b1"),)
        yield facts(snapshot(runner=Runner(up=True, endpoint=HERE, backends=cpu)), *engines)
    yield facts(snapshot(sources=(SourceState("log", "absent"),), models=()))
    yield facts(snapshot(), engine(controller(gpus=False)))
    killed = Alert("killed:x", "critical", EngineKilled("x", NOW, 1))
    unused = Alert("gpu unused", "warning", GpuUnused("x", "RTX 4090", "NVIDIA", 1.0, "container"))
    yield facts(snapshot(alerts=(killed, unused)))


CHECKS = [check for each in situations() for check in diagnose(seen(each))]
STEPS = list(dict.fromkeys(step for check in CHECKS for step in check.steps))


def test_most_steps_are_tried() -> None:
    assert len(STEPS) >= 60
    assert sum(bool(step.to_run) for step in STEPS) >= 30


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.text[:50])
def test_what_is_copied_of_a_step_can_be_run(step: Step) -> None:
    found = _COMMAND.search(step.text)
    if found is not None:
        assert step.to_run == found[1].replace(", then ", " && "), "no command hides in the words"
    for command in (step.command, step.then):
        if command:
            assert shlex.split(command)[0] in PROGRAMS
            assert step.text.endswith(command) or step.then
    assert step.text


def test_two_commands_are_copied_as_one() -> None:
    step = Step("with Docker Engine", "sudo apt-get install x", "docker model install-runner")
    assert (
        step.text == "with Docker Engine: sudo apt-get install x, then docker model install-runner"
    )
    assert step.to_run == "sudo apt-get install x && docker model install-runner"
    assert Step("start Docker Desktop").to_run == ""
