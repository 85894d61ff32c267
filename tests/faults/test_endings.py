"""Every way in which a terminal, a signal or a home can be unkind; nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dmr_tui.simulator.server import Simulator, serve

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are of Unix", allow_module_level=True)

from tests.commands.test_terminal import given_back
from tests.terminal import Terminal, dmr_tui
from tests.waiting import until_true

HANGUP = 129


@pytest.fixture
def url() -> Iterator[str]:
    """A simulated runner."""
    with serve(Simulator("quiet")) as url:
        yield url


def shown(url: str, *words: str, **env: str) -> Terminal:
    """A dashboard that is there."""
    terminal = Terminal(dmr_tui("--host", url, *words), **env)
    terminal.shows("qwen3:8B")
    return terminal


@pytest.mark.parametrize("heard", [True, False], ids=["hang-up", "no signal"])
def test_a_terminal_that_vanishes_ends_it(url: str, heard: bool) -> None:
    ignore = [] if heard else ["-c", "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN);"]
    command = dmr_tui("--host", url)
    if not heard:
        # As under nohup: only the terminal itself tells that it is gone.
        code = f"{ignore[1]} import runpy, sys; sys.argv = {['dmr-tui', '--host', url]!r};"
        code += "runpy.run_module('dmr_tui', run_name='__main__')"
        command = [sys.executable, "-c", code]
    terminal = Terminal(command)
    terminal.shows("qwen3:8B")
    family = terminal.processes
    os.close(terminal._fd)
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) in {0, HANGUP}
    until_true(
        lambda: (
            not any(
                each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family[1:]
            )
        )
    )


@pytest.mark.parametrize("key", ["\x03", "\x03\x03"], ids=["once", "twice"])
def test_ctrl_c_is_a_key_and_harms_nothing(url: str, key: str) -> None:
    terminal = shown(url)
    terminal.keys(key)
    terminal.keys("q")
    assert terminal.end() == 0
    assert given_back(terminal)
    assert b"Traceback" not in terminal.written


def test_interrupts_from_outside_leave_no_traceback(url: str) -> None:
    terminal = shown(url)
    terminal.signal(signal.SIGINT)
    terminal.pump(0.2)
    if psutil.pid_exists(terminal.pid):
        terminal.signal(signal.SIGINT)
    terminal.end()
    assert given_back(terminal)
    assert b"Traceback" not in terminal.written


def test_it_goes_on_after_the_whole_process_was_stopped(url: str) -> None:
    terminal = shown(url, "--interval", "0.25")
    terminal.signal(signal.SIGSTOP)
    until_true(lambda: psutil.Process(terminal.pid).status() == psutil.STATUS_STOPPED)
    time.sleep(1.0)
    terminal.signal(signal.SIGCONT)
    terminal.shows("● up", "qwen3:8B")
    terminal.keys("q")
    assert terminal.end() == 0


def test_without_a_home(url: str, tmp_path: Path) -> None:
    terminal = shown(
        url, "--no-archive", HOME=str(tmp_path / "none"), XDG_CONFIG_HOME="", XDG_DATA_HOME=""
    )
    terminal.keys("q")
    assert terminal.end() == 0


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="users are of Unix")
def test_a_home_that_is_a_file_is_told_and_stops_nothing(url: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("")
    terminal = shown(url, HOME=str(home), XDG_CONFIG_HOME="", XDG_DATA_HOME="")
    terminal.keys("6")
    terminal.shows("archive of calls +stale|archive of calls .*annot")
    terminal.keys("q")
    assert terminal.end() == 0


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"TERM": "xterm-16color", "COLORTERM": ""},
        {"TERM": "linux", "COLORTERM": ""},
        {"TERM": "screen", "COLORTERM": "", "TMUX": "/tmp/tmux-0/default,1,0"},
        {"TERM": "xterm-256color", "SSH_TTY": "/dev/pts/9", "SSH_CONNECTION": "::1 1 ::1 22"},
        {"TERM": "dumb", "COLORTERM": ""},
        {"NO_COLOR": "1", "TERM": "vt100", "COLORTERM": ""},
    ],
    ids=lambda env: " ".join(env.values()),
)
def test_terminals_of_every_kind(url: str, env: dict[str, str]) -> None:
    terminal = shown(url, **env)
    terminal.shows("up", "idle")
    terminal.keys("q")
    assert terminal.end() == 0
    assert given_back(terminal)


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
def test_the_terminals_own_colours(url: str, theme: str) -> None:
    terminal = shown(url, "--theme", theme)
    terminal.shows("● up", "Throughput", "Chat")
    terminal.keys("q")
    assert terminal.end() == 0
    assert b"Traceback" not in terminal.written


@pytest.mark.parametrize("words", [[], ["status"], ["status", "--json"], ["doctor"]])
def test_standard_output_may_be_a_pipe_that_closes(url: str, words: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        dmr_tui("--host", url, *words), stdout=write, stderr=subprocess.PIPE, timeout=30
    )
    os.close(write)
    assert b"Traceback" not in ended.stderr
