"""The differences between the versions of the runner."""

import re
from dataclasses import dataclass

from dmr_tui.simulator.output.answer_format import ENGINE_COMMIT

NEWEST = "v1.2.6"

_CUDA_IMAGE = "sha256:79fa56c07429b0d31ac4b3f0a8e1d43ad1a5fbd1d7c3a6c4b2e9f8d0a7c61e35"
_CPU_IMAGE = "sha256:1b6c9d27e5f08a43c7be2d915f3a604e8d7c21b09fa5e6384d0172c9eb8a53f4"


@dataclass(frozen=True, slots=True)
class Release:
    """One version of Docker Model Runner."""

    version: str
    number: tuple[int, ...]
    has_banner: bool
    """`GET /` and `GET /engines/_configure` answer."""
    has_version: bool
    """`GET /version` answers."""
    has_logs: bool
    """`GET /logs` answers."""
    preloads: bool
    """`X-Preload-Only` is understood; otherwise the request generates like any other."""
    records_config: bool
    """The groups of `GET /engines/requests` show their runner's configuration."""
    backend_disk_bytes: int
    """The engine's size in `GET /engines/df`."""

    def status(self, vllm: bool, *, gpu: bool = True) -> dict[str, str]:
        """The texts of `GET /engines/status`."""
        if self.number < (1, 1, 0):
            return {
                "diffusers": "diffusers package not installed",
                "llama.cpp": f"running llama.cpp version: {ENGINE_COMMIT}",
                "mlx": "not installed",
                "sglang": "sglang package not installed",
                "vllm": "running vllm version: 0.19.1" if vllm else "vLLM binary not found",
            }
        image = f"latest-cuda ({_CUDA_IMAGE})" if gpu else f"latest-cpu ({_CPU_IMAGE})"
        variant = f"{image} " if self.number >= (1, 2, 0) else ""
        return {
            "diffusers": "Not Installed",
            "llama.cpp": f"Running: llama.cpp {variant}{ENGINE_COMMIT}",
            "mlx": "Not Installed: only supported on Apple Silicon",
            "sglang": "Not Installed: package not installed",
            "vllm": "Running: vllm 0.19.1" if vllm else "Not Installed: binary not found",
        }


def release(version: str) -> Release:
    """The release that calls itself `version`: "v1.0.12". Raises ValueError."""
    match = re.fullmatch(r"v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})", version)
    if match is None:
        raise ValueError(f"{version!r} is not a version of Docker Model Runner; write v1.2.6")
    number = tuple(int(part) for part in match.groups())
    since_1_1, since_1_2 = number >= (1, 1, 0), number >= (1, 2, 0)
    return Release(
        version,
        number,
        has_banner=number > (1, 0, 0),
        has_version=since_1_1,
        has_logs=since_1_2,
        preloads=since_1_1,
        records_config=since_1_1,
        backend_disk_bytes=648_311_204 if since_1_2 else 0,
    )
