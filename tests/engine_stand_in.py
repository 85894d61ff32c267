"""A stand-in for the Docker Engine, in the shapes that a real one answered with."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.stand_in import Heard, StandIn, Told, stand_in

DEBIAN = "Debian GNU/Linux 12 (bookworm)"
DESKTOP = "Docker Desktop"
PREFIX = "/exp/vDD4.40"
LABELS = {
    "com.docker.desktop.service": "model-runner",
    "com.docker.model-runner.role": "controller",
}
HOP_BY_HOP = {"transfer-encoding", "connection", "content-length"}


def container(
    state: str = "running",
    *,
    id: str = "c709c440daf7fc1decff1dd302babdb76eba8ea7ed5332aaa1491509a8ebb4f4",
    name: str = "docker-model-runner",
    labels: dict[str, str] = LABELS,
    ports: Sequence[tuple[str, int]] = (("172.17.0.1", 12434), ("127.0.0.1", 12434)),
    health: str = "",
    restarts: int = 0,
    env: Sequence[str] = (),
    host: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """What `docker inspect` says of a runner's container; `more` goes into its State."""
    bindings: dict[str, Any] = {}
    for ip, port in ports:
        bindings.setdefault(f"{port}/tcp", []).append({"HostIp": ip, "HostPort": str(port)})
    runs = state in {"running", "paused"}
    told: dict[str, Any] = {
        "Status": state,
        "OOMKilled": False,
        "ExitCode": 0,
        "Error": "",
        "StartedAt": "2026-11-22T23:06:41.675423944Z",
        **more,
    }
    if health:
        told["Health"] = {"Status": health, "FailingStreak": 0, "Log": []}
    return {
        "Id": id,
        "Name": f"/{name}",
        "RestartCount": restarts,
        "State": told,
        "HostConfig": {
            "PortBindings": bindings,
            "Runtime": "runc",
            "Devices": None,
            "DeviceRequests": None,
            **(host or {}),
        },
        "Config": {
            "Image": "docker/model-runner:latest",
            "Env": ["MODEL_RUNNER_PORT=12434", "PATH=/bin:/usr/bin", *env],
            "Labels": labels,
        },
        "NetworkSettings": {"Ports": {"12434/tcp": None, **bindings} if runs else {}},
    }


@contextmanager
def docker_engine(
    path: Path,
    *containers: dict[str, Any],
    system: str = DEBIAN,
    kernel: str = "6.18.44",
    runtimes: Sequence[str] = ("io.containerd.runc.v2", "runc"),
    runner: str | None = None,
    listed_only: Sequence[str] = (),
    answers: dict[str, Told] | None = None,
) -> Iterator[StandIn]:
    """An Engine at the socket `path`.

    Docker Desktop's prefix leads to the URL `runner`. Containers in `listed_only` are gone when
    they are asked for by id. `answers` to some paths are others than they would be.
    """
    info = {
        "OperatingSystem": system,
        "KernelVersion": kernel,
        "ServerVersion": "28.3.2",
        "Runtimes": {name: {"path": "runc"} for name in runtimes},
    }

    def answer(heard: Heard) -> Told:
        parts = urlsplit(heard.path)
        if answers and parts.path in answers:
            return answers[parts.path]
        if parts.path == "/info":
            return Told(json.dumps(info))
        if parts.path == "/containers/json":
            return Told(json.dumps(list(_listed(containers, parse_qs(parts.query)))))
        if parts.path.startswith(f"{PREFIX}/") and runner is not None:
            return hand_on(heard, runner)
        for each in containers:
            if parts.path == f"/containers/{each['Id']}/json" and each["Id"] not in listed_only:
                return Told(json.dumps(each))
        return Told('{"message":"page not found"}', 404)

    with stand_in(answer, uds=path) as seen:
        yield seen


def _listed(
    containers: Sequence[dict[str, Any]], query: dict[str, list[str]]
) -> Iterator[dict[str, Any]]:
    """As Docker filters: every label, a pattern of the name, and without `all` only what runs."""
    filters = json.loads(query.get("filters", ["{}"])[0])
    for each in containers:
        labels = [f"{name}={value}" for name, value in each["Config"]["Labels"].items()]
        names = [pattern.strip("^/$") for pattern in filters.get("name", ())]
        wanted = all(label in labels for label in filters.get("label", ()))
        wanted = wanted and (not names or each["Name"].strip("/") in names)
        shown = query.get("all") == ["true"] or each["State"]["Status"] == "running"
        if wanted and shown:
            yield {"Id": each["Id"], "Names": [each["Name"]], "State": each["State"]["Status"]}


def hand_on(heard: Heard, runner: str) -> Told:
    """What the runner at the URL `runner` answers to the same request, as it comes."""
    path = heard.path.removeprefix(PREFIX)
    headers = {k: v for k, v in heard.headers.items() if k not in {"host", *HOP_BY_HOP}}
    with ExitStack() as stack:
        # As long as the runner thinks: a stream is silent, and a load takes its time.
        client = stack.enter_context(httpx.Client(trust_env=False, timeout=None))
        answer = stack.enter_context(
            client.stream(heard.method, f"{runner}{path}", headers=headers, content=heard.body)
        )
        kept = {k: v for k, v in answer.headers.items() if k not in HOP_BY_HOP}
        return Told(_pieces(answer, stack.pop_all()), answer.status_code, kept)


def _pieces(answer: httpx.Response, opened: ExitStack) -> Iterator[bytes]:
    with opened:
        yield from answer.iter_raw()
