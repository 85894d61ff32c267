"""Checks of Docker: can it be asked, what kind is it, and how is the runner's container."""

import shlex
from collections.abc import Iterator

from dmr_tui.runner.discovery.docker_engine import Controller, DockerEngine
from dmr_tui.runner.endpoint import DEFAULT_PORT
from dmr_tui.runner.errors.table import ENABLE_ON_DESKTOP, INSTALL_ON_LINUX
from dmr_tui.runner.names import shell_word
from dmr_tui.text.doctor.check import Check, Result, Step
from dmr_tui.text.doctor.facts import Facts

GROUP = "Docker"
ENABLE = Step(command=ENABLE_ON_DESKTOP)
TOGGLE = Step("or Settings, AI: Enable Docker Model Runner, and host-side TCP support")
INSTALL = "docker model install-runner"
REINSTALL = "docker model reinstall-runner"
NVIDIA_TOOLKIT = Step(
    "install the NVIDIA Container Toolkit, then",
    "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker",
)
KILLED = 137


def find_docker(facts: Facts) -> Iterator[Check]:
    """Socket, Engine, container."""
    if facts.doctor.engines is None:
        if facts.doctor.places.sockets:
            yield Check(GROUP, "Engine", "unknown", "Docker was not asked yet")
        return
    for engine in facts.doctor.engines:
        yield _engine(engine, facts)
        if engine.is_desktop:
            yield from _desktop(engine, facts)
        elif engine.answers:
            yield from _containers(engine, facts)
    if not facts.doctor.engines and not facts.doctor.explicit and not facts.up:
        yield from _nobody(facts)


def _engine(engine: DockerEngine, facts: Facts) -> Check:
    place = f"{engine.place} ({engine.rule})"
    if engine.answers:
        kind = "Docker Cloud" if engine.cloud else engine.system or "an unknown system"
        return Check(GROUP, "Engine", "ok", f"Docker {engine.version} on {kind}, {place}")
    result: Result = "note" if facts.up else "problem"
    fix = () if facts.up and engine.trouble != "not allowed" else _reach(engine, facts)
    return Check(GROUP, "Engine", result, f"{engine.reason}: {place}", fix)


def _reach(engine: DockerEngine, facts: Facts) -> tuple[Step, ...]:
    around = facts.doctor.surroundings
    linux = around is None or around.platform == "linux"
    if engine.trouble == "not allowed":
        if around is not None and around.docker_group is None and linux:
            place = shlex.quote(engine.place)
            return (Step("run dmr-tui as a user who may use this socket", f"ls -l {place}"),)
        return (
            Step("this, and then log out and in again", "sudo usermod -aG docker $USER"),
            Step(
                "whoever is in the group docker has the rights of root;"
                " the runner itself needs none"
            ),
        )
    if engine.trouble == "hung":
        if linux:
            return (
                Step(command="sudo systemctl restart docker"),
                Step("the runner itself may still answer"),
            )
        return (Step("quit Docker Desktop and start it again"),)
    if engine.trouble == "not running":
        start = Step(command="sudo systemctl start docker")
        return (start,) if linux else (Step("start Docker Desktop"),)
    if engine.trouble == "no socket":
        return tuple(_no_docker(facts))
    return (Step("what the Engine says itself", "docker info"),)


def _no_docker(facts: Facts) -> Iterator[Step]:
    around = facts.doctor.surroundings
    if around is not None and around.in_container:
        yield Step(
            "inside a container the host's Docker is not seen; the runner is reached by network"
        )
        yield Step("on the host, with Docker Desktop", ENABLE_ON_DESKTOP)
        yield Step("on the host, with Docker Engine", INSTALL)
        return
    if around is not None and around.platform != "linux":
        yield Step("start Docker Desktop; without it: https://docs.docker.com/desktop/")
        return
    if around is not None and around.wsl:
        yield Step(
            "Docker Desktop: Settings, Resources, WSL integration: switch this distribution on"
        )
    yield Step("start Docker", "sudo systemctl start docker")
    engine = "https://docs.docker.com/engine/install/"
    yield Step(f"without Docker Engine: {engine}, then {INSTALL_ON_LINUX}")


def _nobody(facts: Facts) -> Iterator[Check]:
    """No socket could even be named."""
    around = facts.doctor.surroundings
    if around is not None and around.platform == "windows":
        evidence = "on Windows Docker Desktop's pipe is not asked; its TCP port is"
        yield Check(GROUP, "Docker Desktop", "note", evidence, (ENABLE, TOGGLE))


def _desktop(engine: DockerEngine, facts: Facts) -> Iterator[Check]:
    attempts = facts.snapshot.attempts
    through = next((a for a in attempts if a.endpoint.socket == engine.place), None)
    on_tcp = [a for a in attempts if a.endpoint.socket is None and a.endpoint.is_this_machine]
    if through is None or not through.ok:
        answer = "was not asked" if through is None else through.answer
        if any(attempt.ok for attempt in on_tcp):
            yield Check(GROUP, "Model Runner in Desktop", "note", f"its socket: {answer}")
            return
        yield Check(
            GROUP,
            "Model Runner in Desktop",
            "problem",
            f"off, or this Desktop does not have it: {answer}",
            (
                ENABLE,
                TOGGLE,
                Step(
                    "Docker Desktop 4.40 or newer has it: Apple Silicon, or Windows with an NVIDIA"
                    " (driver 576.57) or Adreno GPU"
                ),
            ),
        )
        return
    yield Check(GROUP, "Model Runner in Desktop", "ok", "on")
    if on_tcp and not any(attempt.ok for attempt in on_tcp):
        yield Check(
            GROUP,
            "host-side TCP",
            "warning",
            "off: dmr-tui goes through Docker's socket, but programs on this computer that call"
            " http://localhost:12434 are refused",
            (ENABLE, TOGGLE, Step("containers use http://model-runner.docker.internal")),
        )
    elif on_tcp:
        yield Check(GROUP, "host-side TCP", "ok", f"on, {on_tcp[0].endpoint.label}")


def _containers(engine: DockerEngine, facts: Facts) -> Iterator[Check]:
    if not engine.controllers:
        if facts.up:
            yield Check(GROUP, "container", "note", "the runner is in no container of this Engine")
            return
        fix = (Step("once, or as dnf install", INSTALL_ON_LINUX), Step(command=INSTALL))
        yield Check(GROUP, "container", "problem", "there is no runner's container", fix)
        return
    for controller in engine.controllers:
        yield _state(controller, facts)
    running = [each for each in engine.controllers if each.state == "running"]
    if len(running) > 1:
        names = ", ".join(each.name for each in running)
        yield Check(GROUP, "several runners", "warning", f"{names} run at the same time")
    for controller in running:
        yield from _ports(controller, facts)


def _state(controller: Controller, facts: Facts) -> Check:
    name = controller.name or controller.id[:12]
    word = shell_word(name, "CONTAINER")
    result: Result = "note" if facts.up else "problem"
    logs = f"docker logs --tail 50 {word}"
    told, fix = _told(controller, word, logs)
    if controller.state == "running":
        result = "ok"
        if controller.health == "starting" and not facts.up:
            result, fix = "note", (Step("wait: it was started just now"),)
        elif not facts.up:
            result = "warning"
            fix = (Step(command=logs), Step(command=f"docker restart {word}"))
        if controller.restarts:
            fix = (*fix, Step("why it was restarted", logs))
            result = "warning"
    return Check(GROUP, f"container {name}", result, told, fix)


def _told(controller: Controller, word: str, logs: str) -> tuple[str, tuple[Step, ...]]:
    """Docker's word on the container, and the way out; `logs` is the command that shows more."""
    image = f", {controller.image}" if controller.image else ""
    start = Step(command=f"docker start {word}")
    match controller.state:
        case "running":
            health = controller.health
            # Health is what it was before a pause or a stop, so it counts only here.
            extra = f", {health}" if health else ""
            times = controller.restarts
            again = f", restarted {times} times by Docker" if times else ""
            return f"running{extra}{again}{image}", ()
        case "paused":
            return f"paused: it takes connections and says nothing{image}", (
                Step(command=f"docker unpause {word}"),
                Step("not docker model status: it removes a paused container"),
            )
        case "restarting":
            why = _death(controller)
            more = (Step("give Docker more memory, or load smaller models"),)
            steps = (Step(command=logs), *(more if controller.oom_killed else ()))
            return f"restarting again and again: {why}", steps
        case "created" if controller.error:
            return f"was never started: {controller.error}", _refused(controller, word)
        case "created":
            return f"made and never started{image}", (start,)
        case "exited" | "dead":
            return f"stopped: {_death(controller)}{image}", (start, Step(command=logs))
        case state:
            return f"{state}{image}", (Step(command=logs),)


def _death(controller: Controller) -> str:
    if controller.oom_killed:
        return "its main process was killed for memory"
    if controller.exit_code == KILLED:
        return "it was killed (137); Docker does not start it again after docker kill or stop"
    if controller.error:
        return controller.error
    code = controller.exit_code
    return "its end is not known" if code is None else f"it ended with code {code}"


def _refused(controller: Controller, word: str) -> tuple[Step, ...]:
    error = controller.error.lower()
    # The port first: its error names the container, which may be called after the GPU.
    if "already allocated" in error or "already in use" in error:
        ports = sorted({each.port for each in controller.published}) or [DEFAULT_PORT]
        return (
            Step("see who has it", f"sudo ss -ltnp 'sport = :{ports[0]}'"),
            Step("end that program, then", f"docker start {word}"),
            Step("or another port, which is found by itself", f"{REINSTALL} --port 12534"),
        )
    if "device driver" in error or "gpu" in error or "nvidia" in error:
        return (
            NVIDIA_TOOLKIT,
            Step(command=f"docker start {word}"),
            Step("or do without the GPU", f"{REINSTALL} --gpu none"),
        )
    return (Step("to hear it again", f"docker start {word}"), Step(command=REINSTALL))


def _ports(controller: Controller, facts: Facts) -> Iterator[Check]:
    plain = [each for each in controller.published if each.inside != controller.tls_port]
    if not plain:
        result: Result = "note" if facts.up else "problem"
        evidence = "it publishes no port, so no program on this computer can reach it"
        yield Check(GROUP, "published port", result, evidence, (Step(command=REINSTALL),))
        return
    places = ", ".join(f"{each.ip or '*'}:{each.port}" for each in plain)
    wide = [each for each in plain if each.ip in {"", "0.0.0.0", "::"}]
    if wide:
        yield Check(
            GROUP,
            "published port",
            "warning",
            f"{places}: open to the network, and DMR has no password",
            (Step("unless that is meant", f"{REINSTALL} --host 127.0.0.1"),),
        )
    elif all(each.port != DEFAULT_PORT for each in plain):
        usual = f"not the usual {DEFAULT_PORT}: clients need this one in their base URL"
        evidence = f"{places}, {usual}"
        yield Check(GROUP, "published port", "note", evidence)
    else:
        yield Check(GROUP, "published port", "ok", places)
