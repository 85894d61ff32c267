"""The status texts of every version."""

import pytest

from dmr_tui.runner.backend import Backend, parse_status
from tests.recorded import recorded, versions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Running: llama.cpp b9879", ("running", "b9879", None)),
        (
            "Running: llama.cpp latest-cuda (sha256:0a1b2c3d4e) b10068",
            ("running", "b10068", "cuda"),
        ),
        (
            "Running: llama.cpp latest-metal (sha256:0a1b2c3d4e) b9000",
            ("running", "b9000", "metal"),
        ),
        ("Running: llama.cpp unknown", ("running", None, None)),
        ("running llama.cpp version: c55bce4", ("running", "c55bce4", None)),
        ("Running: vllm 0.19.1", ("running", "0.19.1", None)),
        ("Running", ("running", None, None)),
        ("Error: nv-gpu-info.exe not found", ("error", None, None)),
        ("Installing: downloading llama.cpp latest-cuda", ("installing", None, None)),
        ("Not Installed", ("not installed", None, None)),
        ("vLLM binary not found", ("not installed", None, None)),
        ("something else entirely", ("unknown", None, None)),
    ],
)
def test_states(text: str, expected: tuple[str, str | None, str | None]) -> None:
    backend = parse_status("x", text)
    assert (backend.state, backend.version, backend.variant) == expected


def test_the_reason_is_kept_word_by_word() -> None:
    assert parse_status("mlx", "Not Installed: only supported on Apple Silicon") == Backend(
        "mlx", "not installed", "only supported on Apple Silicon"
    )
    assert parse_status("vllm", "vLLM binary not found").detail == "vLLM binary not found"


@pytest.mark.parametrize("name", versions("status"))
def test_recorded_texts_are_all_understood(name: str) -> None:
    backends = [parse_status(*item) for item in recorded(name).json.items()]
    states = {backend.name: backend.state for backend in backends}
    assert states.pop("llama.cpp") == "running"
    assert set(states.values()) == {"not installed"}
