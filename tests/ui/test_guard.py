"""Unforeseen errors: written down, told in a line, and survived."""

import stat
from pathlib import Path

import pytest

from dmr_tui.text import format
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.requests.requests_screen import RequestsScreen
from dmr_tui.ui.shell.guarded_app import TOO_MANY
from dmr_tui.ui.shell.header import HeaderPane
from dmr_tui.ui.shell.live_screen import LiveScreen
from dmr_tui.ui.widgets.textual_internals import CRASHED
from tests.ui.screen import shows
from tests.ui.still import StillMonitor, snapshot
from tests.waiting import until

SECRET = "my secret prompt"


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> DashboardApp:
    """A dashboard that goes on, as it does for a user."""
    monkeypatch.setattr(DashboardApp, "goes_on", True)
    return DashboardApp(StillMonitor(snapshot()))


def written(tmp_path: Path) -> list[Path]:
    """The files about errors."""
    return sorted((tmp_path / "state").rglob("crash-*.txt"))


def fail(*_: object) -> None:
    """Fail as a mistake would that has a prompt in its hands."""
    raise LookupError(SECRET)


async def test_a_failing_handler_costs_its_message_alone(
    app: DashboardApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with app.run_test(size=(140, 42), notifications=True) as pilot:
        await shows(app, "qwen3:8B")
        with monkeypatch.context() as patch:
            patch.setattr(HeaderPane, "on_click", fail, raising=False)
            await pilot.click(HeaderPane)
            await shows(app, "the screen dashboard failed", "LookupError")
        await pilot.press("2")
        await until(lambda: app.current_mode == "requests")
    assert app.return_code in {0, None}
    (file,) = written(tmp_path)
    text = file.read_text()
    assert "test_guard.py" in text
    assert "fail" in text
    assert SECRET not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_the_reference_on_the_screen_is_that_of_the_file(
    app: DashboardApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(HeaderPane, "on_click", fail, raising=False)
    async with app.run_test(size=(140, 42), notifications=True) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.click(HeaderPane)
        await pilot.click(HeaderPane)
        await until(lambda: written(tmp_path) != [])
        (file,) = written(tmp_path)
        await shows(app, file.stem.rpartition("-")[2])


async def test_a_screen_that_fails_again_and_again_is_made_again(
    app: DashboardApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(140, 42), notifications=True) as pilot:
        await shows(app, "qwen3:8B")
        before = app.screen.query_one(HeaderPane)
        with monkeypatch.context() as patch:
            patch.setattr(LiveScreen, "tick", fail)
            for _ in range(3):
                app.call_later(app.screen.tick, 0.0)  # type: ignore[attr-defined]
            await until(lambda: [*app.screen.query(HeaderPane)] not in ([], [before]))
        await shows(app, "qwen3:8B")
        await pilot.press("3")
        await until(lambda: app.current_mode == "memory")


async def test_a_cell_that_cannot_be_made_costs_itself_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told_size = format.told_size

    def failing(text: str | None, size: int | None) -> str:
        if text == "4.68GiB":
            raise ValueError(SECRET)
        return told_size(text, size)

    monkeypatch.setattr(format, "told_size", failing)
    monkeypatch.setattr(DashboardApp, "goes_on", True)
    app = DashboardApp(StillMonitor(snapshot()))
    async with app.run_test(size=(140, 42), notifications=True) as pilot:
        await shows(app, "qwen3:8B", "2.31 GiB", "a cell of the screen dashboard", "ValueError")
        before = app.screen.query_one(HeaderPane)
        await pilot.press("j", "j", "k", "s", "s")
        await shows(app, "qwen3:8B", "2.31 GiB")
        assert app.screen.query_one(HeaderPane) is before, "the screen need not be made again"
    (file,) = written(tmp_path)
    assert SECRET not in file.read_text()


async def test_a_dialog_that_fails_is_closed_and_the_screen_stays(
    app: DashboardApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(140, 42), notifications=True) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("question_mark")
        await until(lambda: len(app.screen_stack) == 2)
        monkeypatch.setattr(type(app.screen), "on_key", fail, raising=False)
        await pilot.press("z", "z", "z")
        await until(lambda: len(app.screen_stack) == 1)
        await shows(app, "qwen3:8B")


async def test_a_screen_that_cannot_be_made_leaves_the_others(
    app: DashboardApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app.run_test(size=(140, 42), notifications=True) as pilot:
        await shows(app, "qwen3:8B")
        with monkeypatch.context() as patch:
            patch.setattr(RequestsScreen, "compose", fail)
            await pilot.press("2")
            await shows(app, "failed by an error of dmr-tui", "LookupError")
        await pilot.press("1")
        await shows(app, "qwen3:8B")
        await pilot.press("2")
        await until(lambda: bool(app.screen.query(HeaderPane)))


async def test_the_error_of_a_worker_is_written_down_with_its_place(
    app: DashboardApp, tmp_path: Path
) -> None:
    async def work() -> None:
        fail()

    async with app.run_test(size=(140, 42), notifications=True):
        await shows(app, "qwen3:8B")
        app.run_worker(work())
        await shows(app, "LookupError")
    (file,) = written(tmp_path)
    assert " work\n" in file.read_text()


async def test_a_failing_worker_and_timer_end_nothing(app: DashboardApp) -> None:
    async with app.run_test(size=(140, 42), notifications=True) as pilot:
        await shows(app, "qwen3:8B")
        app.screen.set_timer(0.01, fail)
        app.run_worker(fail, thread=True)
        await shows(app, "LookupError")
        await pilot.press("3")
        await until(lambda: app.current_mode == "memory")


async def test_errors_without_end_end_it_and_show_no_values(
    app: DashboardApp, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with app.run_test(size=(140, 42), notifications=True):
        await shows(app, "qwen3:8B")
        for _ in range(TOO_MANY + 1):
            app.call_later(fail)
        await until(lambda: not app.is_running)
    assert app.return_code == CRASHED
    assert written(tmp_path)
    told = capsys.readouterr()
    assert SECRET not in told.out + told.err
