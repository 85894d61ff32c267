"""Outputs that cannot be written, and words that are none: one line, and the exit code of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dmr_tui.simulator.server import Simulator, serve

if sys.platform == "win32":
    pytest.skip("bytes as arguments, /dev/full and pipes with names", allow_module_level=True)

NOWHERE = "http://127.0.0.1:9"


def started(
    *words: str | bytes, to: str | None = None, **env: str
) -> "subprocess.CompletedProcess[bytes]":
    """Run `dmr-tui`, with its output to a file."""
    command = [sys.executable, "-m", "dmr_tui", *words]
    with open(to or os.devnull, "wb") as file:
        return subprocess.run(
            command,
            stdout=file if to else subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **env},
            timeout=30,
        )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize(
    "words", [("status",), ("status", "--json"), ("doctor",), ("--help",), ("config", "--example")]
)
def test_a_disk_that_is_full(words: tuple[str, ...]) -> None:
    with serve(Simulator("quiet")) as url:
        done = started(*words, to="/dev/full", MODEL_RUNNER_HOST=url)
    assert done.returncode == 74
    assert done.stderr == b"dmr-tui: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("words", [("status",), ("status", "--json"), ("doctor",)])
def test_an_output_that_takes_ascii_alone(words: tuple[str, ...]) -> None:
    with serve(Simulator("quiet")) as url:
        done = started("--host", url, *words, PYTHONIOENCODING="ascii")
    assert done.returncode in ({0} if words[0] == "status" else {0, 1})
    assert done.stdout.decode("ascii")
    assert not done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--host", NOWHERE, "ask", b"\xff", "hi"),
        ("--host", NOWHERE, "ask", "ai/x", b"\xff\xfe"),
        ("--host", b"\xff", "status"),
        ("--host", "http://xn--:9", "status"),
        ("--theme", b"\xff"),
        ("--config", "\x1b[31mx", "status"),
        (b"\xff",),
    ],
)
def test_words_that_cannot_be_meant(words: tuple[str | bytes, ...]) -> None:
    done = started(*words)
    assert done.returncode == 64
    said = done.stderr.decode()
    assert said.startswith("dmr-tui: ")
    assert said.count("\n") == 1
    assert said.rstrip("\n").isprintable()


@pytest.mark.parametrize(
    ("flag", "command"), [("--config", "status"), ("--archive-file", "requests")]
)
def test_a_pipe_in_place_of_a_file(tmp_path: Path, flag: str, command: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = started(flag, str(pipe), command)
    assert done.returncode
    assert b"is no file" in done.stderr
    assert done.stderr.count(b"\n") == 1
