"""A part of the monitor that fails is written down, begins again, and ends no other."""

import stat
from pathlib import Path

import anyio
import pytest

from dmr_tui.monitor import crashes
from dmr_tui.monitor.crashes import KEPT_FILES, Crash, Crashes, Supervisor, crash_text
from dmr_tui.monitor.history.timeline import Timeline
from dmr_tui.monitor.machine.machine_monitor import MachineMonitor
from dmr_tui.monitor.runner_monitor import RunnerMonitor
from tests.monitor.conftest import Watch
from tests.waiting import until_true

SECRET = "sk-my-secret-key"


def fail() -> None:
    """Fail with something in the message that is nobody's business."""
    raise LookupError(SECRET)


def error_of(message: str) -> BaseException:
    """An error that was raised and caught, at one and the same line."""
    try:
        raise LookupError(message)
    except LookupError as error:
        return error


def test_types_and_lines_are_written_and_no_values(tmp_path: Path) -> None:
    try:
        try:
            fail()
        except LookupError as error:
            raise TypeError("unsupported operand") from error
    except TypeError as error:
        crash = Crashes(tmp_path).take(error, "the timeline")
    assert crash.file is not None
    text = crash.file.read_text()
    for part in ("the timeline", "TypeError: unsupported operand", "LookupError", "fail"):
        assert part in text
    assert SECRET not in text
    assert str(Path.home()) not in text
    assert crash.reference in crash.file.name
    assert stat.S_IMODE(crash.file.stat().st_mode) == 0o600


def test_the_same_error_is_written_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 0.0
    monkeypatch.setattr(crashes.time, "monotonic", lambda: at)
    taker = Crashes(tmp_path)
    first, second = (taker.take(error_of(text), "a") for text in ("one", "another"))
    assert (first.told, second.told) == (False, True)
    assert second.reference == first.reference
    assert second.file == first.file
    at = crashes.AGAIN_S + 1
    assert not taker.take(error_of("one"), "a").told


def test_a_different_place_has_a_different_reference(tmp_path: Path) -> None:
    taker = Crashes(tmp_path)
    try:
        fail()
    except LookupError as error:
        crash = taker.take(error, "a")
    assert crash.reference != taker.take(error_of(SECRET), "a").reference


def test_old_files_go(tmp_path: Path) -> None:
    for number in range(KEPT_FILES + 5):
        (tmp_path / f"crash-20200101-{number:06}-aaaaaa.txt").write_text("")
    crash = Crashes(tmp_path).take(error_of(""), "a")
    left = sorted(tmp_path.iterdir())
    assert len(left) == KEPT_FILES
    assert left[-1] == crash.file


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    crash = Crashes(tmp_path / "file").take(error_of(""), "a")
    assert crash.file is None
    assert "could not be written" in crash_text(crash)


async def test_a_part_begins_again_and_ends_when_it_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crashes, "FIRST_PAUSE_S", 0.001)
    told: list[Crash] = []
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            async with anyio.create_task_group():
                fail()

    await Supervisor(told.append, Crashes(tmp_path)).keep("the timeline", run)
    assert runs == 3
    assert [(crash.part, crash.error) for crash in told] == [("the timeline", "LookupError")]


def test_the_folders_of_a_user_are_not_written(tmp_path: Path) -> None:
    code = compile("1 / 0", "/home/alice/secret/plugin/part.py", "exec")
    with pytest.raises(ZeroDivisionError) as caught:
        exec(code)
    crash = Crashes(tmp_path).take(caught.value, "the timeline")
    assert crash.file is not None
    text = crash.file.read_text()
    assert "plugin/part.py:1" in text
    assert "alice" not in text


async def test_a_part_that_fails_again_and_again_waits_longer_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, pauses, runs = 0.0, list[float](), 0

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def run() -> None:
        nonlocal now, runs
        runs += 1
        if runs == 10:
            # It was well for a while.
            now += crashes.LONGEST_PAUSE_S + 1.0
        if runs < 12:
            fail()

    monkeypatch.setattr(crashes.anyio, "sleep", sleep)
    monkeypatch.setattr(crashes.anyio, "current_time", lambda: now)
    await Supervisor(lambda crash: None, Crashes(tmp_path)).keep("the timeline", run)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("owner", "name"), [(MachineMonitor, "run"), (RunnerMonitor, "run"), (Timeline, "take_log")]
)
def test_the_rest_goes_on(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    monkeypatch.setattr(crashes, "FIRST_PAUSE_S", 0.05)
    works, failed = getattr(owner, name), []

    def once(*args: object) -> object:
        if not failed:
            failed.append(owner)
            fail()
        return works(*args)

    monkeypatch.setattr(owner, name, once)
    watched = watch()
    until_true(lambda: watched.errors)
    watched.errors.clear()
    watched.until(lambda now: now.runner.up and now.models and now.machine)
    watched.until(lambda now: now.events)
