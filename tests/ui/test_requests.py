"""The requests beside a monitor that stands still: what a person sees and can do."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from dmr_tui.measure.meter import Passage, Turn
from dmr_tui.runner.request import Slower
from dmr_tui.state.request_filter import RequestFilter, View
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.messages import LinesWanted, RequestWanted
from dmr_tui.ui.requests.requests_pane import RequestsPane
from dmr_tui.ui.widgets.table import Table
from tests.ui.calls import (
    BODIES,
    BY_CALLER,
    CHINESE,
    FINISHED,
    GONE,
    HARMFUL,
    IN_FLIGHT,
    N8N,
    UNKNOWN,
    call,
    many,
    with_calls,
)
from tests.ui.screen import hides, screen_text, shows, type_text
from tests.ui.still import StillMonitor
from tests.waiting import until

pytestmark = pytest.mark.usefixtures("noon")
WIDE, SMALL, NARROW = (140, 42), (80, 24), (60, 20)

Test = Callable[[Pilot[None], StillMonitor], Awaitable[None]]


async def at_requests(
    shown: Snapshot,
    test: Test,
    *,
    size: tuple[int, int] = WIDE,
    turns: tuple[Turn, ...] = (),
    read_only: bool = False,
) -> None:
    monitor = StillMonitor(shown, turns, read_only=read_only)
    app = DashboardApp(monitor)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.press("2")
        await shows(app, "In flight")
        await test(pilot, monitor)


def pane_of(pilot: Pilot[None]) -> RequestsPane:
    return pilot.app.screen_stack[0].query_one(RequestsPane)


def table_of(pilot: Pilot[None]) -> Table:  # type: ignore[type-arg]
    return pilot.app.screen_stack[0].query_one("#call-table", Table)


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


async def test_what_runs_and_what_has_ended() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await shows(pilot.app, "In flight 4", "4:51 / 5:00", "0:12 / 5:00", "1:02", "Finished 10")
        await shows(pilot.app, "timed out ×3", "overflow", "no model", "cut", "!12.3", "42.1")
        assert monitor.views[-1] == View(requests=RequestFilter())

    await at_requests(with_calls(in_flight=IN_FLIGHT), test)


async def test_a_small_window_shows_what_matters_most() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await shows(pilot.app, "ENDED", "MODEL", "CALLER", "GEN", "DECODE", "TOOK", "STATUS")
        await shows(pilot.app, "and 2 more")
        assert "CACHED" not in screen_text(pilot.app)

    await at_requests(with_calls(in_flight=IN_FLIGHT), test, size=SMALL)


async def test_the_line_below_says_what_is_not_as_usual() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await press(pilot, "down", "down")
        await shows(pilot.app, "! 71% slower than its usual 42 tok/s: the GPU was hardly used")
        await press(pilot, "down")
        await shows(pilot.app, f"{N8N} gave up after its time limit of 300 s", "sent 3 times")
        await press(pilot, "down")
        await shows(pilot.app, "the answer ended at its token limit of 1024")
        await press(pilot, "down")
        await shows(pilot.app, "The prompt has 9,120 tokens, the context window only 8,192")
        await press(pilot, "down")
        await shows(pilot.app, "model loaded first: 12.3 s, before the record begins")

    await at_requests(with_calls(), test)


async def test_only_this_model_this_caller_this_status() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await press(pilot, "m")
        asked = RequestFilter(model="qwen3:8B-Q4_K_M")
        assert monitor.views[-1].requests == asked
        await shows(pilot.app, "model qwen3:8B-Q4_K_M", "esc shows all", "reading the archive")
        assert len(table_of(pilot).rows) == 10, "the old rows stay until the new ones come"
        monitor.show(with_calls(FINISHED[:1], asked=asked, matching=212))
        await shows(pilot.app, "Finished 212 of 10,431")
        await press(pilot, "c", "o")
        asked = RequestFilter(model="qwen3:8B-Q4_K_M", caller=N8N, outcome="ok")
        assert monitor.views[-1].requests == asked
        await shows(pilot.app, f"caller {N8N}", "status ok")
        await press(pilot, "m")
        assert monitor.views[-1].requests == RequestFilter(caller=N8N, outcome="ok")
        await press(pilot, "escape")
        assert monitor.views[-1].requests == RequestFilter()
        await hides(pilot.app, "esc shows all")

    await at_requests(with_calls(matching=10_431), test)


async def test_an_answer_to_an_earlier_question_changes_no_row() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await press(pilot, "m")
        await shows(pilot.app, "model qwen3:8B-Q4_K_M", "reading the archive")
        asked = monitor.views[-1].requests
        assert asked is not None
        stale = with_calls(FINISHED[:1], matching=1)
        monitor.show(stale)
        await until(lambda: pilot.app.snapshot == stale)  # type: ignore[attr-defined]
        await pilot.pause()
        assert len(table_of(pilot).rows) == 10
        await shows(pilot.app, "reading the archive")
        monitor.show(with_calls(FINISHED[:2], asked=asked, matching=2))
        await until(lambda: len(table_of(pilot).rows) == 2)
        await hides(pilot.app, "reading the archive")

    await at_requests(with_calls(), test)


async def test_words() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await press(pilot, "slash")
        await type_text(pilot, "gemma curl")
        await until(lambda: monitor.views[-1].requests == RequestFilter(words="gemma curl"))
        await press(pilot, "enter")
        await shows(pilot.app, "words gemma curl")
        monitor.show(with_calls((), asked=RequestFilter(words="gemma curl")))
        await shows(pilot.app, "no call matches the filter; esc shows all")
        await press(pilot, "escape")
        await until(lambda: monitor.views[-1].requests == RequestFilter())

    await at_requests(with_calls(), test)


async def test_following_and_standing_still() -> None:
    rows = many(200)

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        table = table_of(pilot)
        new = tuple(call(900 + n, 10 - n, 1.0) for n in range(3))
        monitor.show(with_calls(new[:1] + rows))
        await until(lambda: table.row == new[0])
        await press(pilot, "down", "down", "down")
        at = table.row
        await pilot.pause()
        place = table.rows.index(at) - table.scroll_offset.y
        monitor.show(with_calls(new[1::-1] + rows))
        await until(lambda: len(table.rows) == 202)
        assert table.row == at
        assert table.rows.index(at) - table.scroll_offset.y == place, "nothing has jumped"
        await shows(pilot.app, "g goes to the newest")
        await press(pilot, "g")
        monitor.show(with_calls(new[::-1] + rows))
        await until(lambda: table.row == new[2])
        await until(lambda: table.scroll_offset.y == 0)

    await at_requests(with_calls(rows), test)


async def test_pause() -> None:
    rows = many(20)

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await press(pilot, "space")
        await shows(pilot.app, "paused, 0 new")
        monitor.show(with_calls((call(900, 1, 1.0), call(901, 2, 1.0), *rows)))
        await shows(pilot.app, "paused, 2 new")
        assert len(table_of(pilot).rows) == 20
        await press(pilot, "space")
        await hides(pilot.app, "paused")
        assert len(table_of(pilot).rows) == 22

    await at_requests(with_calls(rows), test)


async def test_sorting_with_keys_and_mouse() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        table = table_of(pilot)
        await press(pilot, "s", "s", "s")
        await shows(pilot.app, "by model ▲")
        await pilot.click(table, offset=(table.size.width - 30, 0))
        await shows(pilot.app, "by took ▲")
        known = [row.duration for row in table.rows if row.duration is not None]
        assert known == sorted(known)
        monitor.show(with_calls((call(900, 1, 50.0), *FINISHED)))
        await until(lambda: len(table.rows) == 11)
        known = [row.duration for row in table.rows if row.duration is not None]
        assert known == sorted(known)

    await at_requests(with_calls(), test)


async def test_counted_by_caller_and_by_model() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await press(pilot, "v")
        assert monitor.views[-1] == View(requests=RequestFilter(), groups=True)
        await shows(pilot.app, "reading the archive")
        monitor.show(with_calls(groups=True))
        await shows(pilot.app, "CALLER", "8,120", "DECODE p50", "TTFT p50", "CACHED", "34 %")
        await press(pilot, "down")
        await shows(pilot.app, "! slower than usual: its last 5 calls: 12.3 tok/s")
        await press(pilot, "enter")
        assert monitor.views[-1] == View(requests=RequestFilter(caller=BY_CALLER[1].name))
        await shows(pilot.app, "caller OpenAI Python")
        await press(pilot, "escape", "v", "v")
        assert monitor.views[-1] == View(requests=RequestFilter(), groups=True)
        monitor.show(with_calls(groups=True))
        await shows(pilot.app, "nomic-embed-text")

    await at_requests(with_calls(), test)


async def test_a_click_on_the_titles() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        line = next(text for text in screen_text(pilot.app).splitlines() if "by model" in text)
        await pilot.click("#finished", offset=(line.index("by model") + 2, 0))
        assert pane_of(pilot).mode == "model"
        await pilot.click("#finished", offset=(line.index("Finished") + 2, 0))
        assert pane_of(pilot).mode == "list"

    await at_requests(with_calls(), test)


async def test_naming_a_caller() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await press(pilot, "n")
        await shows(pilot.app, "Name the caller", N8N, "300")
        await type_text(pilot, "n8n")
        await press(pilot, "tab", "x", "enter")
        await shows(pilot.app, "is no number of seconds")
        await press(pilot, "backspace", "4", "5", "ctrl+s")
        assert monitor.named == [(N8N, "n8n", 45.0)]
        monitor.show(with_calls(caller_names={N8N: "invoices"}))
        await shows(pilot.app, "invoices")

    await at_requests(with_calls(), test)


async def test_its_log_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[object, ...]] = []

    async def wanted(app: DashboardApp, event: LinesWanted) -> None:
        said.append((event.at, event.until, event.digest))

    monkeypatch.setattr(DashboardApp, "on_lines_wanted", wanted)

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        row = FINISHED[0]
        await press(pilot, "l")
        await until(lambda: len(said) == 1)
        await press(pilot, "enter", "l")
        await until(lambda: len(said) == 2)
        assert said == [(row.started_at, row.finished_at, row.digest)] * 2
        assert pilot.app.screen is pilot.app.screen_stack[0]

    await at_requests(with_calls(), test)


async def test_another_screen_asks_for_a_call() -> None:
    rows = many(300)

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await press(pilot, "m")
        monitor.show(with_calls(rows[:5], asked=RequestFilter(model="qwen3:8B-Q4_K_M")))
        await press(pilot, "1")
        pilot.app.post_message(RequestWanted("many_250"))
        await until(lambda: monitor.views[-1].requests == RequestFilter())
        monitor.show(with_calls(rows[:100], reading=True))
        await pilot.pause()
        monitor.show(with_calls(rows))
        await until(lambda: table_of(pilot).row is rows[250])
        assert pilot.app.screen is pilot.app.screen_stack[0]
        pilot.app.post_message(RequestWanted("f_1"))
        await shows(pilot.app, "in flight", "of 5:00, its caller's limit")

    await at_requests(with_calls(rows), test)


async def test_everything_about_a_call() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await press(pilot, "enter")
        await shows(pilot.app, "(predicted_n - 1) / predicted_ms = 255 / 6.06 s", "815 tok/s")
        await shows(pilot.app, "waited + prompt_ms", "temperature", "0.7", "prompt + generated")
        await press(pilot, "end")
        later = replace(FINISHED[0], slow=Slower(77.0, 0.5))
        monitor.show(with_calls((later, *FINISHED[1:])))
        await shows(pilot.app, "50% slower than its usual 77 tok/s")
        assert "You are terse" not in screen_text(pilot.app)

    await at_requests(with_calls(), test)


async def test_prompt_and_answer_only_when_asked_for() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        monitor.known_bodies[BODIES.id] = BODIES
        await press(pilot, "enter", "b")
        await shows(pilot.app, "You are terse.", "[b]no markup[/b] ␛[31mred", "answer  75")
        await press(pilot, "b")
        await hides(pilot.app, "You are terse.")
        await shows(pilot.app, "b shows them")

    await at_requests(with_calls(), test)


async def test_bodies_that_are_gone() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        monitor.known_bodies[GONE.id] = GONE
        await press(pilot, "enter", "b")
        await shows(pilot.app, "Its record is gone", "--keep-bodies")

    await at_requests(with_calls(), test)


async def test_a_replay_on_another_model() -> None:
    turn = Turn("x", Passage(["Again."]), ttft_s=0.42, completion_tokens=3)

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        monitor.known_bodies[BODIES.id] = BODIES
        await press(pilot, "enter", "r")
        await shows(pilot.app, "Replay with which model", "the same")
        await press(pilot, "down", "enter")
        await until(lambda: bool(monitor.replayed))
        assert [(r.id, model) for r, model in monitor.replayed] == [
            (FINISHED[0].id, "ai/gemma3:4B-Q4_K_M")
        ]
        await shows(pilot.app, "Recorded · qwen3", "Replay · gemma3", "Again.", "esc stops it")
        await shows(pilot.app, "b shows the recorded answer")
        await press(pilot, "b")
        await shows(pilot.app, "It keeps keys and values of every token.")
        await press(pilot, "escape")
        assert monitor.stopped == 1
        await shows(pilot.app, "stopped", "esc closes")
        await press(pilot, "escape")
        await hides(pilot.app, "Recorded ·")

    await at_requests(with_calls(), test, turns=(turn,))


@pytest.mark.parametrize(
    ("place", "read_only", "said"),
    [(0, True, "Read-only mode"), (1, False, "Only chats can be replayed")],
)
async def test_what_cannot_be_replayed(place: int, read_only: bool, said: str) -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await press(pilot, *["down"] * place, "enter", "r")
        await shows(pilot.app, said)
        assert not monitor.replayed

    await at_requests(with_calls(), test, read_only=read_only)


@pytest.mark.parametrize("size", [WIDE, SMALL, NARROW])
async def test_names_from_outside_and_nothing_known(size: tuple[int, int]) -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await shows(pilot.app, "end", "[bli")
        for number in range(3):
            await press(pilot, "home", *["down"] * number, "enter")
            await shows(pilot.app, "What happened")
            await press(pilot, "b", "escape", "m", "c", "escape")

    await at_requests(with_calls((HARMFUL, CHINESE, UNKNOWN)), test, size=size)


async def test_no_calls_and_no_answer_yet() -> None:
    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        await shows(pilot.app, "nothing in flight", "reading the archive")
        monitor.show(with_calls((), in_flight=()))
        await shows(pilot.app, "no call has ended yet")
        await press(pilot, "enter", "m", "c", "o", "n", "l", "v", "enter", "v", "enter", "space")
        await shows(pilot.app, "by model")

    await at_requests(replace(with_calls(in_flight=()), requests=None), test)


async def test_ten_thousand_calls_stay_smooth() -> None:
    rows = many(10_000)
    spent: list[float] = []

    async def test(pilot: Pilot[None], monitor: StillMonitor) -> None:
        nonlocal rows
        table = table_of(pilot)
        for sort in (None, "decode", "model"):
            table.sort_by(sort)
            await pilot.pause()
            for number in range(20):
                rows = (call(90_000 + number, 1, 1.0), *rows[:-1])
                began = time.thread_time()
                table.show(rows)
                spent.append(time.thread_time() - began)
                await pilot.pause()
        assert sorted(spent)[len(spent) // 2] < 0.02, "four times what it takes is still smooth"

    await at_requests(with_calls(rows, matching=10_000), test)
