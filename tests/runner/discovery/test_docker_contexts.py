"""Contexts as `docker model context` and `docker context` keep them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from dmr_tui.runner.discovery.docker_contexts import (
    DEFAULT,
    NamedContext,
    active_docker_context,
    docker_folder,
    read_contexts,
    read_docker_contexts,
)
from dmr_tui.runner.endpoint import TlsOptions


def write_contexts(folder: Path, text: str | bytes | dict[str, Any]) -> Path:
    """The file of `docker model context`."""
    path = folder / "model" / "contexts.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(text, dict):
        text = json.dumps(text)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def write_docker_context(folder: Path, name: str, host: str, **metadata: Any) -> Path:
    """One context of Docker itself."""
    path = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
    path.parent.mkdir(parents=True)
    endpoints = {"docker": {"Host": host, "SkipTLSVerify": False}}
    path.write_text(json.dumps({"Name": name, "Metadata": metadata, "Endpoints": endpoints}))
    return path


def test_the_folder_is_that_of_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert docker_folder({"DOCKER_CONFIG": "/etc/docker-cli"}) == Path("/etc/docker-cli")
    assert docker_folder({"DOCKER_CONFIG": ""}) == tmp_path / ".docker"
    assert docker_folder({}) == tmp_path / ".docker"


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    told = read_contexts(tmp_path)
    assert (told.active, told.named, told.problem) == (DEFAULT, (), "")


def test_every_field_is_read(tmp_path: Path) -> None:
    created = "2026-11-22T23:06:41Z"
    gpu = {
        "host": "https://gpu.lan:12444",
        "tls": {"enabled": True, "skipVerify": True, "caCert": "/etc/ca.crt"},
        "description": "the big one",
        "createdAt": created,
    }
    plain = {"host": "http://localhost:12544", "tls": {"enabled": False}, "createdAt": created}
    file = {"version": 1, "current": "gpu", "contexts": {"gpu": gpu, "c44": plain}}
    path = write_contexts(tmp_path, file)
    told = read_contexts(tmp_path)
    assert (told.path, told.active, told.problem) == (str(path), "gpu", "")
    assert told.named == (
        NamedContext("c44", "http://localhost:12544", TlsOptions(False, False, None)),
        NamedContext(
            "gpu", "https://gpu.lan:12444", TlsOptions(True, True, "/etc/ca.crt"), "the big one"
        ),
    )
    assert told.get("gpu") == told.named[1]
    assert told.get("nobody") is None


def test_without_current_the_default_is_active(tmp_path: Path) -> None:
    write_contexts(tmp_path, {"version": 1, "contexts": {"c44": {"host": "localhost"}}})
    assert read_contexts(tmp_path).active == DEFAULT


def test_a_context_that_is_gone_is_told_and_the_others_stay(tmp_path: Path) -> None:
    file = {"version": 1, "current": "gone", "contexts": {"c44": {"host": "localhost"}}}
    path = write_contexts(tmp_path, file)
    told = read_contexts(tmp_path)
    assert told.active == DEFAULT
    assert [each.name for each in told.named] == ["c44"]
    assert told.problem == f"{path} calls 'gone' active and has none"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"contexts": []}',
        '{"contexts": {"a": {"host": 7}}}',
        '{"contexts": {"a": {}}}',
        '{"contexts": {"a": {"host": "h", "tls": "yes"}}}',
        b"\xff\xfe\x00",
        b'{"current": "\xff", "contexts": {}}',
    ],
)
def test_a_corrupt_file_is_told_and_leaves_no_context(tmp_path: Path, text: str | bytes) -> None:
    path = write_contexts(tmp_path, text)
    told = read_contexts(tmp_path)
    assert (told.active, told.named) == (DEFAULT, ())
    assert told.problem.startswith(f"{path} cannot be read: ")


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "model" / "contexts.json").mkdir(parents=True)
    assert "cannot be read" in read_contexts(tmp_path).problem


def test_nothing_is_written(tmp_path: Path) -> None:
    path = write_contexts(tmp_path, {"contexts": {"a": {"host": "h"}}})
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    read_contexts(tmp_path)
    read_docker_contexts(tmp_path)
    active_docker_context(tmp_path, {})
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_contexts_of_docker_itself(tmp_path: Path) -> None:
    write_docker_context(tmp_path, "work", "tcp://10.0.0.7:2376")
    write_docker_context(
        tmp_path, "offload", "unix:///run/cloud.sock", **{"cloud.docker.com": "eu"}
    )
    cloud, work = read_docker_contexts(tmp_path)
    assert (cloud.name, cloud.host, cloud.cloud) == (
        "offload",
        "unix:///run/cloud.sock",
        True,
    )
    assert (work.name, work.host, work.cloud) == ("work", "tcp://10.0.0.7:2376", False)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"Name": "x"}',
        '{"Name": "x", "Endpoints": {"docker": null}}',
        '{"Name": "x", "Endpoints": {"kubernetes": {"Host": "h"}}}',
        b"\xff",
    ],
)
def test_what_cannot_be_read_of_them_is_left_out(tmp_path: Path, text: str | bytes) -> None:
    write_docker_context(tmp_path, "good", "unix:///run/good.sock")
    path = write_docker_context(tmp_path, "x", "unix:///run/x.sock")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert [each.name for each in read_docker_contexts(tmp_path)] == ["good"]


def test_a_context_in_the_folder_of_another_name_is_left_out(tmp_path: Path) -> None:
    path = write_docker_context(tmp_path, "mine", "unix:///run/mine.sock")
    path.write_text(path.read_text().replace('"mine"', '"yours"'))
    assert read_docker_contexts(tmp_path) == ()


@pytest.mark.parametrize(
    ("config", "env", "name"),
    [
        (None, {}, DEFAULT),
        ("{}", {}, DEFAULT),
        ('{"currentContext": "work"}', {}, "work"),
        ('{"currentContext": "work"}', {"DOCKER_CONTEXT": "play"}, "play"),
        ('{"currentContext": "work"}', {"DOCKER_CONTEXT": ""}, "work"),
        ('{"currentContext": ""}', {}, DEFAULT),
        ('{"currentContext": 7}', {}, DEFAULT),
        ("{", {}, DEFAULT),
        ("[]", {}, DEFAULT),
        (None, {"DOCKER_CONTEXT": "play"}, "play"),
    ],
)
def test_which_context_docker_would_use(
    tmp_path: Path, config: str | None, env: dict[str, str], name: str
) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    assert active_docker_context(tmp_path, env) == name
