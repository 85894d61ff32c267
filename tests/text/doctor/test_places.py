"""What the doctor says of addresses, names, TLS, proxies and clocks."""

import shlex
from dataclasses import replace
from typing import Any

import pytest

from dmr_tui.machine.reading import Reading
from dmr_tui.runner.discovery.docker_contexts import Contexts, NamedContext
from dmr_tui.runner.endpoint import TlsOptions, parse_host
from dmr_tui.state.snapshot import Runner
from dmr_tui.text.doctor.check import Check
from dmr_tui.text.doctor.network_checks import find_places, find_way
from tests.text.doctor import facts as made
from tests.text.doctor.facts import LOOKING, REFUSED, around, attempt, check, down, facts
from tests.ui import still
from tests.ui.still import snapshot


def tried(host: str, answer: str, error: str = "Unreachable", **more: Any) -> Check:
    """The check of an address that a person has named and that failed."""
    endpoint = parse_host(host, "--host", more.pop("tls", TlsOptions()))
    told = facts(down(attempt(endpoint, answer, error)), places=made.named(host), **more)
    return check(find_places(told), endpoint.label)


def steps(found: Check) -> str:
    assert found.result == "problem"
    return " | ".join(found.fix)


def test_every_address_that_was_tried_with_what_chose_it() -> None:
    attempts = (attempt("box", REFUSED), attempt(), attempt("spare"))
    checks = list(find_places(facts(snapshot(attempts=attempts))))
    assert [(each.name, each.result, each.evidence) for each in checks] == [
        ("box:12434", "note", f"{REFUSED} (--host)"),
        ("localhost:12434", "ok", "a runner answers (default)"),
        ("spare:12434", "note", "another runner answers (--host)"),
    ]
    assert not any(each.fix for each in checks)


def test_before_anything_was_tried() -> None:
    told = facts(replace(down(), attempts=()))
    assert check(find_places(told), "addresses").result == "unknown"


def test_where_docker_says_it_better_an_address_has_no_advice() -> None:
    found = check(find_places(facts(down())), "localhost:12434")
    assert (found.result, found.fix) == ("note", ())


def test_a_port_that_is_open_and_not_a_runner() -> None:
    words = "something answers, but not Docker Model Runner (404: nginx)"
    told = steps(tried("localhost:12434", words, "Rejected"))
    assert "sudo ss -ltnp 'sport = :12434'" in told
    assert "a path that belongs to the address" in steps(tried("http://proxy/dmr", words))


@pytest.mark.parametrize("host", ["localhost:12444", "http://[::1]:12444"])
def test_http_to_the_tls_port(host: str) -> None:
    told = steps(tried(host, "this port speaks TLS: write https://", "Rejected"))
    assert told.replace("'", "") == f"dmr-tui --host https://{host.removeprefix('http://')}"


def test_https_to_the_plain_port() -> None:
    told = steps(tried("https://localhost:12434", "TLS: this port speaks plain HTTP"))
    assert "dmr-tui --host http://localhost:12434" in told
    assert "12444, 12445 on Docker Cloud" in told


@pytest.mark.parametrize(
    ("answer", "error", "fix"),
    [
        (
            "TLS: nobody whom this computer trusts has signed the certificate",
            "Unreachable",
            "dmr-tui --tls-ca-cert ca.crt",
        ),
        (
            "TLS: nobody whom this computer trusts has signed the certificate",
            "Unreachable",
            "/home/modelrunner/.docker/model-runner/certs/ca.crt ca.crt",
        ),
        (
            "TLS: the certificate is for another name than this address",
            "Unreachable",
            "localhost, docker-model-runner, 127.0.0.1 and ::1",
        ),
        (
            "TLS: the certificate has expired; a wrong clock looks the same",
            "Unreachable",
            "date -u shows the clock",
        ),
        ("TLS: there is no file ca.crt", "BadCertificates", "--tls-ca-cert"),
        (
            REFUSED,
            "Unreachable",
            "a runner that speaks TLS, on port 12444: docker model reinstall-runner --tls",
        ),
    ],
)
def test_mistakes_with_tls(answer: str, error: str, fix: str) -> None:
    found = tried("https://box:12444", answer, error)
    assert fix in steps(found)
    assert found.evidence == f"{answer} (--host)"
    skip = any("--tls-skip-verify" in step for step in found.fix)
    assert skip is ("nobody whom" in answer), "the check is not left out for any other reason"


@pytest.mark.parametrize(
    ("answer", "fix"),
    [
        ("no permission to use the socket", "ls -l /run/dmr.sock"),
        ("no such socket", "the path is wrong"),
        (REFUSED, "the socket is left over"),
    ],
)
def test_a_unix_socket_that_fails(answer: str, fix: str) -> None:
    assert fix in steps(tried("/run/dmr.sock", answer))


def test_a_computer_that_does_not_answer() -> None:
    told = steps(tried("box:1", "no connection in time: a firewall", "TimedOut"))
    assert "a firewall drops the connection" in told
    assert "its runner is paused" in told


def test_a_computer_that_refuses() -> None:
    told = steps(tried("box", REFUSED))
    assert "ssh -L 12434:localhost:12434 box" in told
    assert "reinstall-runner --host 0.0.0.0" in told
    assert "no password" in told
    here = steps(tried("localhost:9", REFUSED))
    assert "docker desktop enable model-runner --tcp 12434" in here
    assert "docker-model-plugin, then docker model install-runner" in here
    assert "ssh" not in here


def test_a_name_that_nobody_knows() -> None:
    assert "it: nobody" in steps(tried("nobody", "no such host name"))


@pytest.mark.parametrize("host", ["box;reboot", "$(reboot)", "-oProxyCommand=reboot", "`x`", "a&b"])
def test_an_address_that_a_shell_would_run_is_quoted_or_left_out(host: str) -> None:
    for answer, error in (
        (REFUSED, "Unreachable"),
        ("this port speaks TLS", "Rejected"),
        ("something answers, but not Docker Model Runner", "Rejected"),
    ):
        for step in tried(host, answer, error).fix:
            # With https:// before it, it can be no option.
            url = shlex.quote(f"https://{host.lower()}:12434")
            assert host.lower() not in step.replace(url, "")
    assert "'http://a&b:1'" in steps(tried("https://a&b:1", "TLS: this port speaks plain HTTP"))
    assert "ls -l '/tmp/$(x).sock'" in steps(tried("/tmp/$(x).sock", "no permission to use it"))


def test_what_was_written_down_and_cannot_be_used() -> None:
    places = replace(LOOKING, notes=("contexts.json cannot be read: because",))
    found = check(find_places(facts(places=places)), "what was written down")
    assert (found.result, found.evidence) == ("warning", "contexts.json cannot be read: because")


def test_the_context() -> None:
    named = (NamedContext("c44", "localhost"), NamedContext("gpu", "gpu.lan"))
    contexts = Contexts("/x", "c44", named)

    def told(**more: Any) -> str:
        return check(find_places(facts(places=replace(LOOKING, **more))), "context").evidence

    assert told(contexts=contexts, context="c44") == "c44, the active one of docker model context"
    assert told(contexts=contexts, context="gpu") == "gpu, chosen"
    assert told(contexts=Contexts("/x"), context="default") == "default, chosen"
    assert told(contexts=Contexts("/x", named=named)) == "none is used; there are c44, gpu"
    assert "context" not in [each.name for each in find_places(facts())]


def test_a_runner_that_stopped() -> None:
    runner = Runner(False, still.HERE, down_since=still.NOW - 9, down_reason=REFUSED)
    found = check(find_places(facts(down(attempt(), runner=runner))), "now")
    assert (found.result, found.evidence) == ("problem", f"it stopped answering: {REFUSED}")


def name(host: str, reading: Reading[str], up: bool = False, explicit: bool = True) -> Check:
    taken = attempt(host) if up else attempt(host, "no such host name")
    told = facts(
        snapshot(attempts=(taken,)) if up else down(taken),
        places=made.named(host) if explicit else LOOKING,
        surroundings=around(names={host: reading, "other": reading}),
    )
    return check(find_way(told), f"name {host}")


def test_names() -> None:
    known: Reading[str] = Reading("10.0.0.7")
    unknown: Reading[str] = Reading(None, "no address is known for it")
    assert (name("box", known).result, name("box", known).evidence) == ("ok", "10.0.0.7")
    assert name("box", unknown).result == "problem"
    assert name("box", unknown).evidence == "no address is known for it"
    assert name("box", unknown, explicit=False).result == "note"
    internal = name("model-runner.docker.internal", unknown)
    assert "extra_hosts: ['model-runner.docker.internal:host-gateway']" in internal.fix[0]
    assert name("model-runner.docker.internal", unknown, up=True).fix == ()
    numbers = {"10.0.0.7": known, "::1": known}
    told = facts(down(attempt("10.0.0.7", REFUSED)), surroundings=around(names=numbers))
    assert [each.name for each in find_way(told)] == ["proxy variables"]


def way(host: str, wish: TlsOptions | None = None) -> list[Check]:
    """The checks of the way to a runner that answers there."""
    endpoint = parse_host(host, "--host", wish or TlsOptions())
    runner = replace(snapshot().runner, endpoint=endpoint)
    return list(find_way(facts(snapshot(runner=runner, attempts=(attempt(endpoint),)))))


def test_tls() -> None:
    checked = check(way("https://box", TlsOptions(ca="/etc/ca.crt")), "TLS")
    assert (checked.result, checked.evidence) == (
        "ok",
        "the certificate was checked with /etc/ca.crt",
    )
    assert "DMR's own authority" in check(way("https://box"), "TLS").evidence
    skipped = check(way("https://box", TlsOptions(skip_verify=True)), "TLS")
    assert skipped.result == "warning"
    assert "not checked" in skipped.evidence
    assert "--tls-ca-cert" in skipped.fix[0]
    open_ = check(way("http://box"), "TLS")
    assert (open_.result, open_.evidence) == (
        "note",
        "prompts and answers cross the network unencrypted",
    )
    assert "TLS" not in [each.name for each in way("localhost")]


def proxies(names: tuple[str, ...], no_proxy: str = "", host: str = "box") -> Check:
    told = facts(
        snapshot(attempts=(attempt(host), attempt("/run/dmr.sock", REFUSED))),
        surroundings=around(proxies=names, no_proxy=no_proxy),
    )
    return check(find_way(told), "proxy variables")


def test_proxy_variables() -> None:
    assert proxies(()).result == "ok"
    found = proxies(("HTTP_PROXY", "ALL_PROXY"), "intern.lan")
    assert found.result == "warning"
    assert "HTTP_PROXY, ALL_PROXY: dmr-tui goes past them" in found.evidence
    assert "calls to box to the proxy" in found.evidence
    assert found.fix == ("export NO_PROXY=intern.lan,box",)
    assert proxies(("HTTP_PROXY",), "box").result == "ok"
    assert proxies(("HTTP_PROXY",), host="a;b").fix == ("export NO_PROXY='a;b'",)


@pytest.mark.parametrize(
    ("offset", "result", "words"),
    [
        (0.4, "ok", "agree"),
        (-5.0, "ok", "agree"),
        (8.0, "warning", "8 s ahead of this one"),
        (-90.0, "warning", "90 s behind this one"),
    ],
)
def test_the_clock(offset: float, result: str, words: str) -> None:
    taken = snapshot(clock_offset=offset)
    found = check(find_way(facts(taken, clock_known=True)), "clock")
    assert found.result == result
    assert words in found.evidence
    assert bool(found.fix) is (result == "warning")
    assert "clock" not in [each.name for each in find_way(facts(taken))], "unknown is not zero"


def test_before_the_computer_was_looked_at() -> None:
    read = facts()
    assert list(find_way(replace(read, doctor=replace(read.doctor, surroundings=None)))) == []
