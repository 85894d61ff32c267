"""The address of a runner, and the ways in which a user may write it."""

import os
import re
from dataclasses import dataclass, field, replace
from urllib.parse import unquote, urlsplit

DEFAULT_PORT = 12434
DEFAULT_TLS_PORT = 12444
CONTAINER_HOST = "model-runner.docker.internal"

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_OR_SPACE = re.compile(r"[\x00-\x20\x7f]")
# The base URL of n8n or an SDK, and the paths that DMR has below it.
_API_PATH = re.compile(r"(?:/engines(?:/[^/]+)?)?/v1(?:/.*)?$|/engines(?:/[^/]+)?$")


class BadHost(ValueError):
    """A text that cannot be an endpoint; the message says what is wrong and what is allowed."""


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """The wishes about TLS of one flag, variable, file or context; None where it has none."""

    enabled: bool | None = None
    skip_verify: bool | None = None
    ca: str | None = None
    """File with the certificates of the authorities that may sign the runner's."""

    def over(self, before: "TlsOptions") -> "TlsOptions":
        """These wishes, and where there is none, those of `before`."""
        return TlsOptions(
            before.enabled if self.enabled is None else self.enabled,
            before.skip_verify if self.skip_verify is None else self.skip_verify,
            self.ca or before.ca,
        )


DEFAULT_TLS = TlsOptions()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address at which a runner may answer."""

    url: str
    """Scheme, host, port and path prefix; no trailing slash, never credentials."""
    rule: str
    """The rule that chose it, in words: "--host", "MODEL_RUNNER_HOST", "default"."""
    socket: str | None = None
    """Path of a unix socket; `url` then only fills the Host header."""
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    verify: bool = True
    """False if the certificate of an https address is not checked."""
    ca: str | None = None
    """File with the certificates to check it with; None: DMR's own, and the system's."""

    @property
    def label(self) -> str:
        """Host and port, or the socket's path, as the screens show it."""
        prefix = urlsplit(self.url).path
        if self.socket is not None:
            return f"{self.socket} {prefix}".strip()
        return self.url.removeprefix("http://")

    @property
    def place(self) -> tuple[str, str | None]:
        """The identity of the address, apart from the rule that chose it and from certificates."""
        return self.url, self.socket

    @property
    def tls(self) -> bool:
        """True if it speaks TLS."""
        return self.url.startswith("https://")

    @property
    def host(self) -> str:
        """The host's name or address; empty for a socket."""
        return "" if self.socket is not None else (urlsplit(self.url).hostname or "").lower()

    @property
    def is_this_machine(self) -> bool:
        """True if the runner shares this computer's processors and memory."""
        loopback = self.host in {"localhost", "::1"} or self.host.startswith("127.")
        return self.socket is not None or loopback


def parse_host(text: str, rule: str = "host", wish: TlsOptions = DEFAULT_TLS) -> Endpoint:
    """The endpoint that `text` names: URL, host, host:port or a socket's path.

    A path such as /engines/v1 at its end is taken off. `rule` is where the text stands, for the
    user. Raises BadHost.
    """
    text = text.strip()
    path = _socket_path(text)
    # A path may hold spaces, as those of macOS do; a URL never does.
    wrong = _CONTROL if path else _CONTROL_OR_SPACE
    if not text or path == "" or wrong.search(text):
        raise BadHost(f"{rule}: {without_secrets(text)!r} is not an address; {_ALLOWED}")
    if path is not None:
        return Endpoint("http://localhost", rule, socket=path)
    bare = "://" not in text
    scheme = "http" if bare else text.split("://", 1)[0].lower()
    if scheme not in {"http", "https", "tcp"}:
        raise BadHost(
            f"{rule}: {without_secrets(scheme)!r} is not a scheme that a runner speaks; {_ALLOWED}"
        )
    try:
        parts = urlsplit(f"http://{text}" if bare else text)
        host, port = parts.hostname, parts.port
    except ValueError:
        # The message of urllib may quote a part of the password.
        raise BadHost(
            f"{rule}: {without_secrets(text)!r} has no host and port; {_ALLOWED}"
        ) from None
    if not host:
        raise BadHost(f"{rule}: there is no host name in it; {_ALLOWED}")
    secure = scheme == "https" or bool(wish.enabled)
    if port is None and scheme != "https" and (bare or scheme == "tcp"):
        usual = DEFAULT_TLS_PORT if secure else DEFAULT_PORT
        port = None if host == CONTAINER_HOST and not secure else usual
    credentials = None
    if parts.username is not None:
        credentials = (unquote(parts.username), unquote(parts.password or ""))
    prefix = _API_PATH.sub("", parts.path.rstrip("/"))
    name = f"[{host}]" if ":" in host else host
    place = name if port is None else f"{name}:{port}"
    # Imported late: the commands that only read the archive need no httpx.
    import httpx

    try:
        # Names in other scripts are read when they are asked for.
        _ = httpx.URL(f"http://{place}{prefix}").host
    except (httpx.InvalidURL, UnicodeError):
        raise BadHost(f"{rule}: {without_secrets(text)!r} is not an address; {_ALLOWED}") from None
    endpoint = Endpoint(f"http://{place}{prefix}", rule, credentials=credentials)
    return secured(endpoint, wish) if secure else endpoint


def secured(endpoint: Endpoint, wish: TlsOptions) -> Endpoint:
    """The same address in TLS, with the certificate checked as `wish` says."""
    url = f"https://{endpoint.url.partition('://')[2]}"
    return replace(endpoint, url=url, verify=not wish.skip_verify, ca=wish.ca)


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://")
_ALLOWED = "write http://host:12434, host:12434, or the path of a unix socket"


def without_secrets(text: str) -> str:
    """`text` without a part that may be a name and a password."""
    _, at, place = text.rpartition("@")
    if not at or _socket_path(text) is not None:
        return text
    scheme = _SCHEME.match(text)
    return f"{scheme[0] if scheme else ''}…@{place}"


def _socket_path(text: str) -> str | None:
    if text.startswith("unix://"):
        return text.removeprefix("unix://")
    if text.startswith("~"):
        return os.path.expanduser(text)
    if text.startswith(("/", "./", "../")) or (text.endswith(".sock") and "://" not in text):
        return text
    return None
