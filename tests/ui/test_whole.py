"""Requests and timeline beside a simulated runner: from the socket to the screen."""

from dataclasses import replace

from dmr_tui.simulator.server import Simulator
from dmr_tui.state.event import DriftDetail, ErrorDetail, Event
from dmr_tui.ui.app import DashboardApp
from tests.ui.conftest import Beside
from tests.ui.screen import hides, screen_text, shows
from tests.ui.still import NOW, StillMonitor, snapshot, without_runner
from tests.waiting import until

QWEN = "ai/qwen3:8B-Q4_K_M"


def ask(simulator: Simulator, text: str, agent: str = "n8n", **options: object) -> None:
    """Make a call as another client, and wait for its end."""
    body = {"model": QWEN, "messages": [{"role": "user", "content": text}], **options}
    call = simulator.send(body, headers={"user-agent": agent})
    assert call.result(30)[0] in {200, 400}


async def test_a_call_is_followed_from_the_list_to_its_text_and_its_log(beside: Beside) -> None:
    app, simulator = beside("quiet")
    async with app.run_test(size=(140, 42)) as pilot:
        await until(lambda: app.snapshot.source("requests feed").health == "ok")
        await pilot.press("2")
        ask(simulator, "hello there", max_tokens=12)
        await shows(app, "n8n", "cut")
        await pilot.press("home", "enter")
        await shows(app, "What happened", "max_tokens")
        assert "hello there" not in screen_text(app), "nobody asked for it yet"
        await pilot.press("b")
        await shows(app, "hello there")
        await pilot.press("l")
        await until(lambda: app.current_mode == "timeline")
        await shows(app, "launch_slot_")


async def test_counted_by_caller_and_by_model(beside: Beside) -> None:
    app, simulator = beside("quiet")
    async with app.run_test(size=(140, 42)) as pilot:
        await until(lambda: app.snapshot.source("requests feed").health == "ok")
        for agent in ("n8n", "n8n", "curl/8.0"):
            ask(simulator, "hi", agent, max_tokens=8)
        await pilot.press("2")
        await shows(app, "n8n", "curl")
        await pilot.press("v")
        await shows(app, "CALLS", "CACHED")
        await until(lambda: app.snapshot.requests is not None and app.snapshot.requests.by_caller)
        assert app.snapshot.requests is not None
        counted = {group.name: group.requests for group in app.snapshot.requests.by_caller}
        assert counted["n8n"] == 2


async def test_loads_and_unloads_are_told_with_their_reason(beside: Beside) -> None:
    app, simulator = beside("quiet")
    async with app.run_test(size=(140, 42)) as pilot:
        await until(lambda: app.snapshot.models)
        await pilot.press("4")
        await shows(app, "loaded", "context 8,192")
        simulator.unload_all()
        await shows(app, "unloaded")
        ask(simulator, "again", max_tokens=4)
        await until(lambda: sum(e.kind == "loaded" for e in app.snapshot.events) == 2)


async def test_an_old_runner_has_a_timeline_without_a_log(beside: Beside) -> None:
    app, simulator = beside(Simulator("quiet", version="v1.0.12"))
    async with app.run_test(size=(140, 42)) as pilot:
        await until(lambda: app.snapshot.models)
        await pilot.press("4")
        await until(lambda: app.snapshot.source("log").health == "absent")
        simulator.unload_all()
        await shows(app, "unloaded", "has no log")


async def test_a_screen_that_is_left_holds_nothing_any_more(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=(140, 42)) as pilot:
        await until(lambda: app.snapshot.models)
        await pilot.press("4")
        await until(lambda: app.snapshot.log)
        await pilot.press("2")
        await until(lambda: not app.snapshot.log and app.snapshot.requests is not None)
        await pilot.press("1")
        await until(lambda: app.snapshot.requests is None)


async def test_what_nobody_may_miss_is_said_on_the_dashboard(noon: None) -> None:
    drift = Event(
        key="drift:1",
        at=NOW - 60.0,
        kind="config drift",
        detail=DriftDetail(8192, 4096, None, fitted=False),
        source="log",
        severity="warning",
        model="ai/tiny",
    )
    monitor = StillMonitor(snapshot(events=(drift,)))
    app = DashboardApp(monitor)
    async with app.run_test(size=(140, 42)):
        await shows(app, "tiny: context changed from 8,192 to 4,096")
        monitor.show(snapshot(events=(replace(drift, at=NOW - 700.0),)))
        await hides(app, "context changed from")


async def test_what_the_runner_keeps_no_record_of_is_counted(noon: None) -> None:
    failed = Event(
        "load:1",
        NOW - 60.0,
        "out of memory",
        ErrorDetail("does not fit"),
        "log",
        "error",
        "ai/tiny",
    )
    told = replace(failed, key="request:1", request="sha256:a_1")
    old = replace(failed, key="load:0", at=NOW - 3600.0)
    app = DashboardApp(StillMonitor(snapshot(events=(old, failed, told))))
    async with app.run_test(size=(140, 42)) as pilot:
        await pilot.press("2")
        await shows(app, "DMR keeps no record of 1 more that failed lately")


async def test_the_demo_is_told_what_the_open_screen_needs() -> None:
    demo = StillMonitor(snapshot())
    app = DashboardApp(StillMonitor(without_runner()), demo=lambda: demo)
    async with app.run_test(size=(140, 42)) as pilot:
        await until(lambda: app.current_mode == "doctor")
        await pilot.press("2")
        app.action_demo()
        await until(lambda: any(view.requests is not None for view in demo.views))


async def test_the_sign_of_the_sorted_column_is_never_cut(beside: Beside) -> None:
    app, simulator = beside("quiet")
    async with app.run_test(size=(140, 42)) as pilot:
        await until(lambda: app.snapshot.source("requests feed").health == "ok")
        ask(simulator, "hi", max_tokens=4)
        await pilot.press("2")
        await shows(app, "n8n", "PREFILL")
        for title in ("PREFIL", "DECOD"):
            header = next(line for line in screen_text(app).splitlines() if "MODEL" in line)
            await pilot.click("#call-table", offset=(header.index(title) - 1, 0))
            await shows(app, f"{title}▲")
