"""An answer that is longer than anybody reads: its beginning is shown, and all of it is there."""

import pytest

from dmr_tui.measure.meter import Passage, Turn
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.chat.chat_pane import ChatPane
from dmr_tui.ui.chat.turn_view import SHOWN_CHARACTERS
from tests.ui.screen import shows
from tests.ui.still import StillMonitor, snapshot
from tests.waiting import until

SIZE = (140, 42)
LONG = "word " * (2 * SHOWN_CHARACTERS // 5)
EXACTLY = (LONG[:SHOWN_CHARACTERS], LONG[SHOWN_CHARACTERS:])


async def ask(app: DashboardApp) -> None:
    """Send a prompt, and wait for the end of its answer."""
    await shows(app, "qwen3:8B")
    chat = app.screen.query_one(ChatPane)
    await until(lambda: chat.model is not None)
    await chat.send("tell me all")
    await until(lambda: chat.last is not None and chat.last.turn is not None)
    await until(lambda: not chat.streaming)


@pytest.mark.parametrize(
    "pieces",
    [(LONG,), tuple(LONG[n : n + 1000] for n in range(0, len(LONG), 1000)), EXACTLY],
    ids=["one", "many", "exactly so much, and more"],
)
async def test_the_beginning_is_shown_and_all_is_copied(pieces: tuple[str, ...]) -> None:
    parts = list(pieces)
    turns = tuple(
        Turn("ai/qwen3", answer=Passage(parts[:n]), ended=n == len(parts))
        for n in range(1, len(parts) + 1)
    )
    app = DashboardApp(StillMonitor(snapshot(), turns))
    async with app.run_test(size=SIZE) as pilot:
        await ask(app)
        await shows(app, "more is not shown; ctrl+y copies all of it")
        source = str(app.screen.query_one("Markdown").source)  # type: ignore[attr-defined]
        assert source.count("is not shown") == 1
        assert SHOWN_CHARACTERS < len(source) < SHOWN_CHARACTERS + 100
        await pilot.press("c", "ctrl+y")
        await until(lambda: app.clipboard.strip() == LONG.strip())


async def test_the_beginning_of_a_long_reasoning_is_shown() -> None:
    turn = Turn("ai/qwen3", thoughts=Passage([LONG]), answer=Passage(["done"]), ended=True)
    app = DashboardApp(StillMonitor(snapshot(), (turn,)))
    async with app.run_test(size=SIZE):
        await ask(app)
        await shows(app, "reasoning", "done")
        fold = app.screen.query_one("Collapsible")
        fold.collapsed = False  # type: ignore[attr-defined]
        app.screen.query_one("#transcript").scroll_end(animate=False)
        await shows(app, "more is not shown")


async def test_an_answer_of_usual_length_is_shown_whole() -> None:
    turn = Turn("ai/qwen3", answer=Passage(["word " * 300, "the end"]), ended=True)
    app = DashboardApp(StillMonitor(snapshot(), (turn,)))
    async with app.run_test(size=SIZE):
        await ask(app)
        await shows(app, "the end")
        assert "not shown" not in str(app.screen.query_one("Markdown").source)  # type: ignore[attr-defined]
