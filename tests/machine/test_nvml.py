"""The names of processes that hold memory of a GPU."""

import psutil
import pytest

from dmr_tui.machine.gpu.nvml import KEPT_NAMES, Names


class OneNumber:
    """Stands for psutil.Process: process 7, which may end and be another one later."""

    born, called, asked, there = 100.0, "llama-server", 0, True

    def __init__(self, pid: int) -> None:
        if not self.there:
            raise psutil.NoSuchProcess(pid)

    def create_time(self) -> float:
        """When it began."""
        return self.born

    def name(self) -> str:
        """What it is called."""
        OneNumber.asked += 1
        return self.called


def test_a_number_that_is_used_again_gets_its_new_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "Process", OneNumber)
    monkeypatch.setattr(OneNumber, "asked", 0)
    names = Names()
    assert [names.of(7), names.of(7)] == ["llama-server"] * 2
    assert OneNumber.asked == 1
    monkeypatch.setattr(OneNumber, "there", False)
    assert names.of(7) == ""
    monkeypatch.setattr(OneNumber, "there", True)
    monkeypatch.setattr(OneNumber, "born", 200.0)
    monkeypatch.setattr(OneNumber, "called", "comfyui")
    assert names.of(7) == "comfyui"


def test_names_of_ended_processes_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "Process", OneNumber)
    monkeypatch.setattr(OneNumber, "asked", 0)
    names = Names()
    for pid in range(KEPT_NAMES + 1):
        names.of(pid)
    names.forget_others({7})
    before = OneNumber.asked
    names.of(7)
    assert OneNumber.asked == before, "one that still holds memory is remembered"
    names.of(8)
    assert OneNumber.asked == before + 1, "the others were forgotten"
