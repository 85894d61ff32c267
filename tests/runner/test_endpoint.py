"""What a person may write as the address of the runner."""

import pytest

from dmr_tui.runner.endpoint import BadHost, Endpoint, candidates, parse_host


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
        ("model-runner.docker.internal", "http://model-runner.docker.internal"),
        (
            "http://model-runner.docker.internal/engines/llama.cpp/v1",
            "http://model-runner.docker.internal",
        ),
        ("http://gateway", "http://gateway"),
        ("tcp://10.0.0.7", "http://10.0.0.7:12434"),
        ("https://runner.example/engines/v1", "https://runner.example"),
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
    ],
)
def test_unix_sockets(text: str, path: str) -> None:
    endpoint = parse_host(text, "--host")
    assert endpoint.socket == path
    assert endpoint.label == path
    assert endpoint.is_this_machine


@pytest.mark.parametrize(
    "text", ["", "   ", "ftp://localhost", "http://", "http://a b", "localhost:abc", "a\x1b[2Jb"]
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
    ("text", "local"),
    [("localhost:1", True), ("127.0.0.2:1", True), ("[::1]:1", True), ("172.17.0.1:12434", False)],
)
def test_this_machine_is_loopback(text: str, local: bool) -> None:
    assert parse_host(text, "--host").is_this_machine is local


def test_a_named_host_is_the_only_candidate() -> None:
    (endpoint,) = candidates("runner:1", "MODEL_RUNNER_HOST")
    assert endpoint == Endpoint("http://runner:1", "MODEL_RUNNER_HOST")


def test_without_a_name_the_usual_places_are_tried() -> None:
    assert [e.url for e in candidates(None, in_container=False)] == ["http://localhost:12434"]
    assert [e.url for e in candidates(None, in_container=True)] == [
        "http://localhost:12434",
        "http://model-runner.docker.internal",
        "http://172.17.0.1:12434",
    ]
