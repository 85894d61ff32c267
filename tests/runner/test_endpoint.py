"""The ways in which a user may write the address of the runner."""

from pathlib import Path

import pytest

from dmr_tui.runner.endpoint import BadHost, TlsOptions, parse_host, without_secrets


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://localhost:12434", "http://localhost:12434"),
        ("http://localhost:12434/", "http://localhost:12434"),
        ("localhost:12434", "http://localhost:12434"),
        ("localhost", "http://localhost:12434"),
        ("http://localhost:12434/engines/v1", "http://localhost:12434"),
        ("http://localhost:12434/engines/v1/", "http://localhost:12434"),
        ("http://localhost:12434/engines/llama.cpp/v1", "http://localhost:12434"),
        ("http://localhost:12434/engines/v1/chat/completions", "http://localhost:12434"),
        ("http://localhost:12434/engines", "http://localhost:12434"),
        ("localhost:12434/v1", "http://localhost:12434"),
        ("localhost/v1/", "http://localhost:12434"),
        ("model-runner.docker.internal", "http://model-runner.docker.internal"),
        (
            "http://model-runner.docker.internal/engines/llama.cpp/v1",
            "http://model-runner.docker.internal",
        ),
        ("http://gateway", "http://gateway"),
        ("tcp://10.0.0.7", "http://10.0.0.7:12434"),
        ("https://runner.example/engines/v1", "https://runner.example"),
        ("HTTPS://runner.example", "https://runner.example"),
        ("[::1]:12434", "http://[::1]:12434"),
        ("http://host/exp/vDD4.40/engines/v1", "http://host/exp/vDD4.40"),
        ("  localhost:9  ", "http://localhost:9"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    endpoint = parse_host(text, "--host")
    assert (endpoint.url, endpoint.socket, endpoint.rule) == (url, None, "--host")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/run/model-runner.sock", "/run/model-runner.sock"),
        ("unix:///run/model-runner.sock", "/run/model-runner.sock"),
        ("model-runner.sock", "model-runner.sock"),
        ("./here.sock", "./here.sock"),
        ("/Users/me/Group Containers/x.sock", "/Users/me/Group Containers/x.sock"),
    ],
)
def test_unix_sockets(text: str, path: str) -> None:
    endpoint = parse_host(text, "--host")
    assert endpoint.socket == path
    assert endpoint.label == path
    assert endpoint.is_this_machine


def test_a_socket_in_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse_host("~/dmr.sock", "--host").socket == str(tmp_path / "dmr.sock")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "ftp://localhost",
        "http://",
        "http://a b",
        "localhost:abc",
        "localhost:99999",
        "a\x1b[2Jb",
        "/run/\x1b[2J.sock",
        "unix://",
        "ä..b",
        "xn--ä",
    ],
)
def test_what_is_no_address_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(BadHost, match=r"--host: .*write http://host:12434") as caught:
        parse_host(text, "--host")
    assert "\x1b" not in str(caught.value)


def test_credentials_are_used_and_never_shown() -> None:
    endpoint = parse_host("http://me:s%40cret@localhost:12434", "--host")
    assert endpoint.credentials == ("me", "s@cret")
    assert "cret" not in endpoint.url + endpoint.label + repr(endpoint)


@pytest.mark.parametrize(
    "text",
    [
        "http://me:hidden@local host:1",
        "http://me:hidden/word@localhost:1",
        "ftp://me:hidden@localhost",
        "me:hidden@host://x",
        "http://me:hidden@:1",
        "me:hidden@localhost:port",
        "http://me:hidden@[::1",
    ],
)
def test_an_error_does_not_quote_the_password(text: str) -> None:
    with pytest.raises(BadHost) as caught:
        parse_host(text, "--host")
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "local"),
    [("localhost:1", True), ("127.0.0.2:1", True), ("[::1]:1", True), ("172.17.0.1:12434", False)],
)
def test_this_machine_is_loopback(text: str, local: bool) -> None:
    assert parse_host(text, "--host").is_this_machine is local


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost", "https://localhost:12444"),
        ("localhost:9", "https://localhost:9"),
        ("http://localhost:12434", "https://localhost:12434"),
        ("tcp://10.0.0.7", "https://10.0.0.7:12444"),
        ("model-runner.docker.internal", "https://model-runner.docker.internal:12444"),
    ],
)
def test_with_tls_wished_for_every_form_is_https(text: str, url: str) -> None:
    endpoint = parse_host(text, "--host", TlsOptions(enabled=True, skip_verify=True, ca="ca.crt"))
    assert endpoint.url == endpoint.label == url
    assert (endpoint.tls, endpoint.verify, endpoint.ca) == (True, False, "ca.crt")


def test_https_is_checked_unless_somebody_says_no() -> None:
    assert parse_host("https://a", "--host").verify
    assert parse_host("https://a", "--host", TlsOptions(skip_verify=False)).verify
    assert not parse_host("https://a", "--host", TlsOptions(skip_verify=True)).verify
    assert parse_host("https://a", "--host", TlsOptions(enabled=False)).tls, "the scheme says it"


def test_a_wish_overrides_field_by_field() -> None:
    before = TlsOptions(True, True, "old.crt")
    assert TlsOptions().over(before) == before
    assert TlsOptions(enabled=False).over(before) == TlsOptions(False, True, "old.crt")
    assert TlsOptions(skip_verify=False, ca="new.crt").over(before) == TlsOptions(
        True, False, "new.crt"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:pa://ss@host:1", "http://…@host:1"),
        ("tcp://me:secret@box:2375", "tcp://…@box:2375"),
        ("me:secret@box", "…@box"),
        ("gpu-box:12434", "gpu-box:12434"),
        ("/run/me@home.sock", "/run/me@home.sock"),
    ],
)
def test_what_is_shown_of_an_address(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
