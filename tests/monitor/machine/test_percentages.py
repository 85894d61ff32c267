"""Rings of percentages."""

from dmr_tui.monitor.machine.machine_monitor import LENGTH, Ring


def test_values_in_the_order_they_came() -> None:
    ring = Ring(1.0)
    for at, value in ((0.0, 1.0), (1.02, 2.0), (1.98, None), (3.0, 4.0)):
        ring.add(at, value)
    assert ring.series == (1.0, 2.0, None, 4.0)


def test_a_pause_leaves_a_gap() -> None:
    ring = Ring(1.0)
    ring.add(0.0, 1.0)
    ring.add(4.0, 5.0)
    assert ring.series == (1.0, None, None, None, 5.0)


def test_it_is_bounded_even_after_a_night_of_sleep() -> None:
    ring = Ring(1.0)
    ring.add(0.0, 1.0)
    ring.add(30_000.0, 2.0)
    assert len(ring.series) == LENGTH
    assert ring.series[-1] == 2.0
    assert set(ring.series[:-1]) == {None}


def test_the_values_between_two_times() -> None:
    ring = Ring(1.0)
    for at, value in ((10.0, 1.0), (11.0, 2.0), (12.0, None), (15.0, 3.0)):
        ring.add(at, value)
    assert ring.between(10.5, 15.0) == (2.0, None, None, None, 3.0)
    assert ring.between(0.0, 9.0) == ()
    assert Ring(1.0).between(0.0, 9.0) == ()
