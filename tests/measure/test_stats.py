"""Percentiles and bins."""

import statistics

import pytest

from dmr_tui.measure.stats import Summary, binned, percentile, summary


@pytest.mark.parametrize("size", [2, 3, 10, 99])
def test_percentiles_are_those_of_numpy_and_statistics(size: int) -> None:
    values = sorted((number * 7919) % 101 / 3 for number in range(size))
    quantiles = statistics.quantiles(values, n=100, method="inclusive")
    for percent in (1, 25, 50, 75, 95, 99):
        assert percentile(values, percent) == pytest.approx(quantiles[percent - 1])


def test_one_value_is_all_its_percentiles() -> None:
    assert summary([42.0]) == Summary(1, 42.0, 42.0, 42.0, 42.0)


def test_an_empty_sample_has_no_numbers() -> None:
    assert summary([]) is None


def test_a_bin_without_points_is_a_gap() -> None:
    points = [(99.0, 10.0), (97.0, 30.0), (96.0, 20.0), (81.0, 5.0), (3.0, 1.0), (120.0, 9.0)]
    assert binned(points, 99.5, bins=4, width=5.0) == (5.0, None, None, 20.0)


def test_points_stay_in_their_bin_while_time_goes_on() -> None:
    points = [(11.0, 1.0), (14.0, 3.0)]
    assert binned(points, 14.9, bins=3, width=5.0) == (None, None, 2.0)
    assert binned(points, 15.0, bins=3, width=5.0) == (None, 2.0, None)
