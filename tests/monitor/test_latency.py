"""The runner's answers, in steps that the eye can tell apart."""

import pytest

from dmr_tui.monitor.source import Latency


@pytest.mark.parametrize(
    ("taken", "shown"),
    [
        ([], None),
        ([0.3], 1.0),
        ([0.3, 1.2, 0.4, 1.9, 0.8], 1.0),
        ([1.0, 1.0, 90.0], 1.0),
        ([1.0, 2.0, 2.0, 2.0], 1.0),
        ([1.0, 3.0, 3.0, 3.0], 3.0),
        ([123.0], 130.0),
        ([123.0, 139.0], 130.0),
        ([0.5, 734.0, 734.0, 734.0], 740.0),
        ([734.0, 734.0, 734.0, 3.0, 3.0, 3.0], 3.0),
    ],
)
def test_the_median_without_its_noise(taken: list[float], shown: float | None) -> None:
    latency = Latency()
    for each in taken:
        latency.add(each)
    assert latency.shown == shown
