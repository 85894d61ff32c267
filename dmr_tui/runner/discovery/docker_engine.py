"""The runner's container, by the Docker Engine: over its socket, only reading.

Not through the SDK: on Docker Desktop the runner itself is reached over the same socket, and the
search for it need not wait for 100 ms of imports.
"""

import json
from contextlib import suppress
from typing import Any, Literal

import anyio
import httpx
from msgspec import Struct, field

from dmr_tui.runner.answers import raise_for_status, read_body
from dmr_tui.runner.decoding import decode
from dmr_tui.runner.errors.failures import Rejected, RunnerError, TimedOut, Unreachable
from dmr_tui.runner.transport import named_errors

DESKTOP = "Docker Desktop"
DESKTOP_PREFIX = "/exp/vDD4.40"
TIMEOUT_S = 2.0
LABELS = ("com.docker.model-runner.role=controller", "com.docker.desktop.service=model-runner")
NAME = "docker-model-runner"

Trouble = Literal["", "no socket", "not allowed", "not running", "hung", "not asked", "failed"]


class Published(Struct, frozen=True):
    """A port of the container on this computer."""

    ip: str
    port: int
    inside: int
    """The port in the container."""


class Controller(Struct, frozen=True):
    """The container in which the runner lives."""

    id: str
    name: str
    image: str
    state: str
    """"running", "paused", "exited", "created", "restarting", "dead"."""
    published: tuple[Published, ...] = ()
    error: str = ""
    """The reason why it did not start, in Docker's words."""
    exit_code: int | None = None
    oom_killed: bool = False
    restarts: int | None = None
    started_at: str = ""
    health: str = ""
    gpus: bool | None = None
    """True if it was given a GPU; None if that is not known."""
    tls_port: int | None = None
    """The port inside it that speaks TLS, if it was made with one."""


class DockerEngine(Struct, frozen=True):
    """A Docker Engine, or the reason why it could not be asked."""

    place: str
    """Path of its socket, or the text in its place."""
    rule: str
    """The context or variable that named it."""
    trouble: Trouble = ""
    reason: str = ""
    version: str = ""
    system: str = ""
    kernel: str = ""
    runtimes: tuple[str, ...] = ()
    cloud: bool = False
    controllers: tuple[Controller, ...] = ()

    @property
    def is_desktop(self) -> bool:
        """True for the one in Docker Desktop."""
        return self.system == DESKTOP

    @property
    def answers(self) -> bool:
        """True if it could be asked."""
        return not self.trouble


class _Info(Struct, frozen=True):
    system: str = field(name="OperatingSystem", default="")
    kernel: str = field(name="KernelVersion", default="")
    version: str = field(name="ServerVersion", default="")
    runtimes: dict[str, Any] | None = field(name="Runtimes", default=None)


class _State(Struct, frozen=True):
    status: str = field(name="Status", default="")
    error: str = field(name="Error", default="")
    exit_code: int | None = field(name="ExitCode", default=None)
    oom_killed: bool = field(name="OOMKilled", default=False)
    started_at: str = field(name="StartedAt", default="")
    health: dict[str, Any] | None = field(name="Health", default=None)


class _Host(Struct, frozen=True):
    requests: list[Any] | None = field(name="DeviceRequests", default=None)
    devices: list[Any] | None = field(name="Devices", default=None)
    runtime: str | None = field(name="Runtime", default=None)
    bindings: dict[str, Any] | None = field(name="PortBindings", default=None)


class _Config(Struct, frozen=True):
    image: str = field(name="Image", default="")
    env: list[str] | None = field(name="Env", default=None)


class _Network(Struct, frozen=True):
    ports: dict[str, Any] | None = field(name="Ports", default=None)


class _Inspected(Struct, frozen=True):
    id: str = field(name="Id")
    name: str = field(name="Name", default="")
    restarts: int | None = field(name="RestartCount", default=None)
    state: _State = field(name="State", default=_State())
    host: _Host = field(name="HostConfig", default=_Host())
    config: _Config = field(name="Config", default=_Config())
    network: _Network = field(name="NetworkSettings", default=_Network())


class _Listed(Struct, frozen=True):
    id: str = field(name="Id")


async def ask_docker(socket: str, rule: str, *, cloud: bool = False) -> DockerEngine:
    """The Engine behind `socket` with its runner's containers; never raises RunnerError."""
    try:
        # One limit for all of it: an Engine that hangs takes the connection and says nothing.
        with anyio.fail_after(TIMEOUT_S):
            return await _ask(socket, rule, cloud)
    except TimeoutError:
        return DockerEngine(
            socket,
            rule,
            "hung",
            f"the Docker Engine took the connection and said nothing for {TIMEOUT_S:g} s",
            cloud=cloud,
        )
    except RunnerError as error:
        trouble, reason = _trouble(error)
        return DockerEngine(socket, rule, trouble, reason, cloud=cloud)


async def _ask(socket: str, rule: str, cloud: bool) -> DockerEngine:
    transport = httpx.AsyncHTTPTransport(verify=False, uds=socket)
    async with httpx.AsyncClient(
        base_url="http://docker", transport=transport, trust_env=False, timeout=TIMEOUT_S
    ) as http:
        info: _Info = decode(await _get(http, "/info"), _Info)
        inspected = [await _inspect(http, each) for each in await _find(http)]
        controllers = tuple(_controller(each) for each in inspected if each is not None)
    return DockerEngine(
        socket,
        rule,
        version=info.version,
        system=info.system,
        kernel=info.kernel,
        runtimes=tuple(sorted(info.runtimes or ())),
        cloud=cloud,
        controllers=controllers,
    )


async def _find(http: httpx.AsyncClient) -> list[str]:
    filters: list[dict[str, list[str]]] = [{"label": [label]} for label in LABELS]
    filters.append({"name": [f"^/{NAME}$"]})
    for each in filters:
        body = await _get(http, "/containers/json", {"all": "true", "filters": json.dumps(each)})
        listed: list[_Listed] = decode(body, list[_Listed])
        if listed:
            # An id becomes part of a path.
            return [container.id for container in listed if container.id.isalnum()]
    return []


async def _inspect(http: httpx.AsyncClient, id: str) -> _Inspected | None:
    """The details of a container; None if it is gone since it was listed."""
    try:
        container: _Inspected = decode(await _get(http, f"/containers/{id}/json"), _Inspected)
    except Rejected as error:
        if error.status == 404:
            return None
        raise
    return container


async def _get(http: httpx.AsyncClient, path: str, params: dict[str, str] | None = None) -> bytes:
    with named_errors():
        async with http.stream("GET", path, params=params) as response:
            await raise_for_status(response)
            return await read_body(response)


def _controller(container: _Inspected) -> Controller:
    host, state = container.host, container.state
    env = dict(each.partition("=")[::2] for each in container.config.env or ())
    tls_port = None
    if env.get("MODEL_RUNNER_TLS_ENABLED") == "true":
        with suppress(ValueError):
            tls_port = int(env.get("MODEL_RUNNER_TLS_PORT") or 12444)
    devices = [
        str(each.get("PathOnHost", "")) for each in host.devices or () if isinstance(each, dict)
    ]
    gpus = (
        bool(host.requests)
        or host.runtime in {"nvidia", "rocm"}
        or any(path.startswith(("/dev/dri", "/dev/kfd", "/dev/nvidia")) for path in devices)
    )
    return Controller(
        container.id,
        container.name.lstrip("/"),
        container.config.image,
        state.status,
        # A container that does not run publishes nothing: show what it will publish.
        _published(container.network.ports) or _published(host.bindings),
        state.error,
        state.exit_code,
        state.oom_killed,
        container.restarts,
        state.started_at,
        str((state.health or {}).get("Status", "")),
        gpus,
        tls_port,
    )


def _published(ports: dict[str, Any] | None) -> tuple[Published, ...]:
    found = set()
    for inside, bindings in (ports or {}).items():
        number, _, protocol = inside.partition("/")
        for binding in bindings if isinstance(bindings, list) else ():
            with suppress(TypeError, ValueError, KeyError):
                host_port = int(binding["HostPort"])
                # Port 0 asks for any free one, and does not say which it became.
                if protocol == "tcp" and 0 < host_port < 2**16:
                    found.add((str(binding.get("HostIp", ""))[:100], host_port, int(number)))
    # Loopback first: that is where a program on this computer reaches it.
    ordered = sorted(found, key=lambda each: (not each[0].startswith("127."), each))
    return tuple(Published(*each) for each in ordered)


_TROUBLES: tuple[tuple[type[RunnerError], str, Trouble, str], ...] = (
    (TimedOut, "", "hung", "the Docker Engine took the connection and said nothing"),
    (Unreachable, "permission", "not allowed", "no permission to use the Docker socket"),
    (Unreachable, "no such socket", "no socket", "there is no Docker socket"),
    (Unreachable, "", "not running", "the Docker socket is there, and no Engine behind it"),
    (Rejected, "", "failed", "the Docker Engine answered {}"),
    (RunnerError, "", "failed", "{}"),
)
"""Errors, by their class and a part of their text, with the trouble and its reason."""


def _trouble(error: RunnerError) -> tuple[Trouble, str]:
    return next(
        (trouble, reason.format(error))
        for kind, part, trouble, reason in _TROUBLES
        if isinstance(error, kind) and part in str(error)
    )
