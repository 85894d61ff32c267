"""This computer through psutil; each figure fails alone."""

import psutil
import pytest

from dmr_tui.machine.host import HostProbe


def test_this_computer() -> None:
    probe = HostProbe()
    first, second = probe.read(), probe.read()
    assert first.cpu.value is None, "one look says nothing about use"
    assert "second reading" in first.cpu.reason
    assert second.cpu.value is not None
    assert 0.0 <= second.cpu.value <= 100.0
    assert second.ram_total.value == psutil.virtual_memory().total
    assert second.ram_used.value is not None
    assert 0 < second.ram_used.value < psutil.virtual_memory().total
    assert second.cpu_count == psutil.cpu_count()


def test_a_figure_that_cannot_be_read_does_not_take_the_others_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> None:
        raise OSError("no /proc/swaps")

    monkeypatch.setattr(psutil, "swap_memory", broken)
    host = HostProbe().read()
    assert host.swap_used.value is None
    assert host.swap_used.reason == "psutil: no /proc/swaps"
    assert host.ram_used.value is not None
