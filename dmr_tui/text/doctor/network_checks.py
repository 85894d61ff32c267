"""Checks of the way to the runner: addresses, names, TLS, proxies, clocks."""

import shlex
from collections.abc import Iterator

from dmr_tui.machine.surroundings import bypasses
from dmr_tui.runner.discovery.docker_contexts import DEFAULT
from dmr_tui.runner.endpoint import CONTAINER_HOST, DEFAULT_PORT
from dmr_tui.runner.errors.table import ENABLE_ON_DESKTOP, INSTALL_ON_LINUX
from dmr_tui.runner.names import shell_word
from dmr_tui.state.snapshot import Attempt
from dmr_tui.text.doctor.check import Check, Result, Step
from dmr_tui.text.doctor.facts import Facts

GROUP = "Where the runner is"
WAY = "The way to it"
CLOCK_S = 5.0
"""Seconds that two clocks may differ before times on the screens mislead."""
OPEN = "the runner's API has no password: open it to a network that you trust, and to no other"


def find_places(facts: Facts) -> Iterator[Check]:
    """One check for each address that was tried, and for what chose it."""
    for note in facts.doctor.places.notes:
        yield Check(GROUP, "what was written down", "warning", note)
    contexts = facts.doctor.places.contexts
    if facts.doctor.places.context:
        name = facts.doctor.places.context
        active = contexts is not None and contexts.active == name != DEFAULT
        why = "the active one of docker model context" if active else "chosen"
        yield Check(GROUP, "context", "ok", f"{name}, {why}")
    elif contexts is not None and contexts.named:
        names = ", ".join(each.name for each in contexts.named)
        told = f"none is used; there are {names}" if contexts.active == DEFAULT else contexts.active
        yield Check(GROUP, "context", "note", told)
    attempts = facts.snapshot.attempts
    if not attempts:
        yield Check(GROUP, "addresses", "unknown", "none was tried yet")
    won = False
    for attempt in attempts:
        first, won = attempt.ok and not won, won or attempt.ok
        yield _tried(attempt, facts, first)
    runner = facts.snapshot.runner
    if runner.up is False and runner.down_since is not None:
        yield Check(GROUP, "now", "problem", f"it stopped answering: {runner.down_reason}")


def _tried(attempt: Attempt, facts: Facts, first: bool) -> Check:
    endpoint = attempt.endpoint
    evidence = f"{attempt.answer} ({endpoint.rule})"
    if attempt.ok:
        if first:
            return Check(GROUP, endpoint.label, "ok", evidence)
        return Check(GROUP, endpoint.label, "note", f"another runner answers ({endpoint.rule})")
    fix = () if facts.up else _way_out(attempt, facts)
    # One of several usual places is no problem of its own: Docker tells why there is none.
    result: Result = "problem" if fix or (facts.doctor.explicit and not facts.up) else "note"
    return Check(GROUP, endpoint.label, result, evidence, fix)


def _way_out(attempt: Attempt, facts: Facts) -> tuple[Step, ...]:
    """The way out of a failed address; nothing where a check of Docker says it better."""
    endpoint, answer = attempt.endpoint, attempt.answer
    if "speaks TLS" in answer:
        secure = shlex.quote(f"https://{endpoint.url.removeprefix('http://')}")
        return (Step(command=f"dmr-tui --host {secure}"),)
    if endpoint.tls:
        return _tls_way_out(attempt)
    if "not Docker Model Runner" in answer:
        port = endpoint.url.rpartition(":")[2]
        other = Step("another program may use the port", f"sudo ss -ltnp 'sport = :{port}'")
        paths = Step("a path that belongs to the address may be missing: write it behind the port")
        return (other,) if port.isdigit() else (paths,)
    if endpoint.socket is not None and not facts.doctor.engines:
        return _socket_way_out(attempt)
    if not facts.doctor.explicit:
        return ()
    if attempt.error == "TimedOut":
        return (
            Step("a firewall drops the connection, the computer is off, or its runner is paused"),
            Step("on that computer", f"curl http://localhost:{DEFAULT_PORT}/engines/status"),
        )
    if "no such host name" in answer:
        return (Step(f"the name is wrong, or the name server does not know it: {endpoint.host}"),)
    if endpoint.is_this_machine:
        return (
            Step("with Docker Desktop", ENABLE_ON_DESKTOP),
            Step("with Docker Engine", INSTALL_ON_LINUX, "docker model install-runner"),
            Step("or leave the address out, and every usual place is looked at"),
        )
    return (
        Step(
            "Docker Desktop listens on its own computer only: forward the port,"
            f" ssh -L {DEFAULT_PORT}:localhost:{DEFAULT_PORT} {shell_word(endpoint.host, 'HOST')}"
        ),
        Step("Docker Engine, on that computer", "docker model reinstall-runner --host 0.0.0.0"),
        Step(OPEN),
    )


def _socket_way_out(attempt: Attempt) -> tuple[Step, ...]:
    if "permission" in attempt.answer:
        path = shlex.quote(attempt.endpoint.socket or "")
        return (Step("ask for the right to use it", f"ls -l {path}"),)
    if "no such socket" in attempt.answer:
        return (Step("the path is wrong, or the runner that makes the socket does not run"),)
    return (Step("the socket is left over: nothing listens there; start the runner again"),)


def _tls_way_out(attempt: Attempt) -> tuple[Step, ...]:
    endpoint, answer = attempt.endpoint, attempt.answer
    if "plain HTTP" in answer:
        plain = shlex.quote(f"http://{endpoint.url.removeprefix('https://')}")
        return (
            Step(command=f"dmr-tui --host {plain}"),
            Step("or the port for TLS: 12444, 12445 on Docker Cloud"),
        )
    if "another name" in answer:
        return (
            Step(
                "its own certificates are for localhost, docker-model-runner, 127.0.0.1 and ::1:"
                " use one of these"
            ),
            Step(
                "or a certificate for this name",
                "docker model reinstall-runner --tls --tls-cert FILE --tls-key FILE",
            ),
        )
    if "nobody whom" in answer:
        return (
            Step(
                command="docker cp docker-model-runner:"
                "/home/modelrunner/.docker/model-runner/certs/ca.crt ca.crt"
            ),
            Step(command="dmr-tui --tls-ca-cert ca.crt"),
            Step("or, where nobody can listen in", "dmr-tui --tls-skip-verify"),
        )
    if attempt.error == "BadCertificates":
        return (Step("name the file with --tls-ca-cert or MODEL_RUNNER_TLS_CA_CERT"),)
    if "clock" in answer:
        return (Step("date -u shows the clock of this computer"),)
    tls = "docker model reinstall-runner --tls"
    return (Step("a runner that speaks TLS, on port 12444", tls),)


def find_way(facts: Facts) -> Iterator[Check]:
    """Names, TLS, proxies and clocks."""
    yield from _names(facts)
    yield from _tls(facts)
    yield from _proxies(facts)
    yield from _clock(facts)


def _names(facts: Facts) -> Iterator[Check]:
    if facts.doctor.surroundings is None:
        return
    tried = {attempt.endpoint.host for attempt in facts.snapshot.attempts}
    for host, told in facts.doctor.surroundings.names.items():
        if host not in tried or host.replace(".", "").isdigit() or ":" in host:
            continue
        if told.value is not None:
            yield Check(WAY, f"name {host}", "ok", told.value)
            continue
        wanted = facts.doctor.explicit and not facts.up
        result: Result = "problem" if wanted else "note"
        fix: tuple[Step, ...] = ()
        if host == CONTAINER_HOST:
            fix = (Step("in Compose: extra_hosts: ['model-runner.docker.internal:host-gateway']"),)
        yield Check(WAY, f"name {host}", result, told.reason, fix if not facts.up else ())


def _tls(facts: Facts) -> Iterator[Check]:
    endpoint = facts.snapshot.runner.endpoint
    if not facts.up or endpoint is None:
        return
    if not endpoint.tls:
        if not endpoint.is_this_machine:
            evidence = "prompts and answers cross the network unencrypted"
            fix = (Step("on that computer", "docker model reinstall-runner --tls"),)
            yield Check(WAY, "TLS", "note", evidence, fix)
        return
    if endpoint.verify:
        by = endpoint.ca or "DMR's own authority, where it is here, or the system's"
        yield Check(WAY, "TLS", "ok", f"the certificate was checked with {by}")
        return
    evidence = "the certificate is not checked: whoever is in between can read and answer"
    step = Step("to have it checked", "dmr-tui --tls-ca-cert FILE")
    yield Check(WAY, "TLS", "warning", evidence, (step,))


def _proxies(facts: Facts) -> Iterator[Check]:
    around = facts.doctor.surroundings
    if around is None:
        return
    if not around.proxies:
        yield Check(WAY, "proxy variables", "ok", "none is set")
        return
    hosts = {attempt.endpoint.host for attempt in facts.snapshot.attempts} - {""}
    through = sorted(host for host in hosts if not bypasses(around.no_proxy, host))
    names = ", ".join(around.proxies)
    left_out = shlex.quote(",".join(filter(None, [around.no_proxy, *through])))
    if not through:
        yield Check(WAY, "proxy variables", "ok", f"{names}; NO_PROXY leaves the runner out")
        return
    yield Check(
        WAY,
        "proxy variables",
        "warning",
        f"{names}: dmr-tui goes past them, but curl, SDKs and n8n send calls to"
        f" {', '.join(through)} to the proxy",
        (Step(command=f"export NO_PROXY={left_out}"),),
    )


def _clock(facts: Facts) -> Iterator[Check]:
    if not facts.up or not facts.doctor.clock_known:
        return
    offset = facts.snapshot.clock_offset
    if abs(offset) <= CLOCK_S:
        yield Check(WAY, "clock", "ok", "the runner's clock and this one agree")
        return
    ahead = "ahead of" if offset > 0 else "behind"
    yield Check(
        WAY,
        "clock",
        "warning",
        f"the runner's clock is {abs(offset):.0f} s {ahead} this one; dmr-tui allows for it,"
        " logs read side by side do not",
        (Step("after a computer slept, its virtual machine may lag: restart Docker"),),
    )
