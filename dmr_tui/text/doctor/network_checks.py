"""Checks of the way to the runner: addresses, names, TLS, proxies, clocks."""

import shlex
from collections.abc import Iterator

from dmr_tui.machine.surroundings import bypasses
from dmr_tui.runner.discovery.docker_contexts import DEFAULT
from dmr_tui.runner.endpoint import CONTAINER_HOST, DEFAULT_PORT
from dmr_tui.runner.errors.table import ENABLE_ON_DESKTOP, INSTALL_ON_LINUX
from dmr_tui.runner.names import shell_word
from dmr_tui.state.snapshot import Attempt
from dmr_tui.text.doctor.check import Check, Facts, Group, Result, Step

PLACES = Group("Where the runner is")
WAY = Group("The way to it")
CLOCK_S = 5.0
"""Seconds that two clocks may differ before times on the screens mislead."""
OPEN = "the runner's API has no password: open it to a network that you trust, and to no other"


def find_places(facts: Facts) -> Iterator[Check]:
    """Check each address that was tried, and what chose it."""
    for note in facts.doctor.places.notes:
        yield PLACES("what was written down", "warning", note)
    contexts, name = facts.doctor.places.contexts, facts.doctor.places.context
    if name:
        active = contexts is not None and contexts.active == name != DEFAULT
        why = "the active one of docker model context" if active else "chosen"
        yield PLACES("context", "ok", f"{name}, {why}")
    elif contexts is not None and contexts.named:
        names = ", ".join(each.name for each in contexts.named)
        unused = f"none is used; there are {names}"
        evidence = unused if contexts.active == DEFAULT else contexts.active
        yield PLACES("context", "note", evidence)
    attempts = facts.snapshot.attempts
    if not attempts:
        yield PLACES("addresses", "unknown", "none was tried yet")
    first = next((attempt for attempt in attempts if attempt.ok), None)
    for attempt in attempts:
        yield _tried(attempt, facts, first)
    runner = facts.snapshot.runner
    if runner.up is False and runner.down_since is not None:
        yield PLACES("now", "problem", f"it stopped answering: {runner.down_reason}")


def _tried(attempt: Attempt, facts: Facts, first: Attempt | None) -> Check:
    label, rule = attempt.endpoint.label, attempt.endpoint.rule
    if attempt.ok and attempt is not first:
        return PLACES(label, "note", f"another runner answers ({rule})")
    evidence = f"{attempt.answer} ({rule})"
    if attempt.ok:
        return PLACES(label, "ok", evidence)
    fix = () if facts.up else tuple(_way_out(attempt, facts))
    # One of several usual places is no problem of its own: Docker's checks say why.
    bad = fix or (facts.doctor.explicit and not facts.up)
    return PLACES(label, "problem" if bad else "note", evidence, *fix)


def _way_out(attempt: Attempt, facts: Facts) -> Iterator[Step]:
    """The way out of a failed address; nothing where a check of Docker says it better."""
    endpoint, answer = attempt.endpoint, attempt.answer
    if "speaks TLS" in answer:
        secure = shlex.quote(f"https://{endpoint.url.removeprefix('http://')}")
        yield Step(command=f"dmr-tui --host {secure}")
    elif endpoint.tls:
        yield from _tls_way_out(attempt)
    elif "not Docker Model Runner" in answer:
        port = endpoint.url.rpartition(":")[2]
        if port.isdigit():
            yield Step("another program may use the port", f"sudo ss -ltnp 'sport = :{port}'")
        else:
            missing = "a path that belongs to the address may be missing"
            yield Step(f"{missing}: write it behind the port")
    elif endpoint.socket is not None and not facts.doctor.engines:
        yield _socket_way_out(attempt)
    elif not facts.doctor.explicit:
        return
    elif attempt.error == "TimedOut":
        yield Step("a firewall drops the connection, the computer is off, or its runner is paused")
        yield Step("on that computer", f"curl http://localhost:{DEFAULT_PORT}/engines/status")
    elif "no such host name" in answer:
        yield Step(f"the name is wrong, or the name server does not know it: {endpoint.host}")
    elif endpoint.is_this_machine:
        yield Step("with Docker Desktop", ENABLE_ON_DESKTOP)
        yield Step("with Docker Engine", INSTALL_ON_LINUX, "docker model install-runner")
        yield Step("or leave the address out, and every usual place is looked at")
    else:
        tunnel = f"ssh -L {DEFAULT_PORT}:localhost:{DEFAULT_PORT}"
        yield Step(
            "Docker Desktop listens on its own computer only: forward the port,"
            f" {tunnel} {shell_word(endpoint.host, 'HOST')}"
        )
        open_it = "docker model reinstall-runner --host 0.0.0.0"
        yield Step("Docker Engine, on that computer", open_it)
        yield Step(OPEN)


def _socket_way_out(attempt: Attempt) -> Step:
    if "permission" in attempt.answer:
        path = shlex.quote(attempt.endpoint.socket or "")
        return Step("ask for the right to use it", f"ls -l {path}")
    if "no such socket" in attempt.answer:
        return Step("the path is wrong, or the runner that makes the socket does not run")
    return Step("the socket is left over: nothing listens there; start the runner again")


def _tls_way_out(attempt: Attempt) -> Iterator[Step]:
    answer = attempt.answer
    if "plain HTTP" in answer:
        plain = shlex.quote(f"http://{attempt.endpoint.url.removeprefix('https://')}")
        yield Step(command=f"dmr-tui --host {plain}")
        yield Step("or the port for TLS: 12444, 12445 on Docker Cloud")
    elif "another name" in answer:
        names = "localhost, docker-model-runner, 127.0.0.1 and ::1"
        yield Step(f"its own certificates are for {names}: use one of these")
        command = "docker model reinstall-runner --tls --tls-cert FILE --tls-key FILE"
        yield Step("or a certificate for this name", command)
    elif "nobody whom" in answer:
        certificate = "/home/modelrunner/.docker/model-runner/certs/ca.crt"
        yield Step(command=f"docker cp docker-model-runner:{certificate} ca.crt")
        yield Step(command="dmr-tui --tls-ca-cert ca.crt")
        yield Step("or, where nobody can listen in", "dmr-tui --tls-skip-verify")
    elif attempt.error == "BadCertificates":
        yield Step("name the file with --tls-ca-cert or MODEL_RUNNER_TLS_CA_CERT")
    elif "clock" in answer:
        yield Step("date -u shows the clock of this computer")
    else:
        tls = "docker model reinstall-runner --tls"
        yield Step("a runner that speaks TLS, on port 12444", tls)


def find_way(facts: Facts) -> Iterator[Check]:
    """Check names, TLS, proxies and clocks."""
    yield from _names(facts)
    yield from _tls(facts)
    if facts.doctor.surroundings is not None:
        yield _proxies(facts)
    if facts.up and facts.doctor.clock_known:
        yield _clock(facts)


def _names(facts: Facts) -> Iterator[Check]:
    tried = {attempt.endpoint.host for attempt in facts.snapshot.attempts}
    for host, address in facts.around.names.items():
        if host not in tried or host.replace(".", "").isdigit() or ":" in host:
            continue
        if address.value is not None:
            yield WAY(f"name {host}", "ok", address.value)
        elif facts.up:
            yield WAY(f"name {host}", "note", address.reason)
        else:
            step = Step("in Compose: extra_hosts: ['model-runner.docker.internal:host-gateway']")
            fix = (step,) if host == CONTAINER_HOST else ()
            result: Result = "problem" if facts.doctor.explicit else "note"
            yield WAY(f"name {host}", result, address.reason, *fix)


def _tls(facts: Facts) -> Iterator[Check]:
    endpoint = facts.snapshot.runner.endpoint
    if not facts.up or endpoint is None:
        return
    if not endpoint.tls and not endpoint.is_this_machine:
        evidence = "prompts and answers cross the network unencrypted"
        step = Step("on that computer", "docker model reinstall-runner --tls")
        yield WAY("TLS", "note", evidence, step)
    elif endpoint.tls and endpoint.verify:
        by = endpoint.ca or "DMR's own authority, where it is here, or the system's"
        yield WAY("TLS", "ok", f"the certificate was checked with {by}")
    elif endpoint.tls:
        evidence = "the certificate is not checked: whoever is in between can read and answer"
        step = Step("to have it checked", "dmr-tui --tls-ca-cert FILE")
        yield WAY("TLS", "warning", evidence, step)


def _proxies(facts: Facts) -> Check:
    name, around = "proxy variables", facts.around
    if not around.proxies:
        return WAY(name, "ok", "none is set")
    hosts = {attempt.endpoint.host for attempt in facts.snapshot.attempts} - {""}
    through = sorted(host for host in hosts if not bypasses(around.no_proxy, host))
    names = ", ".join(around.proxies)
    if not through:
        return WAY(name, "ok", f"{names}; NO_PROXY leaves the runner out")
    evidence = (
        f"{names}: dmr-tui goes past them, but curl, SDKs and n8n send calls to"
        f" {', '.join(through)} to the proxy"
    )
    left_out = shlex.quote(",".join(filter(None, [around.no_proxy, *through])))
    return WAY(name, "warning", evidence, Step(command=f"export NO_PROXY={left_out}"))


def _clock(facts: Facts) -> Check:
    offset = facts.snapshot.clock_offset
    if abs(offset) <= CLOCK_S:
        return WAY("clock", "ok", "the runner's clock and this one agree")
    evidence = (
        f"the runner's clock is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'}"
        " this one; dmr-tui allows for it, logs read side by side do not"
    )
    step = Step("after a computer slept, its virtual machine may lag: restart Docker")
    return WAY("clock", "warning", evidence, step)
