"""One word for memory pressure: the worst sign wins, and says its number."""

from dataclasses import replace

import pytest

from dmr_tui.machine.host import Host
from dmr_tui.machine.pressure import Pressure
from dmr_tui.machine.reading import Reading
from dmr_tui.measure.pressure_level import judge
from tests.monitor.hardware import container
from tests.ui.still import GIB, HOST

MIB = 2**20


def host(**signs: float) -> Host:
    values = {name: Reading(value) for name, value in signs.items()}
    return replace(HOST, pressure=Pressure(**values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "word", "cause"),
    [
        (host(some=0.4, full=0.0, swap_in=0.0, swap_out=0.0), "none", ""),
        (host(some=7.0, full=0.5), "some", "tasks wait for memory 7 % of the time"),
        (host(some=25.0, full=6.0), "high", "every task waits for memory 6 % of the time"),
        (host(some=70.0, full=30.0), "critical", "every task waits for memory 30 %"),
        (host(swap_in=6.0 * MIB, swap_out=6.0 * MIB), "high", "12 MiB a second"),
        (host(oom_kills=2), "some", "2 killed for memory"),
        (host(level=1), "none", ""),
        (host(level=2), "high", "macOS says: warning"),
        (host(level=4), "critical", "macOS says: critical"),
        (host(committed=98, commit_limit=100), "critical", "98 % of Windows' commit limit"),
        (replace(HOST, ram_used=Reading(60 * GIB)), "high", "94 % of RAM"),
    ],
)
def test_the_worst_sign_wins(found: Host, word: str, cause: str) -> None:
    judged = judge(found)
    assert judged.word == word
    assert judged.cause.startswith(cause)


def test_a_full_swap_that_does_not_move_is_no_pressure() -> None:
    still = replace(
        host(swap_in=0.0, swap_out=0.0), swap_used=Reading(8 * GIB), swap_total=Reading(8 * GIB)
    )
    assert judge(still).word == "none"


def test_a_container_near_its_limit_counts_and_one_without_a_limit_does_not() -> None:
    near = container(limit=Reading(8 * GIB), needed=Reading(int(7.4 * GIB)))
    assert judge(HOST, near).word == "high"
    assert "92 % of its limit" in judge(HOST, near).cause
    assert judge(HOST, container(needed=Reading(60 * GIB))).word == "none"


def test_a_container_may_be_counted_a_little_above_its_limit() -> None:
    above = container(limit=Reading(8 * GIB), needed=Reading(int(8.4 * GIB)))
    assert judge(HOST, above).word == "critical"
    assert "105 % of its limit" in judge(HOST, above).cause
    impossible = container(limit=Reading(8 * GIB), needed=Reading(9 * GIB))
    assert judge(HOST, impossible).word == "none"


def test_slow_swapping_says_a_number_that_is_not_zero() -> None:
    judged = judge(host(swap_in=0.3 * MIB, swap_out=0.3 * MIB))
    assert (judged.word, judged.cause[:15]) == ("some", "0.6 MiB a secon")


@pytest.mark.parametrize("used", [2**64 - 1, -5])
def test_a_figure_that_cannot_be_says_nothing(used: int) -> None:
    assert judge(replace(HOST, ram_used=Reading(used))).word is None


def test_nothing_readable_is_unknown_not_none() -> None:
    blind = replace(HOST, ram_used=Reading(None, "psutil: no"))
    assert judge(blind).word is None
