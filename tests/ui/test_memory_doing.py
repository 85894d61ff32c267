"""Loading, unloading and making room from the memory screen: asked first, then done."""

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from dmr_tui.machine.probe import Machine
from dmr_tui.simulator.models.library import NOMIC, PHI4, QWEN3, SMOLLM2
from dmr_tui.state.plan import LoadPlan, UnloadPlan
from dmr_tui.ui.memory.memory_screen import MemoryScreen
from dmr_tui.ui.messages import MemoryWanted
from dmr_tui.ui.models.confirm_dialog import ConfirmDialog
from tests.monitor.hardware import card, computer, engine, user
from tests.ui.conftest import Beside
from tests.ui.memory_still import WIDE, rows, shown, still
from tests.ui.screen import hides, screen_text, shows
from tests.ui.still import StillMonitor
from tests.waiting import until

READ_ONLY = "nothing is sent that changes the runner"


async def test_the_plan_and_the_key_that_does_it() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "To load phi4: unload qwen3 and", "nomic-embed-text-v1.5 (l)")
        await pilot.press("l")
        await shows(pilot.app, "This will", "unload qwen3:8B-Q4_K_M")
        assert monitor.plans == []
        await pilot.press("y")
        (plan,) = monitor.plans
        assert isinstance(plan, LoadPlan)
        assert (plan.digest, plan.configures) == (PHI4.digest, False)
        assert {key for key, _ in plan.unload} == {QWEN3.digest, NOMIC.digest}

    await shown(still(), test, at=PHI4)


async def test_a_changed_question_is_loaded_as_it_is_asked() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await pilot.press("minus", "minus", "t", "P")
        await shows(pilot.app, "l loads it like this, after", "unloading qwen3")
        await pilot.press("l", "y")
        unload = ((QWEN3.digest, "qwen3:8B-Q4_K_M"),)
        name, ref = "phi4:14B-Q4_K_M", PHI4.name
        wanted = LoadPlan(name, ref, PHI4.digest, "completion", unload, 4096, "q8_0", 3)
        (plan,) = monitor.plans
        assert isinstance(plan, LoadPlan)
        assert replace(plan, ref=ref) == wanted

    await shown(still(), test, at=PHI4)


def small_card() -> Machine:
    """12 GiB, of which nothing but an idle model holds anything."""
    users = (user(11, "llama-server", 6.2),)
    return computer(card(*users, used=6.2, total=12.0), engines=(engine(11, QWEN3.digest),))


async def test_where_unloading_alone_does_not_help_the_context_is_cut_as_well() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        result = screen.what_if.result
        assert result is not None
        assert result.fit.smaller is not None
        keys, most = result.fit.smaller
        await shows(pilot.app, "To load phi4: unload qwen3 and", "of context (l)")
        await pilot.press("l")
        await shows(pilot.app, "are free, 12.0 GiB after unloading.")
        await pilot.press("y")
        (plan,) = monitor.plans
        assert isinstance(plan, LoadPlan)
        assert plan.context == most
        assert [key for key, _ in plan.unload] == list(keys) == [QWEN3.digest]

    await shown(still(small_card(), rows(QWEN3.name)), test, at=PHI4)


async def test_what_can_never_fit_is_said_before_it_is_tried() -> None:
    tiny = computer(card(used=0.5, total=2.0))

    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await shows(pilot.app, "verdict     too big")
        assert "To load" not in screen_text(pilot.app)
        await pilot.press("l")
        await shows(pilot.app, "By the estimate it does not fit")
        await pilot.press("escape", "minus")
        await shows(pilot.app, "l loads it like this, which may fail")
        await pilot.press("l")
        await shows(pilot.app, "By the estimate it does not fit")

    await shown(still(tiny, rows()), test, at=PHI4)


async def test_unloading_asks_first() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await pilot.press("u")
        await shows(pilot.app, "This will")
        assert monitor.plans == []
        await pilot.press("y")
        assert monitor.plans == [UnloadPlan("qwen3:8B-Q4_K_M", QWEN3.digest)]

    await shown(still(), test, at=QWEN3)


async def test_what_is_not_loaded_cannot_be_unloaded() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        assert screen.check_action("unload_model", ()) is None
        await pilot.press("u")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, ConfirmDialog)

    await shown(still(), test, at=SMOLLM2)


async def test_a_loaded_model_is_not_loaded_again_as_it_is() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        await pilot.press("l")
        await shows(pilot.app, "is loaded; o configures it")
        await pilot.press("minus", "l")
        await shows(
            pilot.app, "This will", "unloaded first; its cached prompts", "its own included"
        )

    await shown(still(), test, at=QWEN3)


@pytest.mark.parametrize("key", ["l", "u", "enter"])
async def test_read_only_says_why_it_does_nothing(key: str) -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        assert screen.check_action("load_model", ()) is None
        await pilot.press(key)
        await shows(pilot.app, READ_ONLY)
        assert not isinstance(pilot.app.screen, ConfirmDialog)
        assert monitor.plans == []

    await shown(still(read_only=True), test, at=QWEN3)


async def test_a_model_is_loaded_as_asked_for_real(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await until(lambda: app.snapshot.memory is not None and app.snapshot.models)
        row = next(row for row in app.snapshot.models if row.name.startswith("smollm2"))
        app.post_message(MemoryWanted(row.key))
        await shows(app, f"What if · {row.name}", "verdict     fits")
        await pilot.press("minus")
        await shows(app, "4,096 tokens", "changed; 0 goes back")
        await pilot.press("l", "y")
        await shows(app, "loaded as it is", "4,096 as configured")
        await hides(app, "changed; 0 goes back")


async def test_a_model_is_unloaded_for_real(beside: Beside) -> None:
    app, simulator = beside("quiet")
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await until(lambda: any(row.runs for row in app.snapshot.models))
        loaded = next(row for row in app.snapshot.models if row.runs)
        app.post_message(MemoryWanted(loaded.key))
        await shows(app, f"What if · {loaded.name}", "loaded as it is")
        await pilot.press("u", "y")
        await until(lambda: not simulator.world.loader.runners)
        await shows(app, ": done")


async def test_where_only_less_context_helps_the_key_does_just_that() -> None:
    async def test(pilot: Pilot[None], screen: MemoryScreen, monitor: StillMonitor) -> None:
        result = screen.what_if.result
        assert result is not None
        largest = result.fit.largest_context
        assert result.fit.verdict == "too big"
        assert largest is not None
        await shows(pilot.app, "To load phi4: load it with")
        await pilot.press("l")
        await shows(pilot.app, "This will", f"context {largest:,}")
        await shows(pilot.app, "With 16,384 tokens of context it needs ~12.2 GiB; 11.0 of 12.0 GiB")
        await shows(pilot.app, f"With {largest:,} it needs ~9.")
        await hides(pilot.app, "the load may fail")
        await pilot.press("y")
        (plan,) = monitor.plans
        assert isinstance(plan, LoadPlan)
        assert (plan.context, plan.unload) == (largest, ())

    machine = computer(card(user(30, "blender", 1.0), used=1.0, total=12.0))
    await shown(still(machine, rows()), test, at=PHI4)
