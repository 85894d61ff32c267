"""Docker and the computer are asked only while somebody reads what the doctor says."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from anyio import wait_all_tasks_blocked

from dmr_tui.machine.reading import Reading
from dmr_tui.monitor import doctor_monitor
from dmr_tui.monitor.doctor_monitor import DoctorMonitor
from dmr_tui.runner.discovery.places import DockerSocket, Places
from dmr_tui.text.doctor.check import Check
from dmr_tui.text.doctor.diagnosis import diagnose
from tests.engine_stand_in import container, docker_engine
from tests.text.doctor.facts import around, attempt, check, down
from tests.ui.still import HERE


def test_it_looks_only_while_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_monitor, "EVERY_S", 0.001)
    reads: list[bool] = []
    told: list[int] = []

    class Doctor(DoctorMonitor):
        async def read(self) -> None:
            reads.append(self.shown)

    async def run() -> None:
        doctor = Doctor(Places((HERE,)), lambda: told.append(len(reads)))
        async with anyio.create_task_group() as group:
            group.start_soon(doctor.run)
            await wait_all_tasks_blocked()
            assert reads == []
            doctor.show(True)
            while len(told) < 3:
                await wait_all_tasks_blocked()
            doctor.show(False)
            assert not doctor.shown
            seen = len(told)
            # Time in which a doctor that does not wait would look.
            await anyio.sleep(0.02)
            # Another two screens without it.
            doctor.show(False)
            doctor.show(True)
            while len(told) < seen + 2:
                await wait_all_tasks_blocked()
            group.cancel_scope.cancel()

    anyio.run(run)
    assert all(reads), "it never looked while it was hidden"
    assert told == list(range(1, len(reads) + 1)), "each time it says that something changed"


def test_everything_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[str]] = []

    def surroundings(hosts: set[str]) -> object:
        asked.append(hosts)
        return around(names={"localhost": Reading("127.0.0.1")})

    monkeypatch.setattr(doctor_monitor, "read_surroundings", surroundings)
    path = tmp_path / "docker.sock"
    doctor = DoctorMonitor(Places((HERE,), (DockerSocket(str(path), "DOCKER_HOST"),)), lambda: None)
    snapshot = down(attempt(answer="connection refused: nothing listens there"))

    def checks() -> Sequence[Check]:
        return diagnose(replace(snapshot, doctor=doctor.facts(clock_known=False)))

    before = checks()
    assert check(before, "Engine").evidence == "Docker was not asked yet"
    with docker_engine(path, container("paused")):
        anyio.run(doctor.read)
    after = checks()
    assert asked == [{"localhost"}]
    assert check(after, "container docker-model-runner").result == "problem"
    assert check(after, "name localhost").evidence == "127.0.0.1"
    assert check(after, "proxy variables").result == "ok"
