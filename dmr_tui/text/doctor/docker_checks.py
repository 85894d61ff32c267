"""Checks of Docker: can it be asked, what kind is it, and how is the runner's container."""

import shlex
from collections.abc import Iterator

from dmr_tui.runner.discovery.docker_engine import Controller, DockerEngine
from dmr_tui.runner.endpoint import DEFAULT_PORT
from dmr_tui.runner.errors.table import ENABLE_ON_DESKTOP, INSTALL_ON_LINUX
from dmr_tui.runner.names import shell_word
from dmr_tui.text.doctor.check import Check, Facts, Group, Result, Step

DOCKER = Group("Docker")
ENABLE = Step(command=ENABLE_ON_DESKTOP)
TOGGLE = Step("or Settings, AI: Enable Docker Model Runner, and host-side TCP support")
HAS_IT = Step(
    "Docker Desktop 4.40 or newer has it: Apple Silicon, or Windows with an NVIDIA"
    " (driver 576.57) or Adreno GPU"
)
INSTALL = "docker model install-runner"
REINSTALL = "docker model reinstall-runner"
NVIDIA_TOOLKIT = Step(
    "install the NVIDIA Container Toolkit, then",
    "sudo nvidia-ctk runtime configure --runtime=docker && sudo systemctl restart docker",
)
KILLED = 137


def find_docker(facts: Facts) -> Iterator[Check]:
    """Check socket, Engine and container."""
    doctor = facts.doctor
    if doctor.engines is None:
        if doctor.places.sockets:
            yield DOCKER("Engine", "unknown", "Docker was not asked yet")
        return
    for engine in doctor.engines:
        yield _engine(engine, facts)
        if engine.is_desktop:
            yield from _desktop(engine, facts)
        elif engine.answers:
            yield from _containers(engine, facts)
    no_socket = not doctor.engines and not doctor.explicit and not facts.up
    if no_socket and facts.around.platform == "windows":
        evidence = "on Windows Docker Desktop's pipe is not asked; its TCP port is"
        yield DOCKER("Docker Desktop", "note", evidence, ENABLE, TOGGLE)


def _engine(engine: DockerEngine, facts: Facts) -> Check:
    place = f"{engine.place} ({engine.rule})"
    if engine.answers:
        kind = "Docker Cloud" if engine.cloud else engine.system or "an unknown system"
        return DOCKER("Engine", "ok", f"Docker {engine.version} on {kind}, {place}")
    fix = () if facts.up and engine.trouble != "not allowed" else _reach(engine, facts)
    return DOCKER("Engine", "note" if facts.up else "problem", f"{engine.reason}: {place}", *fix)


def _reach(engine: DockerEngine, facts: Facts) -> Iterator[Step]:
    trouble, linux = engine.trouble, facts.around.platform == "linux"
    if trouble == "not allowed" and linux and facts.around.docker_group is None:
        place = shlex.quote(engine.place)
        yield Step("run dmr-tui as a user who may use this socket", f"ls -l {place}")
    elif trouble == "not allowed":
        yield Step("this, and then log out and in again", "sudo usermod -aG docker $USER")
        rights = "whoever is in the group docker has the rights of root"
        yield Step(f"{rights}; the runner itself needs none")
    elif trouble == "hung" and linux:
        yield Step(command="sudo systemctl restart docker")
        yield Step("the runner itself may still answer")
    elif trouble == "hung":
        yield Step("quit Docker Desktop and start it again")
    elif trouble == "not running":
        start = Step(command="sudo systemctl start docker")
        yield start if linux else Step("start Docker Desktop")
    elif trouble == "no socket":
        yield from _no_docker(facts)
    else:
        yield Step("what the Engine says itself", "docker info")


def _no_docker(facts: Facts) -> Iterator[Step]:
    if facts.around.in_container:
        yield Step(
            "inside a container the host's Docker is not seen; the runner is reached by network"
        )
        yield Step("on the host, with Docker Desktop", ENABLE_ON_DESKTOP)
        yield Step("on the host, with Docker Engine", INSTALL)
    elif facts.around.platform != "linux":
        yield Step("start Docker Desktop; without it: https://docs.docker.com/desktop/")
    else:
        if facts.around.wsl:
            yield Step(
                "Docker Desktop: Settings, Resources, WSL integration: switch this distribution on"
            )
        yield Step("start Docker", "sudo systemctl start docker")
        engine = "https://docs.docker.com/engine/install/"
        yield Step(f"without Docker Engine: {engine}, then {INSTALL_ON_LINUX}")


def _desktop(engine: DockerEngine, facts: Facts) -> Iterator[Check]:
    name, attempts = "Model Runner in Desktop", facts.snapshot.attempts
    through = next((a for a in attempts if a.endpoint.socket == engine.place), None)
    on_tcp = [a for a in attempts if a.endpoint.socket is None and a.endpoint.is_this_machine]
    tcp_answers = any(attempt.ok for attempt in on_tcp)
    if through is None or not through.ok:
        answer = "was not asked" if through is None else through.answer
        if tcp_answers:
            yield DOCKER(name, "note", f"its socket: {answer}")
            return
        evidence = f"off, or this Desktop does not have it: {answer}"
        yield DOCKER(name, "problem", evidence, ENABLE, TOGGLE, HAS_IT)
        return
    yield DOCKER(name, "ok", "on")
    if tcp_answers:
        yield DOCKER("host-side TCP", "ok", f"on, {on_tcp[0].endpoint.label}")
    elif on_tcp:
        evidence = (
            "off: dmr-tui goes through Docker's socket, but programs on this computer that call"
            " http://localhost:12434 are refused"
        )
        inside = Step("containers use http://model-runner.docker.internal")
        yield DOCKER("host-side TCP", "warning", evidence, ENABLE, TOGGLE, inside)


def _containers(engine: DockerEngine, facts: Facts) -> Iterator[Check]:
    if not engine.controllers and facts.up:
        yield DOCKER("container", "note", "the runner is in no container of this Engine")
    elif not engine.controllers:
        fix = (Step("once, or as dnf install", INSTALL_ON_LINUX), Step(command=INSTALL))
        yield DOCKER("container", "problem", "there is no runner's container", *fix)
    for controller in engine.controllers:
        yield _state(controller, facts)
    running = [each for each in engine.controllers if each.state == "running"]
    if len(running) > 1:
        names = ", ".join(each.name for each in running)
        yield DOCKER("several runners", "warning", f"{names} run at the same time")
    for controller in running:
        yield _ports(controller, facts)


def _state(controller: Controller, facts: Facts) -> Check:
    name = controller.name or controller.id[:12]
    word = shell_word(name, "CONTAINER")
    result: Result = "note" if facts.up else "problem"
    logs = f"docker logs --tail 50 {word}"
    evidence, fix = _explained(controller, word, logs)
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
    return DOCKER(f"container {name}", result, evidence, *fix)


def _explained(controller: Controller, word: str, logs: str) -> tuple[str, tuple[Step, ...]]:
    """Docker's word on the container, and the way out; `logs` is the command that shows more."""
    image = f", {controller.image}" if controller.image else ""
    start = Step(command=f"docker start {word}")
    match controller.state:
        case "running":
            # Health is what it was before a pause or a stop, so it counts only here.
            health = f", {controller.health}" if controller.health else ""
            times = controller.restarts
            again = f", restarted {times} times by Docker" if times else ""
            return f"running{health}{again}{image}", ()
        case "paused":
            return f"paused: it takes connections and says nothing{image}", (
                Step(command=f"docker unpause {word}"),
                Step("not docker model status: it removes a paused container"),
            )
        case "restarting":
            more = (Step("give Docker more memory, or load smaller models"),)
            steps = (Step(command=logs), *(more if controller.oom_killed else ()))
            return f"restarting again and again: {_death(controller)}", steps
        case "created" if controller.error:
            return f"was never started: {controller.error}", tuple(_refused(controller, word))
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


def _refused(controller: Controller, word: str) -> Iterator[Step]:
    error, start = controller.error.lower(), f"docker start {word}"
    # The port first: its error names the container, which may have the GPU in it.
    if "already allocated" in error or "already in use" in error:
        ports = sorted({each.port for each in controller.published}) or [DEFAULT_PORT]
        yield Step("see who has it", f"sudo ss -ltnp 'sport = :{ports[0]}'")
        yield Step("end that program, then", start)
        yield Step("or another port, which is found by itself", f"{REINSTALL} --port 12534")
    elif "device driver" in error or "gpu" in error or "nvidia" in error:
        yield NVIDIA_TOOLKIT
        yield Step(command=start)
        yield Step("or do without the GPU", f"{REINSTALL} --gpu none")
    else:
        yield Step("to hear it again", start)
        yield Step(command=REINSTALL)


def _ports(controller: Controller, facts: Facts) -> Check:
    name = "published port"
    plain = [each for each in controller.published if each.inside != controller.tls_port]
    if not plain:
        evidence = "it publishes no port, so no program on this computer can reach it"
        return DOCKER(name, "note" if facts.up else "problem", evidence, Step(command=REINSTALL))
    places = ", ".join(f"{each.ip or '*'}:{each.port}" for each in plain)
    if any(each.ip in {"", "0.0.0.0", "::"} for each in plain):
        evidence = f"{places}: open to the network, and DMR has no password"
        step = Step("unless that is meant", f"{REINSTALL} --host 127.0.0.1")
        return DOCKER(name, "warning", evidence, step)
    if all(each.port != DEFAULT_PORT for each in plain):
        usual = f"not the usual {DEFAULT_PORT}: clients need this one in their base URL"
        return DOCKER(name, "note", f"{places}, {usual}")
    return DOCKER(name, "ok", places)
