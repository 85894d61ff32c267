"""Every pattern that text from outside meets takes time in proportion to its length."""

import re
import time
from collections.abc import Callable, Iterator

import pytest

from dmr_tui.runner.logs import fields
from dmr_tui.runner.logs.log_line import parse_line, read_line
from tests.fuzz.patterns import all_patterns, attacks

SEEDS = (
    *("a", "9", " ", ".", "=", '"', "\\", "/", "-", ":", "[", "(", ",", "_", "\t", "é", "\n"),
    *("a=", 'a="', '\\"', "a b", "9.", "a.", "1h", "a=b ", 'k="v" ', "msg=", "x: ", "sha256:"),
)
LENGTHS = (20, 32, 48, 160, 1_280, 10_240)
"""Characters; the short texts notice exponential time before it takes for ever."""
TIMES = 3
"""Times as long, for each character, as a shorter text may take; a quadratic pattern takes 8."""
BASE_S = 0.001
"""Less than this is noise; a quadratic pattern takes 0.1 s at least for the longest text."""
PATTERNS = all_patterns()


def seconds(read: Callable[[str], object], text: str) -> float:
    """Seconds of this process that reading `text` takes."""
    began = time.process_time()
    read(text)
    return time.process_time() - began


def is_linear(read: Callable[[str], object], seed: str, before: str = "", after: str = "") -> bool:
    """Whether the time grows with the number of `seed`s, and not faster, in one of three tries."""
    shorter, base = LENGTHS[0], BASE_S
    for length in LENGTHS:
        allowed = TIMES * base * length / shorter
        text = before + seed * (length // len(seed) + 1) + after
        took = seconds(read, text)
        if allowed < took < 1.0:
            took = min(took, seconds(read, text), seconds(read, text))
        if took > allowed:
            return False
        shorter, base = length, max(BASE_S, took)
    return True


def matching(pattern: re.Pattern[str]) -> Callable[[str], None]:
    """Everything that a pattern is used for."""

    def read(text: str) -> None:
        pattern.match(text)
        pattern.fullmatch(text)
        for _ in pattern.finditer(text):
            pass

    return read


def test_every_kind_of_place_of_a_pattern_is_found() -> None:
    found = [name.rpartition(" ")[0] for name in PATTERNS]
    for place in (
        "dmr_tui.runner.logs.fields._PAIR",
        "dmr_tui.runner.logs.engine_lines._compiled",
        "dmr_tui.runner.errors.row.matches",
        "dmr_tui.ui.widgets.lines.wrapped",
    ):
        assert place in found
    assert len(found) > 120


@pytest.mark.parametrize(
    "slow",
    [
        r"(?:aa?)+$",  # exponential
        r"(\w+)=(\w+)",
        r"id: *\d+ *\w* *$",
        r"^head: (?:x|yy) \s+\S*\s+$",
    ],
)
def test_a_slow_pattern_would_be_noticed(slow: str) -> None:
    pattern = re.compile(slow)
    assert not all(is_linear(matching(pattern), *each) for each in tries(pattern))


def tries(pattern: re.Pattern[str]) -> Iterator[tuple[str, str, str]]:
    """What is repeated, and what stands before and behind it."""
    # The end fits to nothing, which makes a pattern try everything.
    yield from ((seed, "", "\0!") for seed in SEEDS)
    yield from ((seed, before, "\0!") for before, seed in attacks(pattern))


@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_is_slow(name: str) -> None:
    pattern = PATTERNS[name]
    read = matching(pattern)
    slow = next((each for each in tries(pattern) if not is_linear(read, *each)), None)
    assert slow is None


@pytest.mark.parametrize("read", [parse_line, read_line, fields.pairs, fields.unquoted])
def test_no_line_of_the_log_is_slow(read: Callable[[str], object]) -> None:
    heads = (
        "",
        'time="2026-11-20T10:00:00Z" level=info msg="Loading backend runner" args="',
        'time="2026-11-20T10:00:00Z" level=error msg="Unloading failed" error="',
        'level=ERROR msg="',
        "llama_model_loader: - kv 1: ",
        "srv  log_server_r: request: POST ",
    )
    slow = [(head, seed) for head in heads for seed in SEEDS if not is_linear(read, seed, head)]
    assert not slow
