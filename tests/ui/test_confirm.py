"""Asking before a load or an unload, and showing how it goes: a still monitor, and a real one."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import LaunchConfig, MemoryEstimate
from dmr_tui.runner.errors.explain import Explanation
from dmr_tui.simulator.server import Simulator
from dmr_tui.state.memory import Fit, MemoryState
from dmr_tui.state.plan import LoadPlan, Plan, Progress, UnloadPlan
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.state.source_state import SourceState
from dmr_tui.text.plans import steps_of
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.models.confirm_dialog import ConfirmDialog, ConfirmPage
from tests.ui.conftest import Beside
from tests.ui.screen import hides, screen_text, shows
from tests.ui.still import GIB, MODELS, StillMonitor, snapshot
from tests.waiting import until

QWEN, GEMMA, SMOLLM = (model.id for model in MODELS[:3])
PLAIN = LoadPlan("smollm2:360M-Q8_0", "ai/smollm2:360M-Q8_0", SMOLLM)
WHOLE = LoadPlan(
    "gemma3:4B-Q4_K_M",
    "ai/gemma3:4B-Q4_K_M",
    GEMMA,
    unload=((QWEN, "qwen3:8B-Q4_K_M"),),
    context=8192,
    cache_type="q8_0",
    slots=2,
)
UNLOAD = UnloadPlan("qwen3:8B-Q4_K_M", QWEN)
Test = Callable[[Pilot[None], StillMonitor], Awaitable[None]]


def with_fit(health: str = "ok") -> Snapshot:
    """The model of `WHOLE` would be loaded with what its package and flags ask for."""
    asked = LaunchConfig(131072, slots=4, key_type="q4_0")
    need = MemoryEstimate(asked, Reading(GIB), Reading(GIB), Reading(GIB))
    memory = MemoryState(fits={GEMMA: Fit("too big", need, need, "packaged")})
    source = SourceState("configuration", health)  # type: ignore[arg-type]
    return snapshot(memory=memory, sources=(source,))


def steps(plan: LoadPlan | UnloadPlan, *states: str) -> Progress:
    assert len(states) == len(steps_of(plan))
    return Progress(states)  # type: ignore[arg-type]


async def asked(
    plan: LoadPlan | UnloadPlan,
    test: Test,
    *,
    progress: tuple[Progress, ...] = (),
    shown: Snapshot | None = None,
    size: tuple[int, int] = (100, 30),
) -> None:
    """Run `test` in front of the dialog for `plan`."""
    monitor = StillMonitor(shown or with_fit())
    monitor.progress = progress
    app = DashboardApp(monitor)
    async with app.run_test(size=size, notifications=True) as pilot:
        await app.push_screen(ConfirmDialog(plan, ["A remark."], lambda: app.monitor))
        await shows(app, "This will")
        await test(pilot, monitor)


async def test_what_will_be_done_and_what_is_lost() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await shows(pilot.app, "Load gemma3:4B-Q4_K_M", "unload qwen3:8B-Q4_K_M", "A remark.")
        page = pilot.app.screen.query_one(ConfirmPage)
        text = "\n".join("".join(part for part, _ in line) for line in page.lines(400, 50))
        assert "context 8,192 (was 131,072, as packaged)" in text
        assert "KV cache q8_0 (was q4_0)" in text
        assert "slots 2 (was 4)" in text
        assert "until the runner restarts" in text
        assert "forgets its cached prompts" in text
        assert "Everything else that is configured for it stays." in text
        assert monitor.plans == []

    await asked(WHOLE, test)


async def test_only_what_is_at_stake_is_told() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        text = screen_text(pilot.app)
        assert "onfigured" not in text
        assert "forgets" not in text

    await asked(PLAIN, test)


async def test_an_old_runner_that_does_not_tell_what_it_has_stored() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await shows(pilot.app, "does not tell what is configured")
        assert "else that is configured for it stays" not in screen_text(pilot.app)

    await asked(WHOLE, test, shown=with_fit("absent"))


async def test_an_embedding_model_is_loaded_twice_by_the_runner() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await shows(pilot.app, "for chat as well")

    await asked(replace(WHOLE, mode="embedding"), test)


@pytest.mark.parametrize("key", ["escape", "n", "q"])
async def test_no(key: str) -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press(key)
        await hides(pilot.app, "This will")
        assert (monitor.plans, monitor.stopped) == ([], 0)

    await asked(UNLOAD, test)


@pytest.mark.parametrize(
    "keys", [("y",), ("enter",), ("y", "y"), ("enter", "enter"), ("tab", "shift+tab", "enter")]
)
async def test_yes(keys: tuple[str, ...]) -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        for key in keys:
            await pilot.press(key)
        await shows(pilot.app, "… unload qwen3:8B-Q4_K_M", "esc stops it")
        assert (monitor.plans, monitor.stopped) == ([UNLOAD], 0)

    await asked(UNLOAD, test, progress=(steps(UNLOAD, "running"),))


async def test_enter_on_cancel_cancels() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("tab", "enter")
        await hides(pilot.app, "This will")
        assert monitor.plans == []

    await asked(UNLOAD, test)


async def test_done_closes_it_and_says_so() -> None:
    done = replace(steps(WHOLE, "done", "done", "done"), ended=True)

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("y")
        await until(lambda: not isinstance(pilot.app.screen, ConfirmDialog))
        await shows(pilot.app, "load gemma3:4B-Q4_K_M: done")

    await asked(WHOLE, test, progress=(steps(WHOLE, "done", "done", "running"), done))


async def test_the_clock_is_that_of_the_step_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1000.0

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        nonlocal seconds
        await pilot.press("y")
        await shows(pilot.app, "unload qwen3:8B-Q4_K_M  0:00")
        dialog = pilot.app.screen
        assert isinstance(dialog, ConfirmDialog)
        seconds += 75.0
        await shows(pilot.app, "unload qwen3:8B-Q4_K_M  1:15")
        dialog.post_message(ConfirmDialog.Advanced(steps(WHOLE, "done", "running", "waiting")))
        await shows(pilot.app, "ok unload qwen3:8B-Q4_K_M", "… configure", "0:00")
        assert "1:15" not in screen_text(pilot.app)

    monkeypatch.setattr("dmr_tui.ui.models.confirm_dialog.monotonic", lambda: seconds)
    await asked(WHOLE, test, progress=(steps(WHOLE, "running", "waiting", "waiting"),))


async def test_stopping_tells_what_goes_on() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("y")
        await shows(pilot.app, "esc stops it")
        await pilot.press("escape")
        await shows(pilot.app, "Stopped", "It goes on loading.", "esc closes")
        assert monitor.stopped == 1
        await pilot.press("escape")
        await hides(pilot.app, "Stopped")
        assert monitor.stopped == 1

    await asked(WHOLE, test, progress=(steps(WHOLE, "done", "done", "running"),))


@pytest.mark.parametrize("size", [(140, 42), (80, 24), (60, 20)])
async def test_a_failure_stays_to_be_read(size: tuple[int, int]) -> None:
    failure = Explanation("It does [b]not[/b] fit", "The card is full.", "Unload another.", "text")
    failed = replace(steps(WHOLE, "done", "done", "failed"), ended=True, failure=failure)

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await pilot.press("y")
        await shows(pilot.app, "!  load gemma3", "It does [b]not[/b] fit", "The card is full.")
        await shows(pilot.app, "Unload another.", "Close")
        await pilot.press("enter")
        await hides(pilot.app, "The card is full.")

    await asked(WHOLE, test, progress=(failed,), size=size)


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_all_of_it_can_be_read_in_a_small_window(size: tuple[int, int]) -> None:
    many = tuple((f"sha256:{number:064x}", f"model-{number}") for number in range(12))
    plan = replace(WHOLE, unload=many, mode="embedding")

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await shows(pilot.app, "unload model-0", "Do it", "Cancel")
        await pilot.press(*["down"] * 40)
        await shows(pilot.app, "takes memory twice", "Do it", "Cancel")

    await asked(plan, test, size=size)


async def test_a_name_that_is_meant_to_harm() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await shows(pilot.app, "unload [red]x[/]")

    await asked(UnloadPlan("[red]x[/]\x1b[2J", QWEN), test)


async def test_a_model_is_loaded_for_real(beside: Beside) -> None:
    app, simulator = beside(Simulator("quiet"))
    async with app.run_test(size=(100, 30), notifications=True):
        await until(lambda: app.snapshot.models)
        row = next(each for each in app.snapshot.models if each.name == "smollm2:360M-Q4_K_M")
        other = next(each for each in app.snapshot.models if each.runs)
        gone = ((other.key, other.name),)
        plan = LoadPlan(row.name, row.ref, row.key, "completion", gone, context=2048)
        dialog = ConfirmDialog(plan, [], lambda: app.monitor)
        await app.push_screen(dialog)
        dialog.action_go()
        await until(lambda: not isinstance(app.screen, ConfirmDialog))
        assert {r.model.name for r in simulator.world.loader.runners.values()} == {
            "ai/smollm2:360M-Q4_K_M"
        }
        await until(lambda: any(m.context.effective == 2048 for m in app.snapshot.models))


async def test_read_only(beside: Beside) -> None:
    app, simulator = beside(Simulator("quiet"), read_only=True)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(lambda: app.snapshot.models)
        row = next(each for each in app.snapshot.models if each.runs)
        await app.push_screen(ConfirmDialog(UnloadPlan(row.name, row.key), [], lambda: app.monitor))
        await pilot.press("y")
        await shows(app, "ead-only mode", "esc closes")
        assert len(simulator.world.loader.runners) == 1


async def test_a_dialog_can_be_closed_though_nothing_ends() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        def never_ends(plan: Plan, publish: Callable[[Progress], None]) -> Callable[[], None]:
            publish(steps(UNLOAD, "running"))
            return lambda: None

        monitor.run_plan = never_ends  # type: ignore[method-assign]
        await pilot.press("y")
        await shows(pilot.app, "esc stops it")
        await pilot.press("escape")
        await shows(pilot.app, "stopping; esc closes it anyway")
        await pilot.press("escape")
        await until(lambda: not isinstance(pilot.app.screen, ConfirmDialog))

    await asked(UNLOAD, test)
