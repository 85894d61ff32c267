"""Who holds memory of a card, by files in the shape of the kernel's /proc."""

import os
import shutil
from pathlib import Path

import pytest

from dmr_tui.machine.gpu.fdinfo import EVERY_S, MOST, SELDOM_S, DrmUsers
from tests.machine.cards import GIB, write_user

CARD, OTHER = "0000:03:00.0", "0000:04:00.0"


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def held(users: DrmUsers, address: str = CARD, *regions: str) -> dict[int, int | None]:
    told = users.of(address, *(regions or ("vram",))).value
    return {} if told is None else {user.pid: user.memory.value for user in told}


def test_each_client_once_and_most_of_it_first(tmp_path: Path) -> None:
    write_user(tmp_path, 40, (CARD, 7, GIB), (CARD, 7, GIB))
    write_user(tmp_path, 41, (CARD, 7, GIB), (CARD, 8, 2 * GIB))
    write_user(tmp_path, 42, (OTHER, 9, GIB), name="a-name-longer-than-15")
    users = DrmUsers(tmp_path)
    told = users.of(CARD, "vram").value
    assert told is not None
    assert [(user.pid, user.name) for user in told] == [(41, "llama-server"), (40, "llama-server")]
    assert held(users) == {40: GIB, 41: 2 * GIB}, "the child's client 7 is its parent's"
    (stranger,) = users.of(OTHER, "vram").value or ()
    assert stranger.name == "a-name-longer-than-15"


def test_only_the_regions_that_are_asked_for(tmp_path: Path) -> None:
    write_user(tmp_path, 40, (CARD, 7, GIB), drm_resident_gtt="2 GiB", drm_total_cpu="5 MiB")
    users = DrmUsers(tmp_path)
    assert held(users, CARD, "vram") == {40: GIB}
    assert held(users, CARD, "vram", "gtt") == {40: 3 * GIB}


@pytest.mark.parametrize("value", [f"{2**64 - 1}", "-1 KiB", "[N/A]", "7 furlongs", ""])
def test_an_absurd_size_is_unknown_with_its_reason(tmp_path: Path, value: str) -> None:
    write_user(tmp_path, 40, (CARD, 7, GIB), drm_resident_vram=value)
    (user,) = DrmUsers(tmp_path).of(CARD, "vram").value or ()
    assert user.memory.value is None
    assert "vram" in user.memory.reason


def test_a_process_that_vanishes_holds_nothing(tmp_path: Path) -> None:
    clock = Clock()
    write_user(tmp_path, 40, (CARD, 7, GIB))
    write_user(tmp_path, 41, (CARD, 8, 2 * GIB), (CARD, 9, GIB))
    (tmp_path / "41" / "fdinfo" / "3").unlink()
    users = DrmUsers(tmp_path, clock)
    assert held(users) == {40: GIB, 41: GIB}, "41 closed a card between two calls"
    shutil.rmtree(tmp_path / "40")
    assert held(users) == {40: GIB, 41: GIB}, "nobody looks every second"
    clock.now += EVERY_S
    assert held(users) == {41: GIB}


def test_a_card_that_is_opened_late_is_found(tmp_path: Path) -> None:
    clock = Clock()
    write_user(tmp_path, 40)
    users = DrmUsers(tmp_path, clock)
    assert held(users) == {}
    for _ in range(80):
        clock.now += EVERY_S
        held(users)
    shutil.rmtree(tmp_path / "40")
    write_user(tmp_path, 40, (CARD, 7, GIB))
    clock.now += SELDOM_S
    assert held(users) == {40: GIB}


def test_many_processes_are_looked_into_bit_by_bit(tmp_path: Path) -> None:
    clock = Clock()
    for pid in range(1000, 1000 + MOST + 3):
        write_user(tmp_path, pid, *([(CARD, 7, GIB)] if pid == 1000 else []))
    users = DrmUsers(tmp_path, clock)
    told = users.of(CARD, "vram")
    assert told.value is None
    assert "3 processes have not been looked into yet" in told.reason
    clock.now += 1.0
    told = users.of(CARD, "vram")
    assert [user.pid for user in told.value or ()] == [1000]
    assert told.reason == ""


def test_what_grows_is_seen_at_the_next_look(tmp_path: Path) -> None:
    clock = Clock()
    write_user(tmp_path, 40, (CARD, 7, GIB))
    users = DrmUsers(tmp_path, clock)
    assert held(users) == {40: GIB}
    shutil.rmtree(tmp_path / "40")
    write_user(tmp_path, 40, (CARD, 7, 3 * GIB))
    clock.now += EVERY_S
    assert held(users) == {40: 3 * GIB}


def test_processes_of_others_are_counted_and_kernel_threads_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in (2, 40, 41):
        write_user(tmp_path, pid, (CARD, pid, GIB))
    (tmp_path / "2" / "cmdline").write_text("")
    forbidden = {f"{tmp_path}/2/fd", f"{tmp_path}/40/fd"}
    list_folder = os.listdir

    def listdir(path: str) -> list[str]:
        if path in forbidden:
            raise PermissionError(13, "Permission denied")
        return list_folder(path)

    # Root, as whom tests may run, is refused nothing.
    monkeypatch.setattr(os, "listdir", listdir)
    clock = Clock()
    users = DrmUsers(tmp_path, clock)
    assert held(users) == {41: GIB}
    assert "1 processes of other users" in users.of(CARD, "vram").reason
    shutil.rmtree(tmp_path / "41")
    clock.now += EVERY_S
    told = users.of(CARD, "vram")
    assert told.value is None
    assert "1 processes of other users" in told.reason


def test_a_proc_that_cannot_be_listed_is_a_reason(tmp_path: Path) -> None:
    told = DrmUsers(tmp_path / "none").of(CARD, "vram")
    assert told.value is None
    assert "No such file" in told.reason
