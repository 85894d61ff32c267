"""Sizes, counts and durations as DMR writes them."""

import math

import pytest

from dmr_tui.runner.units import keep_alive_seconds, parameter_count, size_bytes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4.58GiB", 4917737554),
        ("1.02GB", 1020000000),
        ("478.75KiB", 490240),
        ("369 MB", 369000000),
        ("12B", 12),
        ("", None),
        (None, None),
        ("about 4 GB", None),
        ("-1GB", None),
        ("GiB", None),
    ],
)
def test_sizes_in_both_families(text: str | None, expected: int | None) -> None:
    assert size_bytes(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8.19 B", 8_190_000_000),
        ("122.56K", 122_560),
        ("361.82M", 361_820_000),
        ("7", 7),
        ("lots", None),
        (None, None),
    ],
)
def test_parameter_counts(text: str | None, expected: int | None) -> None:
    assert parameter_count(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1m30s", 90.0),
        ("5m", 300.0),
        ("1h0m0s", 3600.0),
        ("250ms", 0.25),
        ("0", 0.0),
        ("0s", 0.0),
        ("-1", math.inf),
        ("-1m", math.inf),
        ("soon", None),
        ("5m and more", None),
        ("", None),
        (None, None),
    ],
)
def test_keep_alive(text: str | None, expected: float | None) -> None:
    assert keep_alive_seconds(text) == expected
