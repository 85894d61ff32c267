"""The settings of this computer between a program and a runner: names, proxies, groups."""

import ipaddress
import os
import socket
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from msgspec import Struct

from dmr_tui.machine.reading import Reading

Platform = Literal["linux", "macos", "windows"]
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


class Surroundings(Struct, frozen=True):
    """This computer, as far as it matters for reaching a runner."""

    platform: Platform
    wsl: bool
    """Linux inside Windows."""
    in_container: bool
    docker_group: bool | None
    """True if this user is in the group docker; None if there is no such group."""
    proxies: tuple[str, ...]
    """Names of the proxy variables that are set; their values may hold credentials."""
    no_proxy: str
    names: Mapping[str, Reading[str]]
    """The addresses of each host name."""


def read_surroundings(hosts: Iterable[str], env: Mapping[str, str] = os.environ) -> Surroundings:
    """Read them, and look up the names of `hosts`: it takes as long as the name server does."""
    return Surroundings(
        _platform(),
        _is_wsl(),
        Path("/.dockerenv").exists(),
        _in_docker_group(),
        # Most programs prefer the lower-case spelling.
        tuple(name for name in PROXIES if env.get(name.lower()) or env.get(name)),
        env.get("no_proxy") or env.get("NO_PROXY") or "",
        MappingProxyType({host: _addresses(host) for host in sorted(set(hosts)) if host}),
    )


def bypasses(no_proxy: str, host: str) -> bool:
    """Return whether the list `no_proxy` keeps requests to `host` away from a proxy."""
    for entry in (each.strip().lower() for each in no_proxy.split(",")):
        if entry == "*" or (entry and host in {entry, entry.lstrip(".")}):
            return True
        if entry and host.endswith(f".{entry.lstrip('.')}"):
            return True
        with suppress(ValueError):
            if ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False):
                return True
    return False


def _platform() -> Platform:
    if sys.platform == "darwin":
        return "macos"
    return "windows" if sys.platform == "win32" else "linux"


def _is_wsl() -> bool:
    with suppress(OSError):
        return "microsoft" in Path("/proc/sys/kernel/osrelease").read_text().lower()
    return False


def _in_docker_group() -> bool | None:
    try:
        import grp

        group = grp.getgrnam("docker")
    except (ImportError, KeyError):
        return None
    return os.geteuid() == 0 or group.gr_gid in {os.getgid(), *os.getgroups()}


def _addresses(host: str) -> Reading[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return Reading(None, f"no address is known for it: {why}")
    return Reading(", ".join(dict.fromkeys(str(each[4][0]) for each in found)))
