"""Numbers as people read them."""

import pytest

from dmr_tui.runner.units import size_bytes
from dmr_tui.text import format
from dmr_tui.text.format import DEFAULT_UNITS


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (42.13, "42.1"),
        (805.6, "806"),
        (1763.0, "1,760"),
        (9.996, "10.0"),
        (99.96, "100"),
        (0.8333, "0.833"),
        (0.0, "0"),
        (12345678.0, "12,300,000"),
    ],
)
def test_three_significant_digits(value: float, expected: str) -> None:
    assert format.significant(value) == expected
    assert format.rate(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0123, "12 ms"), (0.31, "0.31 s"), (9.999, "10.0 s"), (12.34, "12.3 s"), (None, "—")],
)
def test_measured_times(value: float | None, expected: str) -> None:
    assert format.seconds(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.9, "0:00"), (12.0, "0:12"), (192.4, "3:12"), (3723.0, "1:02:03"), (-4.0, "0:00")],
)
def test_running_clocks(value: float, expected: str) -> None:
    assert format.clock(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(581.0, "9:41"), (1400.0, "23 min")])
def test_what_is_left_is_not_counted_in_seconds_while_there_is_much(
    value: float, expected: str
) -> None:
    assert format.countdown(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(3.2, "3 s"), (150.0, "2 min"), (7200.0, "2 h"), (-1.0, "0 s")]
)
def test_ages(value: float, expected: str) -> None:
    assert format.age(value) == expected


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (8192, "8k"),
        (40960, "40k"),
        (131072, "128k"),
        (1048576, "1M"),
        (1024000, "1000k"),
        (2036, "2036"),
        (32000, "31.2k"),
        (None, "—"),
    ],
)
def test_context_windows(tokens: int | None, expected: str) -> None:
    assert format.window(tokens) == expected


def test_sizes() -> None:
    assert format.disk(12_400_000_000) == "12.4 GB"
    assert format.disk(478_750) == "479 kB"
    assert format.disk(None) == "—"
    assert DEFAULT_UNITS.gib(24 * 2**30) == "24.0"
    assert format.parameters(8_190_000_000) == "8.19 B"
    assert format.parameters(361_820_000) == "362 M"
    assert format.parameters(None) == "—"
    assert format.count(20019) == "20,019"


@pytest.mark.parametrize(
    ("size", "text", "short"),
    [
        (None, "—", "—"),
        (0, "0 MiB", "0M"),
        (490_240, "479 KiB", "479K"),
        (26 * 2**20, "26 MiB", "26M"),
        (2**30 // 4, "0.2 GiB", "0.2G"),
        (int(27.66 * 2**30), "27.7 GiB", "27.7G"),
    ],
)
def test_memory(size: int | None, text: str, short: str) -> None:
    assert DEFAULT_UNITS.memory(size) == text
    assert DEFAULT_UNITS.memory_short(size) == short


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500kB", "500 kB"),
        ("4.583GiB", "4.58 GiB"),
        (" 12B ", "12.0 B"),
        ("3PB", "3.00 PB"),
        ("about 4 GB", "about 4 GB"),
        (None, "—"),
    ],
)
def test_the_size_that_a_runner_tells(text: str | None, expected: str) -> None:
    assert format.told_size(text, size_bytes(text)) == expected
