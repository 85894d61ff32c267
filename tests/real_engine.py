"""A real llama.cpp server for tests: `real_engine` starts it as this file's own process."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_PATIENCE = 60.0


@contextmanager
def real_engine(
    tmp_path: Path, *, slots: int = 1, context: int = 4096, embedding: int = 64, blocks: int = 2
) -> Iterator[str]:
    """The URL of a llama-server with a tiny random model; skips the test without xllamacpp.

    A wider `embedding` and more `blocks` make it slower: 64 and 2 give some 4,000 tokens a second.
    """
    pytest.importorskip("xllamacpp", reason="xllamacpp has no wheel for this platform")
    pytest.importorskip("gguf")
    from tests.engine_model import write_model

    path = tmp_path / "tiny-random.gguf"
    model = write_model(path, context=context, embedding=embedding, blocks=blocks)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # A process is known for an engine by its program's name.
    program = tmp_path / "llama-server.py"
    program.write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    command = [sys.executable, str(program), str(model), str(port), str(slots)]
    log = tmp_path / "engine.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            url = f"http://127.0.0.1:{port}"
            _await_health(url, process, log)
            yield url
        finally:
            process.terminate()
            process.wait(_PATIENCE)


def _await_health(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.05)


def _serve(model: str, port: int, slots: int) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_parallel = slots
    params.use_jinja = True
    params.endpoint_metrics = True
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    # The engine's own threads do not end by themselves, and there is nothing to save.
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
    server = xllamacpp.Server(params)
    threading.Event().wait()
    del server


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
