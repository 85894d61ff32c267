"""Made-up facts for the doctor: a runner that answers or not, Docker, and the computer around."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dmr_tui.machine.reading import Reading
from dmr_tui.machine.surroundings import Surroundings
from dmr_tui.runner.discovery.docker_engine import (
    DESKTOP_PREFIX,
    Controller,
    DockerEngine,
    Published,
)
from dmr_tui.runner.discovery.places import DockerSocket, Places
from dmr_tui.runner.endpoint import Endpoint, TlsOptions, parse_host
from dmr_tui.state.doctor_facts import DoctorFacts
from dmr_tui.state.snapshot import Attempt, Runner, Snapshot
from dmr_tui.text.doctor.check import Check, Facts
from tests.ui import still

SOCKET = "/var/run/docker.sock"
REFUSED = "connection refused: nothing listens there"
DEBIAN = "Debian GNU/Linux 12 (bookworm)"
DESKTOP = "Docker Desktop"
THROUGH = Endpoint(f"http://localhost{DESKTOP_PREFIX}", "Docker Desktop's socket", socket=SOCKET)
LOOKING = Places((still.HERE,), (DockerSocket(SOCKET, "Docker's usual socket"),))
"""Nobody named a place."""


def controller(state: str = "running", **more: Any) -> Controller:
    """A runner's container, published as the installer does it."""
    values: dict[str, Any] = {
        "id": "c709c440daf7" + "0" * 52,
        "name": "docker-model-runner",
        "image": "docker/model-runner:latest",
        "published": (Published("127.0.0.1", 12434, 12434), Published("172.17.0.1", 12434, 12434)),
        "restarts": 0,
        "gpus": False,
    }
    return Controller(state=state, **{**values, **more})


def engine(*controllers: Controller, **more: Any) -> DockerEngine:
    """An Engine that answers, or with `trouble` one that does not."""
    values: dict[str, Any] = {"system": DEBIAN, "version": "28.3.2", "runtimes": ("runc",)}
    values = {**({} if "trouble" in more else values), **more}
    return DockerEngine(SOCKET, "Docker's usual socket", controllers=controllers, **values)


def around(**more: Any) -> Surroundings:
    """A computer with Linux on which nothing is in the way."""
    values: dict[str, Any] = {
        "platform": "linux",
        "wsl": False,
        "in_container": False,
        "docker_group": True,
        "proxies": (),
        "no_proxy": "",
        "names": {"localhost": Reading("127.0.0.1")},
    }
    return Surroundings(**{**values, **more})


def attempt(endpoint: Endpoint | str = still.HERE, answer: str = "", error: str = "") -> Attempt:
    """An address that was tried; without an answer a runner was there."""
    if isinstance(endpoint, str):
        endpoint = parse_host(endpoint, "--host")
    if not answer:
        return Attempt(endpoint, "a runner answers", ok=True)
    return Attempt(endpoint, answer, error=error or "Unreachable")


def down(*attempts: Attempt, runner: Runner | None = None) -> Snapshot:
    """No runner answers."""
    attempts = attempts or (attempt(answer=REFUSED),)
    runner = runner or Runner(up=False, endpoint=attempts[0].endpoint)
    return Snapshot(taken_at=still.NOW, runner=runner, attempts=attempts)


def facts(
    snapshot: Snapshot | None = None,
    *engines: DockerEngine,
    asked: bool = True,
    places: Places = LOOKING,
    surroundings: Surroundings | None = None,
    **more: Any,
) -> Facts:
    """What the doctor knows; without a Snapshot no runner answers."""
    read = DoctorFacts(places, engines if asked else None, surroundings or around(), **more)
    return Facts(down() if snapshot is None else snapshot, read)


def named(host: str, wish: TlsOptions | None = None) -> Places:
    """A place that a person has named."""
    return Places((parse_host(host, "--host", wish or TlsOptions()),))


def seen(facts: Facts) -> Snapshot:
    """One Snapshot that holds those facts."""
    return replace(facts.snapshot, doctor=facts.doctor)


def check(checks: Iterable[Check], name: str) -> Check:
    """The one check of that name."""
    found = [each for each in checks if each.name == name]
    assert len(found) == 1, [(each.name, each.evidence) for each in found]
    return found[0]
