"""Every way in which a terminal, a signal or a home can be unkind; nothing is left behind."""

import asyncio
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

from dmr_tui.ui.app import DashboardApp
from tests.commands.test_terminal import given_back
from tests.terminal import Terminal, dmr_tui
from tests.ui.still import StillMonitor, snapshot
from tests.waiting import until, until_true

HANGUP = 129
ENTER_ALTERNATE_SCREEN = b"\x1b[?1049h"


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
    command = dmr_tui("--host", url)
    if not heard:
        # Only the terminal itself tells that it is gone: a blocked signal is never heard.
        code = (
            "import signal, runpy, sys;"
            "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP});"
            f"sys.argv = {['dmr-tui', '--host', url]!r};"
            "runpy.run_module('dmr_tui', run_name='__main__')"
        )
        command = [sys.executable, "-c", code]
    terminal = Terminal(command)
    terminal.shows("qwen3:8B")
    family = terminal.processes
    os.close(terminal._fd)
    ended: list[int] = []

    def over() -> bool:
        pid, status = os.waitpid(terminal.pid, os.WNOHANG)
        ended.extend([os.waitstatus_to_exitcode(status)] * bool(pid))
        return bool(pid)

    try:
        until_true(over)
    finally:
        if not ended:
            os.kill(terminal.pid, signal.SIGKILL)
    assert ended[0] in {0, HANGUP}
    until_true(lambda: not any(each.is_running() for each in family[1:]))


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
    program = psutil.Process(terminal.pid)

    def gone() -> bool:
        terminal.signal(signal.SIGINT)
        terminal.pump(0.03)
        return bool(program.status() == psutil.STATUS_ZOMBIE)

    until_true(gone)
    assert terminal.end() == 0
    assert given_back(terminal)
    assert b"Traceback" not in terminal.written


def test_it_goes_on_after_the_whole_process_was_stopped(url: str) -> None:
    terminal = shown(url, "--interval", "0.25")
    terminal.signal(signal.SIGSTOP)
    until_true(lambda: psutil.Process(terminal.pid).status() == psutil.STATUS_STOPPED)
    time.sleep(1.0)
    terminal.signal(signal.SIGCONT)
    # What is typed while the terminal is taken anew is dropped by it.
    assert terminal.pump(20.0, lambda: terminal.written.count(ENTER_ALTERNATE_SCREEN) == 2)
    terminal.shows("● up", "qwen3:8B")
    terminal.keys("q")
    assert terminal.end() == 0


@pytest.mark.parametrize("paused_itself", [True, False], ids=["its own pause", "stopped"])
async def test_what_reads_the_keys_is_ended_before_it_begins_again(paused_itself: bool) -> None:
    done: list[str] = []
    app = DashboardApp(StillMonitor(snapshot()))
    before = signal.signal(signal.SIGCONT, lambda number, frame: done.append("resume"))
    try:
        async with app.run_test() as pilot:
            driver = app._driver
            assert driver is not None
            driver._must_signal_resume = paused_itself  # type: ignore[attr-defined]
            driver.suspend_application_mode = lambda: done.append("end")  # type: ignore[method-assign]
            os.kill(os.getpid(), signal.SIGCONT)
            await until(lambda: "resume" in done)
            await pilot.pause()
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGCONT)
        signal.signal(signal.SIGCONT, before)
    assert done == (["resume"] if paused_itself else ["end", "resume"])


UNREADABLE = [
    b"\x1b[M \xa10",
    b"\x1b[57441;1:3u",
    b"\x1b[97:65;2u",
    b"\x1b[1;1:3A",
    b"\x1b[<99999999999999999999;1;1M",
    b"\x1b[99999999999999u",
    b"\x1b[1114112u\x1b[55296u",
    b"\x1b[48;99999999999999999999;1;1;1t",
    b"\xff\xfe\xc3\x28\x9b\x9c",
    b"\x1b[200~" + b"x" * 100_000 + b"\x1b[201~",
    b"\x1b]11;rgb:q\x07\x1bPq\x1b\\\x1b[2026;2$y",
]


def test_bytes_that_cannot_be_read_are_dropped(url: str) -> None:
    # All in one dashboard, since each of them leaves it as it was.
    terminal = shown(url)
    for unreadable in UNREADABLE:
        for key, listed in (("2", True), ("1", False)):
            os.write(terminal._fd, unreadable)
            # Alone in what is read at once, or else the key is dropped with it.
            terminal.pump(0.3)
            assert ("CALLER" in terminal.text) is not listed
            terminal.keys(key)
            until_true(
                lambda listed=listed: terminal.pump(0.02) or ("CALLER" in terminal.text) is listed,  # type: ignore[misc]
                f"key {key} after {unreadable[:20]!r}",
            )
    terminal.keys("q")
    assert terminal.end() == 0
    assert b"Traceback" not in terminal.written


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


@pytest.mark.parametrize(
    "words", [[], ["status"], ["status", "--json"], ["status", "--watch"], ["doctor"]]
)
def test_standard_output_may_be_a_pipe_that_closes(url: str, words: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(
        dmr_tui("--host", url, *words), stdout=write, stderr=subprocess.PIPE, timeout=30
    )
    os.close(write)
    assert b"Traceback" not in ended.stderr
    assert b"BrokenPipe" not in ended.stderr
