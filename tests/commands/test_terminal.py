"""The dashboard in a pseudo-terminal: it draws, it leaves, and gives the terminal back."""

import os
import signal
import sys
import time

import pytest

from dmr_tui.simulator.server import Simulator, serve

if sys.platform == "win32":
    pytest.skip("pseudo-terminals are of Unix", allow_module_level=True)

from tests.terminal import Terminal, dmr_tui

LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"
MOUSE_OFF = b"\x1b[?1000l"


def given_back(terminal: Terminal) -> bool:
    tail = bytes(terminal.written[-4000:])
    return all(code in tail for code in (LEAVE_ALTERNATE_SCREEN, SHOW_CURSOR, MOUSE_OFF))


def test_it_draws_and_quits(quiet: str) -> None:
    terminal = Terminal(dmr_tui("--host", quiet))
    terminal.shows("● up", r"qwen3:8B-Q4_K_M .* idle \d:\d\d", "VRAM|no NVIDIA", "Throughput")
    children = [p.pid for p in terminal.processes]
    began = time.monotonic()
    terminal.keys("q")
    assert terminal.end() == 0
    assert time.monotonic() - began < 3.0
    assert given_back(terminal)
    assert not any(os.path.exists(f"/proc/{pid}/exe") for pid in children[1:])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_it_gives_the_terminal_back(quiet: str, number: int) -> None:
    terminal = Terminal(dmr_tui("--host", quiet))
    terminal.shows("qwen3:8B")
    terminal.signal(number)
    assert terminal.end() == 0
    assert given_back(terminal)


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGUSR1, signal.SIGALRM])
def test_other_signals_give_the_terminal_back_as_well(quiet: str, number: int) -> None:
    terminal = Terminal(dmr_tui("--host", quiet))
    terminal.shows("qwen3:8B")
    terminal.signal(number)
    assert terminal.end() == 128 + number
    assert given_back(terminal)


def test_it_ends_while_an_answer_streams(quiet: str) -> None:
    terminal = Terminal(dmr_tui("--host", quiet))
    terminal.shows("Chat · qwen3:8B")
    terminal.keys("c")
    terminal.shows("esc Back")
    terminal.keys("hello\r")
    terminal.shows("tok/s decode")
    terminal.keys("\x11")
    assert terminal.end() == 0
    assert given_back(terminal)


def test_without_a_runner_it_opens_the_doctor_and_d_starts_the_demo() -> None:
    terminal = Terminal(dmr_tui("--host", "localhost:9"))
    terminal.shows("No Docker Model Runner answers", "docker desktop enable", "d Demo")
    terminal.keys("d")
    terminal.shows(" DEMO ", "qwen3:8B-Q4_K_M", "RTX 4090")
    terminal.keys("q")
    assert terminal.end() == 0


def test_it_connects_when_the_runner_appears() -> None:
    simulator = Simulator("quiet")
    with serve(simulator) as url:
        simulator.stop_listening()
        terminal = Terminal(dmr_tui("--host", url))
        terminal.shows("No Docker Model Runner answers")
        simulator.listen_again()
        terminal.shows("● up", "qwen3:8B")
        terminal.keys("q")
        assert terminal.end() == 0


def test_a_flaky_runner_does_not_end_it() -> None:
    with serve(Simulator("flaky")) as url:
        terminal = Terminal(dmr_tui("--host", url, "--interval", "0.25"))
        terminal.shows("Models")
        terminal.pump(6.0)
        terminal.keys("q")
        assert terminal.end() == 0
        assert b"Traceback" not in terminal.written


def test_a_storm_of_resizes_in_a_real_terminal(quiet: str) -> None:
    terminal = Terminal(dmr_tui("--host", quiet))
    terminal.shows("qwen3:8B")
    for step in range(60):
        terminal.resize(20 + step * 37 % 160, 4 + step * 11 % 50)
        terminal.pump(0.01)
    terminal.resize(40, 10)
    terminal.shows("needs 56×18 cells, has 40×10")
    terminal.resize(140, 42)
    terminal.shows("Throughput", "Chat · qwen3:8B")
    terminal.keys("q")
    assert terminal.end() == 0


def test_a_terminal_without_utf8_gets_ascii(quiet: str) -> None:
    terminal = Terminal(dmr_tui("--host", quiet), DMR_TUI_ASCII="1")
    terminal.shows(r"\* up", "qwen3:8B", "#")
    screens = {"2": "In flight", "3": "Who holds what", "4": "Timeline", "6": "The runner"}
    for key, shown in screens.items():
        terminal.keys(key)
        terminal.shows(shown)
    terminal.keys("?")
    terminal.shows("esc closes")
    terminal.keys("\x1b")
    assert terminal.pump(20.0, lambda: "esc closes" not in terminal.text)
    terminal.keys("q")
    assert terminal.end() == 0
    assert terminal.written.isascii()


def test_without_colours(quiet: str) -> None:
    terminal = Terminal(dmr_tui("--host", quiet), NO_COLOR="1")
    terminal.shows("● up", "qwen3:8B")
    terminal.keys("q")
    assert terminal.end() == 0
    assert b"38;2;79;191;122" not in terminal.written, "the green of the theme"
