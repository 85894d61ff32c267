"""The contexts of `docker model context` and `docker context`: read, never written."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from dmr_tui.runner.decoding import UNREADABLE, read_json
from dmr_tui.runner.endpoint import DEFAULT_TLS, TlsOptions

DEFAULT = "default"


class NamedContext(Struct, frozen=True):
    """A runner that the user has named."""

    name: str
    host: str
    tls: TlsOptions = DEFAULT_TLS
    description: str = ""

    def __repr__(self) -> str:
        # The address may hold a password.
        return f"NamedContext({self.name!r})"


class Contexts(Struct, frozen=True):
    """The contexts that `docker model context ls` lists."""

    path: str
    active: str = DEFAULT
    named: tuple[NamedContext, ...] = ()
    problem: str = ""
    """The reason why the file, or the context that it calls active, is not used."""

    def get(self, name: str) -> NamedContext | None:
        """The context of that name."""
        return next((each for each in self.named if each.name == name), None)


class DockerContext(Struct, frozen=True):
    """A context of `docker context ls`: an Engine, not a runner."""

    name: str
    host: str
    """unix:///…, tcp://…, ssh://…, npipe://…"""
    cloud: bool = False
    """True for Docker Cloud (Offload)."""


class _Tls(Struct, frozen=True, rename="camel"):
    enabled: bool = False
    skip_verify: bool = False
    ca_cert: str = ""


class _Named(Struct, frozen=True):
    host: str
    tls: _Tls = _Tls()
    description: str = ""


class _File(Struct, frozen=True):
    current: str = ""
    contexts: dict[str, _Named] = {}


class _Metadata(Struct, frozen=True):
    name: str = field(name="Name", default="")
    metadata: Any = field(name="Metadata", default=None)
    endpoints: dict[str, Any] = field(name="Endpoints", default={})


def docker_folder(env: Mapping[str, str] = os.environ) -> Path:
    """The folder of Docker's command line: DOCKER_CONFIG, else ~/.docker."""
    if named := env.get("DOCKER_CONFIG"):
        return Path(named)
    return Path(os.path.expanduser("~")) / ".docker"


def read_contexts(folder: Path) -> Contexts:
    """The named contexts; a file that cannot be used leaves none, and says why."""
    path = folder / "model" / "contexts.json"
    try:
        stored: _File = read_json(path.read_bytes(), _File)
    except FileNotFoundError:
        return Contexts(str(path))
    except (OSError, *UNREADABLE) as error:
        return Contexts(str(path), problem=f"{path} cannot be read: {error}")
    named = tuple(
        NamedContext(
            name,
            each.host,
            # The file keeps these two also while TLS is off.
            TlsOptions(each.tls.enabled, each.tls.skip_verify, each.tls.ca_cert or None),
            each.description,
        )
        for name, each in sorted(stored.contexts.items())
    )
    active = stored.current or DEFAULT
    if active != DEFAULT and active not in stored.contexts:
        return Contexts(str(path), DEFAULT, named, f"{path} calls {active!r} active and has none")
    return Contexts(str(path), active, named)


def read_docker_contexts(folder: Path) -> tuple[DockerContext, ...]:
    """The contexts of Docker itself, by name; a file that cannot be read is left out."""
    found = []
    for path in sorted((folder / "contexts" / "meta").glob("*/meta.json")):
        try:
            stored: _Metadata = read_json(path.read_bytes(), _Metadata)
            host = str(stored.endpoints["docker"]["Host"])
        except (OSError, *UNREADABLE, KeyError, TypeError):
            continue
        fields = stored.metadata if isinstance(stored.metadata, dict) else {}
        if stored.name and hashlib.sha256(stored.name.encode()).hexdigest() == path.parent.name:
            found.append(DockerContext(stored.name, host, "cloud.docker.com" in fields))
    return tuple(sorted(found, key=lambda context: context.name))


def active_docker_context(folder: Path, env: Mapping[str, str] = os.environ) -> str:
    """The name of the context that `docker` would use: DOCKER_CONTEXT, else its config.json."""
    if named := env.get("DOCKER_CONTEXT"):
        return named
    try:
        stored: dict[str, Any] = read_json((folder / "config.json").read_bytes(), dict[str, Any])
    except (OSError, *UNREADABLE):
        return DEFAULT
    current = stored.get("currentContext")
    return current if isinstance(current, str) and current else DEFAULT
