"""The blocking way to serve, as a command runs it."""

import signal
import subprocess
import sys

import httpx
import pytest


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals for a child")
def test_run_says_where_it_is_and_ends_cleanly(end: signal.Signals) -> None:
    code = (
        "from dmr_tui.simulator.server import Simulator, run\n"
        "run(Simulator('workflow'), host='127.0.0.1', port=0)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "workflow" in line
        url = line.split()[-1]
        assert url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{url}/version").status_code == 200
        process.send_signal(end)
        out, errors = process.communicate(timeout=5)
    finally:
        process.kill()
    assert (process.returncode, out, errors) == (0, "", "")
