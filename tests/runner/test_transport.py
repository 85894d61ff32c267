"""The way to a runner: TLS, sockets, what is never sent, and what each failure is called."""

import asyncio
import errno
import os
import shutil
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from dmr_tui.runner import client as runner_client
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.endpoint import Endpoint, TlsOptions, parse_host
from dmr_tui.runner.errors.failures import (
    BadAnswer,
    BadCertificates,
    BrokenOff,
    NotARunner,
    Rejected,
    RunnerError,
    TimedOut,
    Unreachable,
)
from dmr_tui.runner.transport import OWN_CA, named_errors
from dmr_tui.simulator.server import Simulator, serve
from tests.signed import Signed, sign
from tests.stand_in import Heard, StandIn, Told, silent, stand_in

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl here")

SIGNED_BY_NOBODY = "TLS: nobody whom this computer trusts has signed the certificate"


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    """A certificate such as a runner makes for itself."""
    return sign(tmp_path_factory.mktemp("signed"))


@pytest.fixture(autouse=True)
def empty_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Trust no authority of the user who runs the tests."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return home


def nothing_loaded(heard: Heard) -> Told:
    """A runner with nothing loaded."""
    return Told("[]")


def ps(endpoint: Endpoint) -> list[Any]:
    """The loaded models there; raises RunnerError."""

    async def ask() -> list[Any]:
        client = RunnerClient(endpoint)
        try:
            return await client.ps()
        finally:
            await client.aclose()

    return asyncio.run(ask())


def failure(endpoint: Endpoint, kind: type[RunnerError] = Unreachable) -> str:
    """The reason why a request there fails."""
    with pytest.raises(RunnerError) as caught:
        ps(endpoint)
    assert type(caught.value) is kind
    return str(caught.value)


def trusting(seen: StandIn, **wish: Any) -> Endpoint:
    return parse_host(seen.url, "--host", TlsOptions(**wish))


def test_a_certificate_is_checked_with_the_authority_that_is_named(signed: Signed) -> None:
    with stand_in(nothing_loaded, tls=signed.pair) as seen:
        assert ps(trusting(seen, ca=str(signed.authority))) == []
        assert seen.paths == ["/engines/ps"]


def test_without_its_authority_nothing_is_sent(signed: Signed) -> None:
    with stand_in(nothing_loaded, tls=signed.pair) as seen:
        assert failure(trusting(seen)) == SIGNED_BY_NOBODY
        assert seen.heard == []


def test_the_authority_that_a_runner_makes_for_itself_is_found(
    signed: Signed, empty_home: Path
) -> None:
    own = empty_home / OWN_CA
    own.parent.mkdir(parents=True)
    own.write_bytes(signed.authority.read_bytes())
    with stand_in(nothing_loaded, tls=signed.pair) as seen:
        assert ps(trusting(seen)) == []
        # One that is named is meant instead of it.
        own.write_text("no certificate")
        assert ps(trusting(seen, ca=str(signed.authority))) == []


def test_a_path_in_the_home_folder(signed: Signed, empty_home: Path) -> None:
    (empty_home / "my.crt").write_bytes(signed.authority.read_bytes())
    with stand_in(nothing_loaded, tls=signed.pair) as seen:
        assert ps(trusting(seen, ca="~/my.crt")) == []


def test_the_check_can_be_left_out_and_only_then_is_it(signed: Signed) -> None:
    with stand_in(nothing_loaded, tls=signed.pair) as seen:
        assert ps(trusting(seen, skip_verify=True)) == []
        assert failure(trusting(seen, skip_verify=False)) == SIGNED_BY_NOBODY


def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    other = sign(tmp_path, "DNS:elsewhere,IP:10.0.0.7")
    with stand_in(nothing_loaded, tls=other.pair) as seen:
        endpoint = trusting(seen, ca=str(other.authority))
        wrong = "TLS: the certificate is for another name than this address"
        assert failure(endpoint) == wrong
        by_name = replace(endpoint, url=endpoint.url.replace("127.0.0.1", "localhost"))
        assert failure(by_name) == wrong


def test_a_certificate_that_is_over(tmp_path: Path) -> None:
    over = sign(tmp_path, days=-1)
    with stand_in(nothing_loaded, tls=over.pair) as seen:
        words = failure(trusting(seen, ca=str(over.authority)))
    assert words == "TLS: the certificate has expired; a wrong clock looks the same"


def test_https_to_a_port_that_speaks_plain_http() -> None:
    with serve(Simulator("quiet")) as url:
        endpoint = parse_host(url.replace("http:", "https:"), "--host")
        assert failure(endpoint) == "TLS: this port speaks plain HTTP"


def test_http_to_a_port_that_speaks_tls(signed: Signed) -> None:
    with stand_in(nothing_loaded, tls=signed.pair) as seen:
        words = failure(parse_host(seen.url.replace("https:", "http:"), "--host"), Rejected)
    assert "Client sent an HTTP request to an HTTPS server" in words


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "TLS: there is no file {}"),
        ("garbage", "TLS: {} holds no certificate (PEM)"),
        ("", "TLS: {} holds no certificate (PEM)"),
    ],
)
def test_a_file_of_certificates_that_cannot_be_used(
    tmp_path: Path, content: str | None, words: str
) -> None:
    file = tmp_path / "my.crt"
    if content is not None:
        file.write_text(content)
    endpoint = parse_host("https://localhost:1", "--host", TlsOptions(ca=str(file)))
    assert failure(endpoint, BadCertificates) == words.format(file)


def test_a_folder_or_no_path_at_all_as_a_file_of_certificates(tmp_path: Path) -> None:
    for file in (str(tmp_path), "a\0b"):
        endpoint = parse_host("https://localhost:1", "--host", TlsOptions(ca=file))
        assert failure(endpoint, BadCertificates).startswith("TLS: ")


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "dmr.sock"
    with stand_in(nothing_loaded, uds=path):
        assert ps(parse_host(str(path), "--host")) == []
    assert failure(parse_host(str(path), "--host")) == "no such socket"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))
    assert failure(parse_host(str(path), "--host")).startswith("connection refused")
    too_long = f"{tmp_path}/{'x' * 120}.sock"
    assert failure(parse_host(too_long, "--host")) == "the path of the socket is too long"


def test_a_socket_that_is_not_for_this_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: socket.socket, address: Any) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "dmr.sock"
    with stand_in(nothing_loaded, uds=path):
        path.chmod(0)
        if os.geteuid() == 0:
            # Root may do everything, so the system cannot be made to refuse it.
            monkeypatch.setattr(socket.socket, "connect", refuse)
        words = failure(parse_host(str(path), "--host"))
    assert words == "no permission to use the socket"


def test_nothing_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = parse_host(f"127.0.0.1:{port}", "--host")
    assert failure(endpoint) == "connection refused: nothing listens there"


def test_something_takes_the_call_and_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_client, "POLL_TIMEOUT", 0.2)
    with silent(tmp_path / "dmr.sock"):
        words = failure(parse_host(str(tmp_path / "dmr.sock"), "--host"), TimedOut)
    assert words == "connected, but no answer in time"


def test_a_redirect_to_another_host_is_not_followed() -> None:
    with stand_in(nothing_loaded) as other:

        def away(heard: Heard) -> Told:
            return Told("", 307, {"Location": f"{other.url}/engines/ps"})

        with stand_in(away) as seen:
            assert failure(parse_host(seen.url, "--host"), Rejected).startswith("307")
        assert seen.paths == ["/engines/ps"]
        assert other.heard == []


def test_who_asks_is_said_and_no_origin_is() -> None:
    with stand_in(nothing_loaded) as seen:
        ps(parse_host(seen.url.replace("http://", "http://me:s%40cret@"), "--host"))
    (heard,) = seen.heard
    assert heard.headers["user-agent"].startswith("dmr-tui/")
    assert not {"origin", "referer", "cookie"} & set(heard.headers)
    assert heard.headers["authorization"] == "Basic bWU6c0BjcmV0"


def test_proxies_and_netrc_are_for_the_web(
    monkeypatch: pytest.MonkeyPatch, empty_home: Path
) -> None:
    (empty_home / ".netrc").write_text("machine 127.0.0.1 login me password hidden\n")
    (empty_home / ".netrc").chmod(0o600)
    with stand_in(nothing_loaded) as proxy, stand_in(nothing_loaded) as seen:
        # Without these a proxy would be passed over for this address anyway.
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        ps(parse_host(seen.url, "--host"))
        assert proxy.heard == []
    (heard,) = seen.heard
    assert "authorization" not in heard.headers


def raising(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def wrapped(inner: BaseException) -> httpx.ConnectError:
    """An error as httpx wraps what the system said."""
    error = httpx.ConnectError("all attempts failed")
    error.__cause__ = inner
    return error


def not_accepted(message: str) -> httpx.ConnectError:
    error = ssl.SSLCertVerificationError(1, message)
    error.verify_message = message
    return wrapped(error)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (wrapped(OSError(errno.EHOSTUNREACH, "x")), Unreachable, "no route to that host"),
        (wrapped(OSError(errno.ENETUNREACH, "x")), Unreachable, "no network"),
        (wrapped(OSError(errno.ECONNRESET, "x")), Unreachable, "the connection was reset"),
        (wrapped(socket.gaierror(-2, "x")), Unreachable, "no such host name"),
        (
            wrapped(ExceptionGroup("both", [ConnectionRefusedError(errno.ECONNREFUSED, "x")])),
            Unreachable,
            "connection refused: nothing listens there",
        ),
        (httpx.ConnectError(""), Unreachable, "no connection"),
        (
            not_accepted("IP address mismatch, certificate is not valid for '172.17.0.1'."),
            Unreachable,
            "TLS: the certificate is for another name than this address",
        ),
        (not_accepted("unable to get local issuer certificate"), Unreachable, SIGNED_BY_NOBODY),
        (not_accepted("self-signed certificate"), Unreachable, SIGNED_BY_NOBODY),
        (
            not_accepted("certificate is not yet valid"),
            Unreachable,
            "TLS: the certificate is not yet valid; a wrong clock looks the same",
        ),
        (
            not_accepted("unsupported purpose"),
            Unreachable,
            "TLS: the certificate was not accepted: unsupported purpose",
        ),
        (
            httpx.ConnectTimeout(""),
            TimedOut,
            "no connection in time: a firewall, or a machine that is off",
        ),
        (
            httpx.RemoteProtocolError("Server disconnected without sending a response."),
            BrokenOff,
            "the connection was closed without an answer; the runner may be starting",
        ),
        (
            httpx.RemoteProtocolError("illegal status line"),
            NotARunner,
            "what answers there does not speak HTTP",
        ),
        (
            httpx.ReadError(""),
            BrokenOff,
            "the connection broke in the middle of an answer",
        ),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), BadAnswer, "the answer is not text"),
    ],
)
def test_what_each_failure_is_called(
    error: BaseException, kind: type[RunnerError], words: str
) -> None:
    with pytest.raises(RunnerError) as caught, named_errors():
        raising(error)()
    assert type(caught.value) is kind
    assert str(caught.value) == words
    assert caught.value.__cause__ is error
