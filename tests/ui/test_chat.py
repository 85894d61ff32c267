"""The chat: what a person types, what comes back, and how it bears what goes wrong."""

import time

import pytest
from textual.widgets import Collapsible, Markdown, Static

from dmr_tui.measure.meter import Passage
from dmr_tui.simulator.http.faults import Fault
from dmr_tui.simulator.server import Simulator
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.chat.chat_pane import ChatPane
from dmr_tui.ui.chat.prompt import PromptArea
from dmr_tui.ui.chat.turn_view import WordCount
from dmr_tui.ui.dashboard.dashboard_screen import DashboardScreen
from tests.ui.conftest import Beside
from tests.ui.screen import hides, screen_text, shows, type_text
from tests.waiting import until

WIDE = (140, 42)


def chat(app: DashboardApp) -> ChatPane:
    return app.screen.query_one(ChatPane)


async def says(app: DashboardApp, *texts: str) -> None:
    """Wait until the chat says all of `texts`, however its lines are broken."""

    def said() -> str:
        shown = [str(widget.render()) for widget in chat(app).query(Static)]
        return " ".join(" ".join(shown).split())

    try:
        await until(lambda: all(text in said() for text in texts))
    except AssertionError:
        raise AssertionError(f"no {texts} in: {said()}") from None


async def chosen(app: DashboardApp, pilot, name: str = "qwen3:8B-Q4_K_M") -> None:  # type: ignore[no-untyped-def]
    """Choose a model by hand, as a person would."""
    await shows(app, name[:18])
    await pilot.press("slash")
    await type_text(pilot, name.lower())
    await pilot.press("enter", "enter")
    await shows(app, f"Chat · {name}")


async def test_type_and_read(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot)
        await type_text(pilot, "hello there")
        await pilot.press("enter")
        await shows(app, "hello there")
        await says(app, "tok/s decode server", "to first token client")
        await until(lambda: not chat(app).streaming)
        await says(app, "prompt tokens", "in all client")
        await shows(app, "reasoning · ")
        assert chat(app).answer


async def test_reasoning_folds_and_unfolds(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot)
        await type_text(pilot, "why?")
        await pilot.press("enter")
        await until(lambda: chat(app).last and not chat(app).streaming)
        fold = app.screen.query_one(Collapsible)
        assert fold.collapsed
        reasoning = chat(app).last.turn.reasoning  # type: ignore[union-attr]
        words = " ".join(reasoning.split()[:3])
        assert words not in screen_text(app)
        fold.collapsed = False
        await shows(app, words)


async def test_a_cold_model_shows_its_load_and_then_the_load_apart(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot, "gemma3:4B-Q4_K_M")
        await type_text(pilot, "hi")
        await pilot.press("enter")
        await shows(app, "loading the model 0:0")
        await says(app, "load (cold)")


async def test_escape_stops_an_answer_in_a_maximized_chat_that_fills_the_screen(
    beside: Beside,
) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot)
        dashboard = app.screen
        assert isinstance(dashboard, DashboardScreen)
        dashboard.action_maximize_pane()
        await until(lambda: dashboard.maximized is chat(app))
        await until(lambda: chat(app).region.right == WIDE[0])
        await type_text(pilot, "tell me a long story")
        await pilot.press("enter")
        await until(lambda: chat(app).streaming and chat(app).answer)
        await pilot.press("escape")
        await until(lambda: not chat(app).streaming)
        assert chat(app).last.turn.stopped  # type: ignore[union-attr]
        assert dashboard.maximized is chat(app)
        assert chat(app).region == dashboard.region.shrink((0, 0, 1, 0))
        await pilot.press("escape")
        await until(lambda: dashboard.maximized is None)


async def test_escape_stops_and_gives_the_prompt_back(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot)
        await type_text(pilot, "tell me everything")
        await pilot.press("enter")
        await shows(app, "esc Stop", "tok/s decode")
        await pilot.press("escape")
        await says(app, "stopped")
        assert app.screen.query_one(PromptArea).text == "tell me everything"
        assert not chat(app).streaming
        await pilot.press("escape")
        await shows(app, "⏎ Chat")


async def test_escape_while_the_model_loads_leaves_no_trace(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot, "phi4:14B-Q4_K_M")
        await type_text(pilot, "hi")
        await pilot.press("enter")
        await shows(app, "loading the model")
        began = time.perf_counter()
        await pilot.press("escape")
        await until(lambda: not chat(app).streaming)
        assert time.perf_counter() - began < 1.0
        assert app.screen.query_one(PromptArea).text == "hi"
        await hides(app, "loading")
        assert chat(app).last is None


async def test_history_goes_back_and_forth(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot, "smollm2:360M-Q4_K_M")
        area = app.screen.query_one(PromptArea)
        for text in ("one", "two"):
            await type_text(pilot, text)
            await pilot.press("enter")
            await until(lambda: chat(app).last and not chat(app).streaming)
        await type_text(pilot, "three")
        await pilot.press("up")
        assert area.text == "two"
        await pilot.press("up", "up")
        assert area.text == "one"
        await pilot.press("down", "down")
        assert area.text == "three", "the draft is still there"


async def test_several_lines(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot)
        await type_text(pilot, "a")
        await pilot.press("ctrl+j")
        await type_text(pilot, "b")
        area = app.screen.query_one(PromptArea)
        assert area.text == "a\nb"
        await pilot.press("up")
        assert area.text == "a\nb", "up moves within the text first"


async def test_the_conversation_goes_on_and_can_be_forgotten(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot, "smollm2:360M-Q4_K_M")
        for text in ("one", "two"):
            await type_text(pilot, text)
            await pilot.press("enter")
            await until(lambda: chat(app).last and not chat(app).streaming)
        turn = chat(app).last.turn  # type: ignore[union-attr]
        assert turn is not None
        assert turn.cached_tokens, "the first question and its answer are in the engine's cache"
        await pilot.press("ctrl+l")
        await shows(app, "Write a prompt and press enter")
        assert chat(app).last is None


async def test_ask_again_replaces_the_answer(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot, "smollm2:360M-Q4_K_M")
        await type_text(pilot, "once more")
        await pilot.press("enter")
        await until(lambda: chat(app).last and not chat(app).streaming)
        first = chat(app).last
        await pilot.press("ctrl+r")
        await until(lambda: chat(app).last is not first and not chat(app).streaming)
        assert len(app.screen.query(Markdown)) == 1
        assert chat(app).last.question == "once more"  # type: ignore[union-attr]


async def test_options_are_checked_and_used(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot, "smollm2:360M-Q4_K_M")
        await pilot.press("ctrl+o")
        await shows(app, "Chat options", "System prompt")
        await pilot.press("tab")
        await type_text(pilot, "hot")
        await pilot.press("ctrl+s")
        await shows(app, "Temperature, 0 to 2: 'hot' is not that")
        await pilot.press("backspace", "backspace", "backspace")
        await type_text(pilot, "0.5")
        await pilot.press("tab")
        await type_text(pilot, "9")
        await pilot.press("tab")
        await type_text(pilot, "7")
        await pilot.press("ctrl+s")
        await shows(app, "temperature 0.5 · max 9 tokens · seed 7")
        await type_text(pilot, "go")
        await pilot.press("enter")
        await says(app, "9 tokens", "cut at the token limit")


@pytest.mark.parametrize("place", [0, 2, 3])
async def test_prompts_at_a_key(beside: Beside, place: int) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot, "llama3.2:1B-Q8_0")
        await pilot.press("ctrl+t")
        await shows(app, "Test prompts", "Long context", "prefill speed")
        for _ in range(place):
            await pilot.press("down")
        await pilot.press("enter")
        await until(lambda: chat(app).last and not chat(app).streaming)
        turn = chat(app).last.turn  # type: ignore[union-attr]
        assert turn is not None
        assert turn.failure is None
        if place == 2:
            assert turn.prefill is not None
            await says(app, "tok/s prefill server", "words)")
        if place == 3:
            assert turn.text.lstrip().startswith(("{", "["))


async def test_copy(beside: Beside, monkeypatch: pytest.MonkeyPatch) -> None:
    app, _ = beside("quiet")
    copied: list[str] = []
    monkeypatch.setattr(app, "copy_to_clipboard", copied.append)
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot, "smollm2:360M-Q4_K_M")
        await type_text(pilot, "hi")
        await pilot.press("enter")
        await until(lambda: chat(app).last and not chat(app).streaming)
        await pilot.press("ctrl+y")
        assert copied == [chat(app).answer]
        assert copied[0]


async def test_an_embedding_model_is_not_asked(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await chosen(app, pilot, "nomic-embed-text-v1.5:F16")
        await type_text(pilot, "hi")
        await pilot.press("enter")
        await shows(app, "makes embeddings and")
        assert app.screen.query_one(PromptArea).text == "hi"


async def test_an_overflow_says_how_much_and_the_chat_goes_on(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot)
        await chat(app).send("word " * 9000)
        await says(app, "the context window only 8,192", "--context-size")
        await until(lambda: not chat(app).streaming)
        area = app.screen.query_one(PromptArea)
        assert area.text.startswith("word word"), "the prompt came back"
        area.text = ""
        await type_text(pilot, "short")
        await pilot.press("enter")
        await shows(app, "tok/s decode")


async def test_a_model_that_does_not_fit_says_so(beside: Beside) -> None:
    app, _ = beside("pressure")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot, "mistral-nemo:12B-Q4_K_M")
        await type_text(pilot, "hi")
        await pilot.press("enter")
        await says(app, "does not fit into GPU memory", "Unload another model")


async def test_a_runner_that_dies_in_the_middle_keeps_what_came(beside: Beside) -> None:
    app, simulator = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot)
        await type_text(pilot, "go on")
        await pilot.press("enter")
        await shows(app, "tok/s decode")
        simulator.restart()
        await says(app, "broke off in the middle")
        turn = chat(app).last.turn  # type: ignore[union-attr]
        assert turn is not None
        assert turn.text or turn.reasoning
        await shows(app, "● up")


async def test_half_an_answer_is_not_called_complete(beside: Beside) -> None:
    app, simulator = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot)
        simulator.faults.add(Fault("reset", "/engines/v1/chat", after=6000))
        await type_text(pilot, "go on")
        await pilot.press("enter")
        await says(app, "broke off in the middle")
        assert "complete" not in screen_text(app)


async def test_a_second_prompt_waits_for_the_first(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        await chosen(app, pilot)
        await chat(app).send("word " * 6000)
        app.screen.query_one(PromptArea).text = "and now"
        await pilot.press("enter")
        assert chat(app).streaming
        await shows(app, "An answer is on its way")
        assert app.screen.query_one(PromptArea).text == "and now"


async def test_escape_sequences_in_an_answer_are_only_shown(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot, "smollm2:360M-Q4_K_M")
        await type_text(pilot, "x")
        await pilot.press("enter")
        await until(lambda: chat(app).last and not chat(app).streaming)
        view = chat(app).last
        assert view is not None
        assert view.turn is not None
        from msgspec.structs import replace

        parts = [*[""] * view.turn.answer.size, "\n\n[red]\x1b[2J\x1b]0;owned\x07"]
        evil = replace(view.turn, answer=Passage(parts))
        await view.advance(evil)
        await shows(app, "[red]␛[2J␛]0;owned␇")


async def test_a_small_window_switches_between_monitor_and_chat(beside: Beside) -> None:
    app, _ = beside("quiet")
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(app, "Monitor", "Chat", "Models 8", "c: chat")
        await pilot.press("enter")
        await shows(app, "Chat · qwen3:8B-Q4_K_M", "esc: monitor")
        await type_text(pilot, "hi")
        await pilot.press("enter")
        await shows(app, "tok/s decode")
        await until(lambda: not chat(app).streaming)
        await pilot.press("escape")
        await shows(app, "Models 8")
        await pilot.click("#switch", offset=(12, 0))
        await shows(app, "Chat · qwen3:8B-Q4_K_M")


async def test_a_thousand_tokens_a_second_and_keys_still_work(beside: Beside) -> None:
    """Not a measurement: it only has to go through with the last word on the screen."""
    app, _ = beside(Simulator("quiet"))
    async with app.run_test(size=WIDE) as pilot:
        await chosen(app, pilot, "smollm2:360M-Q4_K_M")
        await pilot.press("ctrl+t", "down", "enter")
        await until(lambda: chat(app).last and not chat(app).streaming)
        last_word = chat(app).answer.split()[-1]
        await shows(app, last_word)


def test_words_are_counted_whole_wherever_a_text_is_cut() -> None:
    text = " The user\n\nwants  two sentences. "
    for size in range(1, len(text) + 1):
        words = WordCount()
        for start in range(0, len(text), size):
            words.add(text[start : start + size])
            words.add("")
        assert words.count == len(text.split()), size
