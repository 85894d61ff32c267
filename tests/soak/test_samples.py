"""The numbers of a soak: what counts as settled, and how fast something grows."""

import os
import sys

import pytest

from tests.soak.samples import Sample, sample, settled, slope, table


def test_a_slope_is_that_of_the_nearest_line_per_minute() -> None:
    assert slope([(0.0, 50.0), (60.0, 50.5), (120.0, 51.0)]) == pytest.approx(0.5)
    assert slope([(0.0, 50.0), (60.0, 53.0), (120.0, 50.0)]) == pytest.approx(0.0)


def test_a_slope_of_one_moment_is_unknown() -> None:
    assert slope([]) is None
    assert slope([(5.0, 1.0)]) is None
    assert slope([(5.0, 1.0), (5.0, 2.0)]) is None


@pytest.mark.parametrize(("minutes", "first"), [(3, 60.0), (90, 600.0)])
def test_what_fills_up_at_first_does_not_count(minutes: int, first: float) -> None:
    samples = [Sample(at, 50.0, 20, 10) for at in range(0, minutes * 60 + 1, 10)]
    assert settled(samples)[0].at == first
    assert settled(samples)[-1] == samples[-1]


def test_a_table_has_all_samples_and_few_rows() -> None:
    lines = table([Sample(10.0 * n, float(n), n, 7) for n in range(100)]).splitlines()
    assert len(lines) == 13
    assert lines[1].split() == ["0.0", "–", "1.2", "3.5", "4", "7"]
    assert lines[-1].split()[2] == "16.5"


@pytest.mark.skipif(sys.platform != "linux", reason="PSS is Linux's")
def test_a_process_is_read() -> None:
    now = sample(os.getpid(), 1.0)
    assert now.pss > 5.0
    assert now.descriptors > 2
    assert now.threads >= 1
