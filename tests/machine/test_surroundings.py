"""What about a computer stands between a program and a runner."""

import grp
import os
import socket
import sys
from typing import Any

import pytest

from dmr_tui.machine import surroundings
from dmr_tui.machine.surroundings import bypasses, read_surroundings


def test_names_of_proxies_are_told_and_their_values_are_not() -> None:
    env = {
        "https_proxy": "http://me:hidden@proxy:3128",
        "ALL_PROXY": "socks5://x",
        "HTTP_PROXY": "",
    }
    seen = read_surroundings((), env)
    assert seen.proxies == ("HTTPS_PROXY", "ALL_PROXY")
    assert "hidden" not in repr(seen)
    assert read_surroundings((), {}).proxies == ()


def test_the_small_spelling_of_no_proxy_comes_first() -> None:
    assert read_surroundings((), {"no_proxy": "a", "NO_PROXY": "b"}).no_proxy == "a"
    assert read_surroundings((), {"NO_PROXY": "b"}).no_proxy == "b"


@pytest.mark.parametrize(
    ("no_proxy", "host", "past"),
    [
        ("", "localhost", False),
        ("*", "anything", True),
        ("localhost", "localhost", True),
        (" LOCALHOST , x", "localhost", True),
        ("lan", "box.lan", True),
        (".lan", "box.lan", True),
        (".lan", "lan", True),
        ("lan", "vlan", False),
        ("127.0.0.1", "localhost", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/99,,x", "10.1.2.3", False),
    ],
)
def test_who_is_left_out_of_the_proxy(no_proxy: str, host: str, past: bool) -> None:
    assert bypasses(no_proxy, host) is past


def test_names_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def look_up(host: str, port: None, **more: Any) -> list[Any]:
        asked.append(host)
        if host == "nobody":
            raise socket.gaierror(-2, "Name or service not known")
        if host == "x" * 64:
            raise UnicodeError("label too long")
        found = [("::1", 0), ("127.0.0.1", 0), ("127.0.0.1", 0)]
        return [(None, None, None, "", address) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    seen = read_surroundings(["localhost", "nobody", "", "localhost", "x" * 64], {})
    assert asked == ["localhost", "nobody", "x" * 64]
    assert seen.names["localhost"].value == "::1, 127.0.0.1"
    assert seen.names["nobody"].value is None
    assert "no address is known for it: Name or service" in seen.names["nobody"].reason
    assert seen.names["x" * 64].value is None


@pytest.mark.parametrize(
    ("platform", "word"), [("linux", "linux"), ("darwin", "macos"), ("win32", "windows")]
)
def test_the_platform(monkeypatch: pytest.MonkeyPatch, platform: str, word: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert read_surroundings((), {}).platform == word


def test_the_group_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    def group(name: str) -> grp.struct_group:
        assert name == "docker"
        return grp.struct_group(("docker", "x", 999, []))

    monkeypatch.setattr(grp, "getgrnam", group)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getgid", lambda: 1000)
    monkeypatch.setattr(os, "getgroups", lambda: [1000, 999])
    assert read_surroundings((), {}).docker_group is True
    monkeypatch.setattr(os, "getgroups", lambda: [1000])
    assert read_surroundings((), {}).docker_group is False
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert read_surroundings((), {}).docker_group is True, "root may do everything"


def test_without_the_group_nothing_is_known_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(name: str) -> grp.struct_group:
        raise KeyError(name)

    monkeypatch.setattr(grp, "getgrnam", nobody)
    assert read_surroundings((), {}).docker_group is None


@pytest.mark.parametrize(("marked", "inside"), [(True, True), (False, False)])
def test_inside_a_container(monkeypatch: pytest.MonkeyPatch, marked: bool, inside: bool) -> None:
    there = {"/.dockerenv"} if marked else set()
    monkeypatch.setattr(surroundings.Path, "exists", lambda path: str(path) in there)
    assert read_surroundings((), {}).in_container is inside


@pytest.mark.parametrize(
    ("release", "wsl"),
    [("5.15.167.4-microsoft-standard-WSL2\n", True), ("6.18.44-fc\n", False), (None, False)],
)
def test_linux_inside_windows(
    monkeypatch: pytest.MonkeyPatch, release: str | None, wsl: bool
) -> None:
    def read(path: Any) -> str:
        assert str(path) == "/proc/sys/kernel/osrelease"
        if release is None:
            raise FileNotFoundError(path)
        return release

    monkeypatch.setattr(surroundings.Path, "read_text", read)
    assert read_surroundings((), {}).wsl is wsl
