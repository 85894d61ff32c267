"""The doctor's screen: what it shows, copies, and asks before it sends anything."""

from collections.abc import Callable
from typing import Any

import pytest

from dmr_tui.simulator.server import Simulator
from dmr_tui.state.plan import LoadPlan
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.doctor.check import Check, Step
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.doctor import doctor_screen
from tests.text.doctor.facts import REFUSED, attempt, controller, down, engine, facts, seen
from tests.ui.conftest import Beside
from tests.ui.screen import screen_text, shows
from tests.ui.still import StillMonitor, snapshot
from tests.waiting import until

WIDE = (140, 60)
NASTY = "x\x1b[2J\x9b1m[red]y"


def checked(taken: Snapshot, *engines: Any) -> Snapshot:
    """The Snapshot with what the doctor finds in it."""
    return seen(facts(taken, *engines))


def app_with(taken: Snapshot, **more: Any) -> tuple[DashboardApp, StillMonitor]:
    monitor = StillMonitor(taken, **more)
    return DashboardApp(monitor), monitor


Found = Callable[..., None]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    """Lets the doctor find what the test says."""

    def find(*checks: Check) -> None:
        monkeypatch.setattr(doctor_screen, "diagnose", lambda snapshot, units: checks)

    return find


def order(app: DashboardApp, *texts: str) -> list[int]:
    text = screen_text(app)
    return [text.index(each) for each in texts]


async def test_while_no_runner_answers_the_way_out_comes_first() -> None:
    taken = checked(down(attempt(answer=REFUSED)), engine(controller("paused")))
    app, monitor = app_with(taken)
    async with app.run_test(size=WIDE, notifications=True):
        await shows(app, "No Docker Model Runner answers", "What to do", "it takes connections")
        await shows(app, "docker unpause docker-model-runner", "press d for a simulated one")
        await shows(app, "Where the runner is", REFUSED, "Docker 28.3.2 on Debian")
        places = order(app, "What to do", "docker unpause", "Where the runner is", "Docker 28.3.2")
        assert places == sorted(places)
        assert screen_text(app).count("docker unpause") == 1, "a step is told once"
        assert monitor.views[-1].doctor


async def test_a_small_window_has_room_for_what_was_seen(found: Found) -> None:
    check = Check("The runner", "vllm", "note", "not installed: the words of it need their room")
    found(check)
    app, _ = app_with(snapshot())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("6")
        await shows(app, "not installed: the words of it need their room")


async def test_while_all_is_well_every_check_and_source_is_told() -> None:
    app, monitor = app_with(checked(snapshot(), engine(controller())))
    async with app.run_test(size=(140, 90)) as pilot:
        await shows(app, "Models 4")
        assert not any(view.doctor for view in monitor.views), "nothing is asked for nobody"
        await pilot.press("6")
        await shows(app, "Docker Model Runner answers", "Where the runner is", "The runner", "GPU")
        await shows(app, "v1.2.6", "4 installed", "is loaded now", "Sources", "runner's log")
        assert "What to do" not in screen_text(app)
        assert monitor.views[-1].doctor
        await pilot.press("1")
        await until(lambda: not monitor.views[-1].doctor, "Docker is left alone again")


async def test_a_warning_tells_its_step_beside_it(found: Found) -> None:
    check = Check("The way to it", "clock", "warning", "8 s ahead", (Step("restart Docker"),))
    found(check)
    app, _ = app_with(snapshot())
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await pilot.press("6")
        await shows(app, "8 s ahead", "restart Docker", "warning")


async def test_names_and_errors_from_outside_are_signs_and_no_markup() -> None:
    broken = controller("created", name=NASTY, error=f"driver {NASTY}")
    taken = down(attempt(answer=f"answered {NASTY}"))
    app, _ = app_with(checked(taken, engine(broken, system=NASTY)))
    async with app.run_test(size=WIDE, notifications=True):
        await shows(app, "was never started: driver x␛[2J", "[red]y")
        await shows(app, "answered x␛[2J", "docker start CONTAINER")
        assert not {"\x1b", "\x9b"} & set(screen_text(app))


async def test_the_first_step_of_the_gravest_finding_is_copied(found: Found) -> None:
    found(
        Check("g", "a warning", "warning", "e", (Step("second"),)),
        Check("g", "no step", "problem", "e"),
        Check("g", "a problem", "problem", "e", (Step(f"first [red]{NASTY}"), Step("later"))),
    )
    app, _ = app_with(snapshot())
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await pilot.press("6")
        await shows(app, "a problem")
        await pilot.press("y")
        await shows(app, "Copied: first [red]x␛[2J")
        assert app.clipboard.startswith("first [red]x␛[2J")
        assert not {"\x1b", "\x9b"} & set(app.clipboard)


async def test_a_command_is_copied_rather_than_words(found: Found) -> None:
    engine_step = Step("with Docker Engine", "sudo systemctl start docker")
    steps = (Step("start Docker Desktop"), engine_step)
    found(Check("g", "a problem", "problem", "e", steps))
    app, _ = app_with(snapshot())
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await pilot.press("6")
        await shows(app, "a problem")
        await pilot.press("y")
        await shows(app, "Copied: sudo systemctl start docker")
        assert app.clipboard == "sudo systemctl start docker"


async def test_with_nothing_wrong_there_is_nothing_to_copy(found: Found) -> None:
    found(Check("g", "n", "ok", "e"))
    app, _ = app_with(snapshot())
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await pilot.press("6")
        await shows(app, "Docker Model Runner answers")
        await pilot.press("y")
        await shows(app, "There is nothing to do")
        assert app.clipboard == ""


async def test_an_engine_is_proved_only_after_a_question() -> None:
    app, monitor = app_with(snapshot())
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await pilot.press("6")
        await shows(app, "Docker Model Runner answers")
        await pilot.press("p")
        await shows(app, "The status of a backend proves nothing; a load does.", "smollm2")
        assert monitor.plans == []
        await pilot.press("escape")
        await pilot.press("p")
        await shows(app, "a load does.")
        await pilot.press("enter")
        await until(lambda: monitor.plans)
        (plan,) = monitor.plans
        assert isinstance(plan, LoadPlan)
        assert plan.name == "smollm2:360M-Q8_0"
        assert not plan.unload


async def test_nothing_is_proved_in_read_only_mode() -> None:
    app, monitor = app_with(snapshot(read_only=True), read_only=True)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await pilot.press("6")
        await shows(app, "Docker Model Runner answers")
        await pilot.press("p")
        await shows(app, "Read-only mode: nothing is sent that loads a model")
        assert monitor.plans == []


@pytest.mark.parametrize("taken", [snapshot(models=()), down()])
async def test_without_a_model_or_a_runner_nothing_can_be_proved(taken: Snapshot) -> None:
    app, monitor = app_with(taken)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await pilot.press("6")
        await until(lambda: app.current_mode == "doctor")
        await pilot.press("p")
        await pilot.pause()
        assert monitor.plans == []
        assert len(app.screen_stack) == 1


async def test_a_narrow_window_shows_every_word() -> None:
    app, _ = app_with(checked(down(), engine(controller("exited", exit_code=137))))
    async with app.run_test(size=(60, 90)):
        await shows(app, "What to do", "docker start docker-model-runner")
        text = " ".join(screen_text(app).split())
        assert "Docker does not start it again after docker kill" in text


async def test_beside_a_runner_it_loads_nothing(beside: Beside) -> None:
    simulator = Simulator("idle")
    loaded = set(simulator.world.loader.runners)
    app, _ = beside(simulator)
    async with app.run_test(size=(140, 90)) as pilot:
        await shows(app, "● up")
        await pilot.press("6")
        await shows(app, "proxy variables", "a runner answers (--host)", "8 installed")
        await shows(app, "list of models", "runner's log")
        assert set(simulator.world.loader.runners) == loaded
