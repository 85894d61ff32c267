"""Where the runner is: what a person may write, and where to look if nothing is written."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

DEFAULT_PORT = 12434

# What people paste from n8n or an SDK's base_url, and what DMR puts behind it.
_API_PATH = re.compile(r"(?:/engines(?:/[^/]+)?)?/v1(?:/.*)?$|/engines(?:/[^/]+)?$")
_CONTAINER_HOST = "model-runner.docker.internal"


class BadHost(ValueError):
    """A host that cannot be an endpoint; the text says what is wrong and what is allowed."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address at which a runner may answer."""

    url: str
    """Scheme, host, port and path prefix; no trailing slash, never credentials."""
    rule: str
    """Which rule chose it, in words: "--host", "MODEL_RUNNER_HOST", "default"."""
    socket: str | None = None
    """Path of a unix socket, then `url` only fills the Host header."""
    credentials: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """What the screens call it: host and port, or the socket's path."""
        if self.socket is not None:
            return self.socket
        return self.url.removeprefix("http://")

    @property
    def is_this_machine(self) -> bool:
        """Whether the runner shares this computer's processor and memory."""
        host = (urlsplit(self.url).hostname or "").lower()
        loopback = host in {"localhost", "::1"} or host.startswith("127.")
        return self.socket is not None or loopback


def parse_host(text: str, rule: str) -> Endpoint:
    """The endpoint that a person means by `text`: URL, host, host:port or a socket's path.

    A path such as /engines/v1 at its end is taken off. Raises BadHost.
    """
    text = text.strip()
    if not text or re.search(r"[\x00-\x20\x7f]", text):
        raise BadHost(f"{rule}: {text!r} is not an address; {_ALLOWED}")
    path = _socket_path(text)
    if path is not None:
        return Endpoint("http://localhost", rule, socket=path)
    bare = "://" not in text
    scheme = "http" if bare else text.split("://", 1)[0].lower()
    if scheme not in {"http", "https", "tcp"}:
        raise BadHost(f"{rule}: {scheme!r} is not a scheme that a runner speaks; {_ALLOWED}")
    try:
        parts = urlsplit(f"http://{text}" if bare else text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadHost(f"{rule}: {error}; {_ALLOWED}") from None
    if not host:
        raise BadHost(f"{rule}: there is no host name in it; {_ALLOWED}")
    if port is None and scheme != "https" and (bare or scheme == "tcp"):
        port = None if host == _CONTAINER_HOST else DEFAULT_PORT
    credentials = None
    if parts.username is not None:
        credentials = (unquote(parts.username), unquote(parts.password or ""))
    prefix = _API_PATH.sub("", parts.path.rstrip("/"))
    name = f"[{host}]" if ":" in host else host
    place = name if port is None else f"{name}:{port}"
    web = "https" if scheme == "https" else "http"
    return Endpoint(f"{web}://{place}{prefix}", rule, credentials=credentials)


_ALLOWED = "write http://host:12434, host:12434, or the path of a unix socket"


def _socket_path(text: str) -> str | None:
    if text.startswith("unix://"):
        return text.removeprefix("unix://")
    if text.startswith("~"):
        return os.path.expanduser(text)
    if text.startswith(("/", "./", "../")) or (text.endswith(".sock") and "://" not in text):
        return text
    return None


def candidates(
    host: str | None, rule: str = "--host", *, in_container: bool | None = None
) -> tuple[Endpoint, ...]:
    """The endpoints to try, first choice first; `host` alone if a person named it by `rule`.

    Raises BadHost if it is not an address.
    """
    if host:
        return (parse_host(host, rule),)
    default = Endpoint(f"http://localhost:{DEFAULT_PORT}", "default")
    if in_container is None:
        in_container = Path("/.dockerenv").exists()
    if not in_container:
        return (default,)
    return (
        default,
        Endpoint(f"http://{_CONTAINER_HOST}", "inside a container, Docker Desktop"),
        Endpoint(f"http://172.17.0.1:{DEFAULT_PORT}", "inside a container, Docker Engine"),
    )
