"""The dashboard beside a simulated runner: what a person sees and can do."""

from dataclasses import replace

import httpx
import pytest

from dmr_tui.simulator.http.faults import Fault
from dmr_tui.simulator.server import Simulator
from dmr_tui.state.event import Event
from dmr_tui.state.plan import Pull
from dmr_tui.state.snapshot import Runner
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.dashboard.dashboard_screen import DashboardScreen
from dmr_tui.ui.widgets.table import Table
from tests.ui.conftest import Beside
from tests.ui.screen import hides, screen_text, shows, type_text
from tests.ui.still import NOW, StillMonitor, judged, snapshot
from tests.waiting import until

WIDE = (140, 42)
SMALL = (80, 24)


def line_with(app, text: str) -> str:  # type: ignore[no-untyped-def]
    return next(line for line in screen_text(app).splitlines() if text in line)


async def test_within_a_moment_everything_is_there(beside: Beside) -> None:
    app, _ = beside("workflow")
    async with app.run_test(size=WIDE):
        await shows(app, "● up", "llama.cpp", "DMR v1.2.6", "of 8 slots", "on disk", "every")
        await shows(app, "Models 8", "qwen3:8B-Q4_K_M", "Q4_K_M", "4.68 GiB", "8k of 40k")
        await shows(app, "GPU 0 · RTX 4090", "VRAM", "RAM", "GiB", "swap")
        await shows(app, "decode", "prefill", "p50", "p95", "requests,")
        await shows(app, "Chat · ", "Write a prompt and press enter")


async def test_a_call_of_somebody_else_is_seen_while_it_runs(beside: Beside) -> None:
    app, simulator = beside("quiet")
    async with app.run_test(size=WIDE):
        await shows(app, "idle 2:")
        body = {"model": "ai/qwen3:8B-Q4_K_M", "messages": [{"role": "user", "content": "go"}]}
        simulator.send({**body, "max_tokens": 250}, headers={"user-agent": "n8n"})
        await shows(app, "1 in flight", "n8n · qwen3:8B", "/5:00", "busy 0:0")
        await shows(app, "nothing in flight", "idle 4:5")


async def test_a_load_shows_its_clock(beside: Beside) -> None:
    app, simulator = beside("quiet")
    async with app.run_test(size=WIDE):
        await shows(app, "gemma3:4B")
        simulator.send({"model": "ai/gemma3:4B-Q4_K_M", "messages": []})
        await shows(app, "loading 0:0", "2 loaded")


async def test_filter(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "Models 8")
        await pilot.press("slash")
        await type_text(pilot, "q4_k_m 8b")
        await shows(app, "Models 1 of 8", "qwen3:8B-Q4_K_M")
        await hides(app, "phi4")
        await pilot.press("enter", "escape")
        await shows(app, "Models 8", "phi4")


async def test_a_filter_that_matches_nothing_says_how_to_get_out(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "Models 8")
        await pilot.press("slash")
        await type_text(pilot, "zzz")
        await shows(app, "Models 0 of 8", "no model matches the filter; esc shows all")


async def test_sort_by_size_with_keys_and_mouse(beside: Beside) -> None:
    app, _ = beside("quiet")

    def order() -> list[str]:
        table = app.screen.query_one(Table)
        return [row.name for row in table.rows]

    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "Models 8")
        for _ in range(7):
            await pilot.press("s")
        await shows(app, "by size ▲")
        rising = order()
        await pilot.press("s")
        await shows(app, "by size ▼")
        assert order()[0] == "phi4:14B-Q4_K_M"
        assert order() == rising[::-1]
        header = app.screen.query_one(Table)
        await pilot.click(header, offset=(4, 0))
        await shows(app, "by model ▲")
        assert order() == sorted(order(), key=str.lower)


async def test_cursor_and_scroll_survive_every_refresh_of_a_thousand_models(
    beside: Beside,
) -> None:
    app, simulator = beside(Simulator("quiet", models=1000))
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "Models 1008")
        for _ in range(8):
            await pilot.press("pagedown")
        table = app.screen.query_one(Table)
        name = table.row.name  # type: ignore[union-attr]
        await shows(app, name)
        top = table.scroll_offset.y
        assert top > 50
        simulator.load("ai/gemma3:4B-Q4_K_M")
        await shows(app, "2 loaded")
        assert table.row.name == name  # type: ignore[union-attr]
        assert table.scroll_offset.y == top
        await pilot.press("end")
        assert table.row == table.rows[-1]
        await pilot.press("home")
        await shows(app, "qwen3:8B-Q4_K_M")


async def test_a_context_window_is_never_cut(beside: Beside) -> None:
    app, _ = beside("workflow")
    async with app.run_test(size=WIDE):
        await shows(app, "16k of 128k", "128k/1000k")


async def test_a_narrow_window_still_tells_what_is_loaded_how_fast_and_whether_it_fits(
    beside: Beside,
) -> None:
    app, _ = beside("workflow")
    async with app.run_test(size=(60, 20)):
        await shows(app, "llama3.2:1B-Q8_0", "nomic-embed", "qwen3:8B", "gemma3:4B")
        await shows(app, "VRAM", "RAM", "decode", "prefill")


async def test_details_show_all_that_is_known(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "qwen3:8B-Q4_K_M")
        await pilot.press("i")
        await shows(app, "Context window, in tokens", "40,960", "by engine log")
        await shows(app, "GPU memory", "KV cache", "verdict", "largest context")
        for _ in range(20):
            await pilot.press("down")
        await shows(app, "sha256:", "GGUF metadata", "general.architecture")
        await pilot.press("escape")
        await hides(app, "GGUF metadata")


async def test_one_source_that_fails_is_named_and_the_rest_goes_on(beside: Beside) -> None:
    app, simulator = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "● up", "on disk")
        simulator.faults.add(Fault("status", "/engines/df", text="disk on strike"))
        await pilot.press("f5")
        await shows(app, "partly stale", "disk: ", "disk on strike", "on disk")
        simulator.faults.clear()
        await pilot.press("f5")
        await hides(app, "partly stale")


async def test_a_runner_that_dies_leaves_its_numbers_with_their_age(beside: Beside) -> None:
    app, simulator = beside("quiet")
    async with app.run_test(size=WIDE):
        await shows(app, "● up", "qwen3:8B")
        simulator.stop_listening()
        simulator.restart()
        await shows(app, "○ down", "has not answered for", "qwen3:8B", "data ")
        simulator.listen_again()
        await shows(app, "● up")
        await hides(app, "has not answered")


async def test_without_a_runner_the_doctor_opens_and_closes_by_itself(beside: Beside) -> None:
    app, simulator = beside("quiet")
    simulator.stop_listening()
    async with app.run_test(size=WIDE):
        await shows(app, "No Docker Model Runner answers", "nothing listens there")
        await shows(app, "docker desktop enable model-runner --tcp 12434")
        await shows(app, "docker-model-plugin", "press d for a simulated one")
        simulator.listen_again()
        await shows(app, "Models 8", "qwen3:8B")


async def test_the_doctor_lists_every_source(beside: Beside) -> None:
    app, _ = beside("old")
    async with app.run_test(size=(140, 80)) as pilot:
        await shows(app, "● up", "before 2026-03")
        await pilot.press("6")
        await shows(app, "Docker Model Runner answers", "Sources", "it lacks its log")
        await shows(app, "this version of the runner does not have it")
        await pilot.press("1")
        await shows(app, "Models 8")


async def test_names_full_of_markup_and_control_characters(beside: Beside) -> None:
    app, _ = beside(Simulator("quiet", models=40))
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "Models 48")
        await pilot.press("slash")
        await type_text(pilot, "[")
        await shows(app, "[red]")
        await pilot.press("enter", "i")
        await shows(app, "[red]", "esc closes")
        await pilot.press("escape", "escape")
        await pilot.press("end")
        assert "\x1b" not in screen_text(app)


async def test_a_backend_without_timings_has_a_dash_and_the_reason(beside: Beside) -> None:
    app, _ = beside("vllm")
    async with app.run_test(size=WIDE):
        await shows(app, "— no timings in these replies", "untimed")


async def test_read_only_is_said(beside: Beside) -> None:
    app, _ = beside("quiet", read_only=True)
    async with app.run_test(size=WIDE):
        await shows(app, "READ-ONLY", "Read-only: prompts are not sent.")


@pytest.mark.parametrize("size", [(140, 42), (100, 45), (80, 24), (60, 30)])
async def test_header_models_memory_and_chat_at_every_size(
    beside: Beside, size: tuple[int, int]
) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=size) as pilot:
        await shows(app, "● up", "qwen3:8B", "RAM", "idle ")
        await pilot.press("c")
        await shows(app, "Chat · qwen3:8B")
        await pilot.press("escape")
        await shows(app, "Models 8")


async def test_too_small_says_so_with_what_matters(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=(40, 10)):
        await shows(app, "● up", "qwen3:8B", "needs 56×18 cells, has 40×10")


async def test_a_storm_of_resizes(beside: Beside) -> None:
    app, _ = beside("workflow")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "qwen3:8B")
        for step in range(20):
            await pilot.resize_terminal(30 + step * 37 % 150, 5 + step * 11 % 50)
        await pilot.resize_terminal(*WIDE)
        await shows(app, "Models 8", "qwen3:8B", "Throughput", "Chat · ")


async def test_help_holds_every_key(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=(140, 80)) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("question_mark")
        await shows(app, "Everywhere", "In the list of models", "In the chat", "ctrl+t")
        assert "In the timeline" not in screen_text(app), "what works here comes first"
        await shows(app, "the engine's own stopwatch")
        await pilot.press("escape")
        await shows(app, "Models 8")


async def test_the_palette_knows_the_actions(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("ctrl+p")
        await type_text(pilot, "details")
        await shows(app, "Details of the model")
        await pilot.press("enter")
        await shows(app, "Context window, in tokens")


async def test_a_maximized_pane_and_back(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "Throughput")
        await pilot.press("f")
        await hides(app, "Throughput")
        await shows(app, "Models 8")
        await pilot.press("f")
        await shows(app, "Throughput")


async def test_no_models_says_how_to_get_one(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "Models 8")
        screen = app.screen
        assert isinstance(screen, DashboardScreen)
        endpoint = screen.snapshot.runner.endpoint
        assert endpoint is not None
        async with httpx.AsyncClient(base_url=endpoint.url) as client:
            await client.post("/engines/unload", json={"all": True})
            for entry in (await client.get("/models")).json():
                await client.delete(f"/models/{entry['id']}", params={"force": "true"})
        await pilot.press("f5")
        await until(lambda: not screen.snapshot.models)
        await shows(app, "no models installed yet", "press n to pull ai/llama3.2:1B-Q8_0")


async def test_quitting_ends_everything(beside: Beside) -> None:
    app, _ = beside("workflow")
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("q")
    assert app.return_code == 0


async def test_quitting_would_end_a_download_and_asks() -> None:
    going = Pull("ai/[red]big", "pulling", 2_000_000_000, 4_000_000_000)
    app = DashboardApp(StillMonitor(replace(snapshot(), pulls=(going, Pull("ai/done", "done")))))
    async with app.run_test(size=WIDE) as pilot:
        await shows(app, "qwen3:8B")
        await pilot.press("q")
        await shows(app, "ai/[red]big  50 %", "A download is under way", "goes on from there")
        assert "ai/done" not in screen_text(app)
        await pilot.press("escape")
        await hides(app, "A download is under way")
        assert app.return_value is None
        await pilot.press("ctrl+q")
        await shows(app, "A download is under way")
        await pilot.press("enter")
        await hides(app, "A download is under way")
        assert app.is_running, "enter is on the button that stays"
        await pilot.press("q", "q")
    assert app.return_code == 0


async def test_without_a_runner_the_way_to_the_doctor_is_shown() -> None:
    alone = replace(snapshot(), runner=Runner(up=False), models=())
    app = DashboardApp(StillMonitor(judged(alone)))
    async with app.run_test(size=SMALL) as pilot:
        await shows(app, "No Docker Model Runner answers")
        await pilot.press("1")
        await shows(app, "No runner answers: what was tried, and what to do (6 Doctor)")


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([("out of memory", "error", 9.0)], "41 requests, 1 failed, 1 load failed, 2 left"),
        (
            [("load failed", "error", 9.0), ("out of memory", "error", 5.0)],
            "1 failed, 2 loads failed,",
        ),
        ([("load failed", "warning", 9.0)], "41 requests, 1 failed, 2 left"),
        ([("out of memory", "error", 400.0), ("loaded", "good", 5.0)], "1 failed, 2 left"),
    ],
    ids=["one", "two", "called off", "long ago"],
)
async def test_loads_that_failed_are_counted_since_their_calls_are_not(
    events: list[tuple[str, str, float]], said: str
) -> None:
    told = tuple(
        Event(str(ago), NOW - ago, kind, None, "log", severity)  # type: ignore[arg-type]
        for kind, severity, ago in events
    )
    app = DashboardApp(StillMonitor(snapshot(events=told)))
    async with app.run_test(size=WIDE):
        await shows(app, said)
