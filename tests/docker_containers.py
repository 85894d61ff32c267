"""Containers of the runner as a Docker Engine 20.10 told of them, in each state seen there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NAME = "docker-model-runner"
LABELS = {
    "com.docker.desktop.service": "model-runner",
    "com.docker.model-runner.role": "controller",
}
LOOPBACK, BRIDGE = "127.0.0.1", "172.17.0.1"
NEVER = "0001-01-01T00:00:00Z"
HOST_MEMORY = 25_276_502_016
GPU_REQUEST = {
    "Driver": "",
    "Count": -1,
    "DeviceIDs": [],
    "Capabilities": [["gpu"]],
    "Options": {},
}


@dataclass(frozen=True, slots=True)
class Controller:
    """A container in which a runner lives; sizes in bytes."""

    state: str = "running"
    """"created", "running", "paused", "restarting", "exited" or "dead"."""
    ports: Sequence[tuple[str, int]] = ((LOOPBACK, 12434), (BRIDGE, 12434))
    """Where it is published: address and port, which is the same inside."""
    error: str = ""
    gpus: bool = False
    exit_code: int = 0
    health: str = ""
    """"starting", "healthy", "unhealthy"; empty without a health check."""
    oom_killed: bool = False
    restarts: int = 0
    memory: int = 0
    """Its limit; 0 for none."""
    tls_port: int | None = None
    """The one of `ports` that speaks TLS."""
    name: str = NAME
    image: str = ""
    """Empty for the one that fits `gpus`."""
    labelled: bool = True
    id: str = "c709c440daf7fc1decff1dd302babdb76eba8ea7ed5332aaa1491509a8ebb4f4"
    started_at: str = "2026-11-22T23:06:41.675423944Z"

    @property
    def runs(self) -> bool:
        """Whether Docker calls it running; a paused one and one between two starts do."""
        return self.state in {"running", "paused", "restarting"}

    @property
    def has_process(self) -> bool:
        """Whether there is a process in it."""
        return self.state in {"running", "paused"}

    @property
    def labels(self) -> dict[str, str]:
        """The labels by which it is found."""
        return dict(LABELS) if self.labelled else {}

    @property
    def tag(self) -> str:
        """Its image."""
        return self.image or f"docker/model-runner:latest{'-cuda' if self.gpus else ''}"

    def listed(self) -> dict[str, Any]:
        """An entry of `GET /containers/json`."""
        published = [
            {"IP": ip, "PrivatePort": port, "PublicPort": port, "Type": "tcp"}
            for ip, port in self.ports
        ]
        return {
            "Id": self.id,
            "Names": [f"/{self.name}"],
            "Image": self.tag,
            "ImageID": "sha256:b7ee483ea2afb6cb089cc61ecd57c08374e1847e2b708760be925fd4cf42259c",
            "Command": "/app/model-runner serve",
            "Created": 1_795_388_801,
            "Ports": published if self.has_process else [],
            "Labels": self.labels,
            "State": self.state,
            "Status": self._status(),
            "HostConfig": {"NetworkMode": "default"},
            "NetworkSettings": {"Networks": {"bridge": {"Gateway": BRIDGE}}},
            "Mounts": [],
        }

    def inspected(self) -> dict[str, Any]:
        """The answer of `GET /containers/ID/json`."""
        bindings: dict[str, list[dict[str, str]]] = {}
        for ip, port in self.ports:
            bindings.setdefault(f"{port}/tcp", []).append({"HostIp": ip, "HostPort": str(port)})
        return {
            "Id": self.id,
            "Created": "2026-11-22T23:06:41.403422419Z",
            "Path": "/app/model-runner",
            "Args": ["serve"],
            "State": self._state(),
            "Name": f"/{self.name}",
            "RestartCount": self.restarts,
            "HostConfig": {
                "PortBindings": bindings,
                "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0},
                "Runtime": "runc",
                "Memory": self.memory,
                "Devices": None,
                "DeviceRequests": [GPU_REQUEST] if self.gpus else None,
            },
            "Config": {"Image": self.tag, "Env": self._env(), "Labels": self.labels},
            # What does not run publishes nothing.
            "NetworkSettings": {"Ports": bindings if self.has_process else {}},
            "Mounts": [],
        }

    def stats(self) -> dict[str, Any]:
        """The answer of `GET /containers/ID/stats`, as far as it concerns memory."""
        counted = {"cache": 25_833_472, "rss": 9_121_792, "mapped_file": 23_330_816}
        memory = {
            "usage": 35_864_576,
            "limit": self.memory or HOST_MEMORY,
            "stats": {**counted, **{f"total_{key}": value for key, value in counted.items()}},
        }
        return {
            "read": NEVER if not self.has_process else "2026-11-22T23:07:38.241830448Z",
            "name": f"/{self.name}",
            "id": self.id,
            "memory_stats": memory if self.has_process else {},
        }

    def _state(self) -> dict[str, Any]:
        started = self.started_at if self.state != "created" else NEVER
        ended = self.state in {"exited", "restarting", "dead"} or self.restarts > 0
        state: dict[str, Any] = {
            "Status": self.state,
            "Running": self.runs,
            "Paused": self.state == "paused",
            "Restarting": self.state == "restarting",
            "OOMKilled": self.oom_killed,
            "Dead": self.state == "dead",
            # No process of this computer has a number this high.
            "Pid": 2**30 if self.has_process else 0,
            "ExitCode": self.exit_code,
            "Error": self.error,
            "StartedAt": started,
            "FinishedAt": "2026-11-22T23:08:53.471672611Z" if ended else NEVER,
        }
        if self.health:
            state["Health"] = {"Status": self.health, "FailingStreak": 0, "Log": []}
        return state

    def _env(self) -> list[str]:
        plain = [port for _, port in self.ports if port != self.tls_port]
        env = [f"MODEL_RUNNER_PORT={plain[0] if plain else 12434}", "MODEL_RUNNER_ENVIRONMENT=moby"]
        if self.tls_port is not None:
            env += ["MODEL_RUNNER_TLS_ENABLED=true", f"MODEL_RUNNER_TLS_PORT={self.tls_port}"]
        return [*env, "MODELS_PATH=/models"]

    def _status(self) -> str:
        checked = f" ({self.health})" if self.health else ""
        return {
            "created": "Created",
            "running": f"Up 2 minutes{checked}",
            "paused": "Up 2 minutes (Paused)",
            "restarting": f"Restarting ({self.exit_code}) 1 second ago",
            "exited": f"Exited ({self.exit_code}) 5 seconds ago",
            "dead": "Dead",
        }[self.state]


_LATER = "2026-11-22T23:08:55.357828536Z"
RUNNING = Controller(health="healthy")
PAUSED = Controller("paused", health="unhealthy")
STOPPED = Controller("exited", health="unhealthy")
STARTING = Controller(health="starting")
RESTARTED = Controller(health="starting", started_at=_LATER)
"""By `docker restart`, which no counter tells."""
CRASHED = Controller(health="starting", started_at=_LATER, restarts=1)
"""Back a moment after its main process ended."""
RESTARTING = Controller("restarting", exit_code=1, health="unhealthy", restarts=3)
"""Its main process ends at every start."""
KILLED = Controller("exited", exit_code=137, health="unhealthy")
"""By `docker kill`: nothing starts it again."""
OUT_OF_MEMORY = Controller(
    "restarting", exit_code=137, health="unhealthy", oom_killed=True, restarts=6, memory=33_554_432
)
"""Its main process did not fit into its limit."""
NO_GPU_DRIVER = Controller(
    "created",
    error='could not select device driver "" with capabilities: [[gpu]]',
    gpus=True,
    exit_code=128,
)
PORT_TAKEN = Controller(
    "created",
    error="driver failed programming external connectivity on endpoint docker-model-runner: "
    "Bind for 127.0.0.1:12434 failed: port is already allocated",
    exit_code=128,
)
