"""The chat: quick test prompts to the chosen model, each with its numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import thread_time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.reactive import var
from textual.widgets import Static

from dmr_tui.measure.meter import Turn
from dmr_tui.monitor.live import Monitor
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.prompt import Message, Prompt
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.chat.presets import Preset
from dmr_tui.ui.chat.prompt import PromptArea
from dmr_tui.ui.chat.turn_view import TurnView
from dmr_tui.ui.commands.table import bindings
from dmr_tui.ui.messages import TurnAdvanced
from dmr_tui.ui.shell.pane import Titled
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.paint_pace import PaintPace

KEPT_TURNS = 50
"""Turns that stay on the screen; older ones leave it, and the conversation."""


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """Options of a prompt; None leaves the choice to the engine."""

    system: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None

    def words(self) -> str:
        """Return what differs from the engine's defaults, for the border."""
        parts = []
        if self.system:
            parts.append("system prompt")
        if self.temperature is not None:
            parts.append(f"temperature {self.temperature:g}")
        if self.max_tokens is not None:
            parts.append(f"max {self.max_tokens} tokens")
        if self.seed is not None:
            parts.append(f"seed {self.seed}")
        return f" {GLYPHS.dot} ".join(parts)


class ChatPane(Vertical, Titled):
    """The conversation and the prompt; it asks through the monitor and shows what comes."""

    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("chat")]

    snapshot: var[Snapshot] = var(Snapshot(), init=False)

    def __init__(self, monitor: Callable[[], Monitor]) -> None:
        """`monitor` answers the monitor of this moment: the demo replaces it."""
        super().__init__(id="chat", classes="pane")
        self.options = ChatOptions()
        self.model: ModelRow | None = None
        self._monitor = monitor
        self._turns: list[TurnView] = []
        self._number = 0
        self._pace = PaintPace()
        self._stop: Callable[[], None] | None = None
        self._asked: tuple[str, Preset | None] | None = None
        self._invited: Content | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="chat-empty", markup=False)
        yield VerticalScroll(id="transcript", can_focus=True)
        yield PromptArea()

    def on_mount(self) -> None:
        self._show_words()

    @property
    def streaming(self) -> bool:
        """True while an answer is on its way."""
        return self._stop is not None

    @property
    def can_ask_again(self) -> bool:
        """True if there is a last prompt and no answer is on its way."""
        return self._asked is not None and not self.streaming

    @property
    def answer(self) -> str:
        """The text of the last answer."""
        turn = self.last.turn if self.last else None
        return turn.text if turn else ""

    @property
    def last(self) -> TurnView | None:
        """The newest turn."""
        return self._turns[-1] if self._turns else None

    def choose(self, row: ModelRow) -> None:
        """Ask this model from now on."""
        self.model = row
        self._show_words()

    def watch_snapshot(self) -> None:
        """Take the chosen model as it is now: it may have been loaded, unloaded or removed."""
        if self.model is not None:
            key = self.model.key
            self.model = next((row for row in self.snapshot.models if row.key == key), self.model)
        self._show_words()

    def tick(self) -> None:
        """Move the clock of a load on: a second has passed."""
        if self.streaming and self.last is not None:
            self.last.tick()

    async def on_prompt_area_submitted(self, event: PromptArea.Submitted) -> None:
        """Send what was entered."""
        event.stop()
        await self.send(event.text)

    async def send(self, text: str, preset: Preset | None = None) -> None:
        """Ask the chosen model; a test prompt is asked without the conversation before it."""
        prompt_area = self.query_one(PromptArea)
        if problem := self._problem():
            self.notify(problem, severity="warning", markup=False)
            return
        assert self.model is not None
        question = preset.fresh() if preset else text
        if preset is None:
            prompt_area.remember(text)
            prompt_area.text = ""
        self._asked = (text, preset)
        prompt = self._prompt(question, preset)
        self._number += 1
        view = TurnView(self._number, question)
        self._turns.append(view)
        self._show_words()
        self._stop = self._cancel_asking
        self.screen.refresh_bindings()
        transcript = self.query_one("#transcript", VerticalScroll)
        if len(self._turns) > KEPT_TURNS:
            await self._turns.pop(0).remove()
        await transcript.mount(view)
        transcript.anchor()
        # Only when all of this is painted, so that the time to first token holds no painting.
        self.call_after_refresh(self._ask, prompt, view.number)

    def _ask(self, prompt: Prompt, number: int) -> None:
        if self.streaming:
            self._stop = self._monitor().ask(prompt, partial(self._heard, number))

    def _cancel_asking(self) -> None:
        # Stopped before it was sent.
        if self.last is not None and self.model is not None:
            self._stop = None
            self._heard(self.last.number, Turn(self.model.ref, ended=True, stopped=True))

    def _heard(self, number: int, turn: Turn) -> None:
        # From the monitor's thread; a pane that is gone has no use for it.
        if self.is_running:
            self.post_message(TurnAdvanced(number, turn))

    def _problem(self) -> str:
        if self.streaming:
            return "An answer is on its way: esc stops it"
        if self.model is None:
            return "Choose a model first: enter in the list of models"
        if self.model.embedding:
            return f"{plain(self.model.name)} makes embeddings and cannot chat: choose another"
        return ""

    def _prompt(self, question: str, preset: Preset | None) -> Prompt:
        assert self.model is not None
        system = self.options.system
        messages = [Message("system", system)] if system else []
        if preset is None:
            messages += self._conversation()
        messages.append(Message("user", question))
        return Prompt(
            self.model.ref,
            tuple(messages),
            self.options.temperature,
            preset.max_tokens if preset else self.options.max_tokens,
            self.options.seed,
            json_answer=bool(preset and preset.json_answer),
        )

    def _conversation(self) -> list[Message]:
        messages = []
        for view in self._turns:
            turn = view.turn
            if turn is not None and turn.ended and turn.answer and not turn.stopped:
                messages += [Message("user", view.question), Message("assistant", turn.text)]
        return messages

    async def on_turn_advanced(self, event: TurnAdvanced) -> None:
        """Show an answer that has grown or ended."""
        event.stop()
        view = next((view for view in self._turns if view.number == event.number), None)
        if view is None or (not event.turn.ended and not self._pace.is_due):
            # The next message holds this text as well.
            return
        began = thread_time()
        await view.advance(event.turn)
        self.call_after_refresh(self._pace.painted, began)
        if event.turn.ended:
            await self._ended(view, event.turn)

    async def _ended(self, view: TurnView, turn: Turn) -> None:
        self._stop = None
        self.screen.refresh_bindings()
        if (turn.stopped or (turn.failure is not None and not turn.answer)) and self._asked:
            text, preset = self._asked
            if preset is None:
                self.query_one(PromptArea).restore(text)
        if turn.stopped and not turn.answer and not turn.thoughts:
            self._turns.remove(view)
            await view.remove()
            self._show_words()

    def stop(self) -> None:
        """Stop the answer, if there is one."""
        if self._stop is not None:
            self._stop()

    async def regenerate(self) -> None:
        """Ask the last prompt again, in place of its answer."""
        if self._asked is None or self.streaming:
            return
        text, preset = self._asked
        if self._turns:
            await self._turns.pop().remove()
        await self.send(text, preset)

    async def clear(self) -> None:
        """Forget the conversation."""
        self.stop()
        views, self._turns = self._turns, []
        for view in views:
            await view.remove()
        self._stop = None
        self._asked = None
        self._show_words()
        self.screen.refresh_bindings()

    def set_options(self, options: ChatOptions) -> None:
        """Ask like this from now on."""
        self.options = options
        self._show_words()

    def titles(self) -> tuple[str, str]:
        """Return the chosen model, and the options that differ from the engine's."""
        name = f" {GLYPHS.dot} {plain(self.model.name)}" if self.model else ""
        return f"Chat{name}", self.options.words()

    def _show_words(self) -> None:
        self.show_titles()
        empty = self.query_one("#chat-empty", Static)
        invitation = None if self._turns else self._invitation()
        # Every update of a text lays the whole screen out again.
        if invitation != self._invited:
            self._invited = invitation
            empty.display = invitation is not None
            empty.update(invitation or "")

    def _invitation(self) -> Content:
        if self._monitor().read_only:
            return Content.styled("Read-only: prompts are not sent.", "$label")
        if self.model is None:
            text = "Choose a model with enter in the list of models, then write a prompt here."
            return Content.styled(text, "$label")
        return Content.from_markup(
            "[$label]Write a prompt and press [$value]enter[/], or [$value]ctrl+t[/] for a test"
            " prompt. Under each answer stand decode and prefill speed, time to first token and"
            " token counts, each with its source: [$value]server[/] is the engine's own"
            " stopwatch, [$value]client[/] is measured here."
        )
