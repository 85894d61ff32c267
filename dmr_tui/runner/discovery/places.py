"""The places to look for the runner: in the order of Docker's command line, and a few more."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import Struct

from dmr_tui.runner.discovery.docker_contexts import (
    DEFAULT,
    Contexts,
    DockerContext,
    active_docker_context,
    docker_folder,
    read_contexts,
    read_docker_contexts,
)
from dmr_tui.runner.discovery.docker_engine import DESKTOP_PREFIX, Controller, DockerEngine
from dmr_tui.runner.endpoint import (
    CONTAINER_HOST,
    DEFAULT_PORT,
    DEFAULT_TLS,
    DEFAULT_TLS_PORT,
    BadHost,
    Endpoint,
    TlsOptions,
    parse_host,
    secured,
)

CLOUD_PORT = 12435
CLOUD_TLS_PORT = 12445
BRIDGE = "172.17.0.1"
"""The host, as a container on Docker's own bridge sees it."""
EVERYWHERE = frozenset({"", "0.0.0.0", "::"})


class DockerSocket(Struct, frozen=True):
    """A socket at which a Docker Engine is asked for the runner."""

    path: str
    rule: str
    cloud: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses at which a runner may answer, the first choice first."""

    known: tuple[Endpoint, ...]
    """Addresses that no Engine has to be asked for; never empty."""
    sockets: tuple[DockerSocket, ...] = ()
    """Docker Engines to ask; the addresses that they name come before those in `known`."""
    tls: TlsOptions = DEFAULT_TLS
    notes: tuple[str, ...] = ()
    """Contexts and variables that could not be used, each with the reason."""
    contexts: Contexts | None = None
    context: str = ""
    """The context that was chosen, by name; empty if none was."""
    engine: DockerSocket | None = None
    """The Docker Engine of this computer or of the context, also where it is not asked for the
    runner since a host is named: the runner's container may be there all the same."""
    no_engine: str = ""
    """The reason why there is none."""

    @property
    def several(self) -> bool:
        """True if there is another place to try when one fails."""
        return len(self.known) > 1 or bool(self.sockets)


def find_places(
    host: str | None = None,
    rule: str = "--host",
    *,
    context: str | None = None,
    tls: TlsOptions = DEFAULT_TLS,
    env: Mapping[str, str] = os.environ,
    in_container: bool | None = None,
) -> Places:
    """The places to look, by the user's flags and by Docker's files. Raises BadHost.

    A host is the only place if it is named; so is a named context, `context` or the active one.
    """
    folder = docker_folder(env)
    contexts = read_contexts(folder)
    engines = read_docker_contexts(folder)
    docker_context = None
    if context and context != DEFAULT:
        docker_context = next((each for each in engines if each.name == context), None)
    found = _engine(folder, env, engines, docker_context)
    engine, no_engine = (None, found) if isinstance(found, str) else (found, "")
    # The flag wins over a context that is named, that over the variable and the file, and these
    # over the active context.
    places = Places((), tls=tls, contexts=contexts, engine=engine, no_engine=no_engine)
    if host and (rule == "--host" or not context):
        return replace(places, known=(parse_host(host, rule, tls),))
    notes = [contexts.problem]
    named = contexts.get(context or contexts.active)
    if named is not None:
        words = f"context {named.name}"
        try:
            endpoint = parse_host(named.host, words, tls.over(named.tls))
        except BadHost as error:
            if context:
                raise
            # As `docker model` does: warn, and look in the usual places.
            notes.append(str(error))
        else:
            return replace(places, known=(endpoint,), context=named.name)
    if context and context != DEFAULT and docker_context is None:
        raise BadHost(_no_context(context, contexts, engines))
    if in_container is None:
        in_container = Path("/.dockerenv").exists()
    return replace(
        places,
        known=tuple(_usual(tls, in_container)),
        sockets=() if engine is None else (engine,),
        notes=tuple(note for note in (*notes, no_engine) if note),
        context=context or "",
    )


def _no_context(name: str, contexts: Contexts, engines: Sequence[DockerContext]) -> str:
    names = [DEFAULT, *(each.name for each in contexts.named), *(each.name for each in engines)]
    return f"--context: no context is called {name!r}; there are {', '.join(names)}"


def _usual(tls: TlsOptions, in_container: bool) -> Iterator[Endpoint]:
    """The default addresses of a runner."""
    if tls.enabled:
        yield secured(Endpoint(f"http://localhost:{DEFAULT_TLS_PORT}", "default, TLS"), tls)
    else:
        yield Endpoint(f"http://localhost:{DEFAULT_PORT}", "default")
    if in_container:
        yield Endpoint(f"http://{CONTAINER_HOST}", "inside a container, Docker Desktop")
        yield Endpoint(f"http://{BRIDGE}:{DEFAULT_PORT}", "inside a container, Docker Engine")


def _engine(
    folder: Path,
    env: Mapping[str, str],
    engines: Sequence[DockerContext],
    docker_context: DockerContext | None,
) -> DockerSocket | str:
    """Return the socket of the chosen Engine, or the reason why it cannot be asked."""
    if docker_context is not None:
        return _socket(docker_context.host, f"context {docker_context.name}", docker_context.cloud)
    if host := env.get("DOCKER_HOST"):
        return _socket(host, "DOCKER_HOST")
    name = active_docker_context(folder, env)
    if name != DEFAULT:
        active = next((each for each in engines if each.name == name), None)
        if active is None:
            return f"Docker's context {name!r} is active, and is not there"
        return _socket(active.host, f"Docker's context {name}", active.cloud)
    home = Path(os.path.expanduser("~"))
    usual = [Path("/var/run/docker.sock"), home / ".docker/run/docker.sock"]
    usual.append(home / ".docker/desktop/docker.sock")
    if runtime := env.get("XDG_RUNTIME_DIR"):
        usual.append(Path(runtime) / "docker.sock")
    there = [path for path in usual if _exists(path)]
    if sys.platform == "win32":
        return "on Windows Docker is asked through a named pipe, which dmr-tui cannot"
    chosen = there[0] if there else usual[0]
    return DockerSocket(str(chosen), "Docker's usual socket")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        # No right to look into the folder: the attempt to ask the Engine will say so.
        return True


def _socket(host: str, rule: str, cloud: bool = False) -> DockerSocket | str:
    scheme, _, path = host.partition("://")
    if scheme == "unix" and path.strip():
        return DockerSocket(path.strip(), rule, cloud)
    forward = "; forward the port (ssh -L 12434:localhost:12434 HOST), and it is found here"
    hint = forward if scheme == "ssh" else ""
    return f"{rule} names an Engine by {scheme}, which is not asked for the runner{hint}"


def by_docker(engine: DockerEngine, tls: TlsOptions) -> tuple[Endpoint, ...]:
    """The addresses at which the runner of that Engine answers."""
    if not engine.answers:
        return ()
    published = tuple(_published(engine.controllers, tls))
    if engine.is_desktop:
        desktop = Endpoint(
            f"http://localhost{DESKTOP_PREFIX}",
            f"Docker Desktop's socket, {engine.rule}",
            socket=engine.place,
        )
        if "-microsoft-standard-WSL2" in engine.kernel:
            # In WSL the user's own container wins over Desktop's runner.
            return (*published, desktop)
        # Desktop for Linux has no runner of its own, only such a container.
        return (desktop, *published)
    if engine.cloud:
        port = CLOUD_TLS_PORT if tls.enabled else CLOUD_PORT
        cloud = Endpoint(f"http://localhost:{port}", f"Docker Cloud, {engine.rule}")
        return (secured(cloud, tls) if tls.enabled else cloud, *published)
    return published


def _published(controllers: Iterable[Controller], tls: TlsOptions) -> Iterator[Endpoint]:
    """The addresses under which the runner's containers are really published."""
    for controller in controllers:
        for port in controller.published:
            secure = port.inside == controller.tls_port
            if secure != bool(tls.enabled):
                continue
            ip = "localhost" if port.ip in EVERYWHERE or port.ip == "127.0.0.1" else port.ip
            name = f"[{ip}]" if ":" in ip else ip
            rule = f"published by the container {controller.name or controller.id[:12]}"
            endpoint = Endpoint(f"http://{name}:{port.port}", rule)
            yield secured(endpoint, tls) if secure else endpoint
