"""One question and its answer, growing while it streams."""

import time

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Collapsible, Static

from dmr_tui.measure.meter import Turn
from dmr_tui.text import format
from dmr_tui.text.sanitize import plain, plain_lines
from dmr_tui.text.turns import failure_lines, figure_parts
from dmr_tui.ui.shell.pane import now
from dmr_tui.ui.widgets.glyphs import GLYPHS

FIGURES_S = 0.25
"""Seconds between two looks of the numbers while an answer streams: faster cannot be read."""
FOLDED_LINES = 6
"""Lines of a long prompt that are shown."""
SHOWN_CHARACTERS = 64 * 2**10
"""Characters of an answer, and of the reasoning, that are shown, some 16,000 tokens: Textual lays
the whole last paragraph out again with every piece, which takes longer and longer."""

NOT_SHOWN = f"{GLYPHS.ellipsis} more is not shown; ctrl+y copies all of it"


class TurnView(Vertical):
    """The question, the reasoning folded, the answer as Markdown, and its numbers."""

    def __init__(self, number: int, question: str) -> None:
        # A tenth of a second to import, and the first paint needs none.
        from textual.widgets import Markdown

        super().__init__(classes="turn")
        self.number = number
        self.question = question
        self.turn: Turn | None = None
        self._answer = Markdown("", classes="answer", open_links=False)
        self._written = 0
        self._shown = 0
        self._thought = 0
        self._words = WordCount()
        self._fold: Collapsible | None = None
        self._waiting = turn_content(Turn(""))
        self._figures = self._waiting.markup
        self._figured_at = float("-inf")

    def compose(self) -> ComposeResult:
        yield Static(_question(self.question), classes="question", markup=False)
        yield self._answer
        yield Static(self._waiting, classes="figures", markup=False)

    def on_mount(self) -> None:
        self._answer.display = False

    async def advance(self, turn: Turn) -> None:
        """Show the answer as far as it has come; text that is shown is not written again."""
        self.turn = turn
        if turn.thoughts:
            await self._show_reasoning(turn)
        if turn.answer.size > self._written:
            self._answer.display = True
            await self._write(turn.answer.since(self._written))
            self._written = turn.answer.size
        if turn.failure is not None:
            self.add_class("-failed")
        since = time.monotonic() - self._figured_at
        if turn.ended or since >= FIGURES_S:
            self._figured_at = time.monotonic()
            self._show_figures(turn)

    async def _write(self, text: str) -> None:
        room = SHOWN_CHARACTERS - self._shown
        if room >= 0 and text:
            self._shown += len(text)
            rest = f"\n\n*{NOT_SHOWN}*" if len(text) > room else ""
            await self._answer.append(plain_lines(text[:room]) + rest)

    async def _show_reasoning(self, turn: Turn) -> None:
        self._words.add(turn.thoughts.since(self._thought))
        self._thought = turn.thoughts.size
        thinking = "" if turn.answer or turn.ended else f" {GLYPHS.ellipsis}"
        title = f"reasoning {GLYPHS.dot} {self._words.count} words{thinking}"
        fold = self._fold
        if fold is None:
            text = Static("", classes="reasoning-text", markup=False)
            fold = self._fold = Collapsible(text, title=title, classes="reasoning")
            await self.mount(fold, before=self._answer)
        elif fold.title != title:
            fold.title = title
        if not fold.collapsed or turn.ended:
            self._show_thoughts(turn.reasoning)

    def tick(self) -> None:
        """Move the clock of a load on: a second has passed."""
        if self.turn is not None and not self.turn.ended:
            self._show_figures(self.turn)

    def on_collapsible_expanded(self) -> None:
        """Show the text that came while it was folded."""
        if self.turn is not None:
            self._show_thoughts(self.turn.reasoning)

    def _show_thoughts(self, text: str) -> None:
        shown = plain_lines(text[:SHOWN_CHARACTERS])
        if len(text) > SHOWN_CHARACTERS:
            shown = f"{shown}\n\n{GLYPHS.ellipsis} more is not shown"
        self.query_one(".reasoning-text", Static).update(shown)

    def _show_figures(self, turn: Turn) -> None:
        content = turn_content(turn)
        if content.markup != self._figures:
            self._figures = content.markup
            self.query_one(".figures", Static).update(content)


class WordCount:
    """The words of a text that grows, which need not be searched from its beginning each time."""

    def __init__(self) -> None:
        self.count = 0
        self._in_word = False

    def add(self, text: str) -> None:
        """Count what was added; a word may go on in it."""
        if text:
            goes_on = self._in_word and not text[0].isspace()
            self.count += len(text.split()) - goes_on
            self._in_word = not text[-1].isspace()


def turn_content(turn: Turn) -> Content:
    """Return the lines under an answer: its progress, its numbers, and what went wrong."""
    lines = []
    if not turn.ended:
        lines.append(Content.styled(_progress(turn), "$label"))
    parts = figure_parts(turn)
    if parts:
        dot = Content.styled(f" {GLYPHS.dot} ", "$faint")
        lines.append(
            dot.join(
                Content.assemble(
                    (part.number, "bold $value"), (part.words, "$label"), (part.tag, "$faint")
                )
                for part in parts
            )
        )
    if turn.failure is not None:
        styles = ["bold $error", "$value", "$accent", "$faint"]
        for line, style in zip(failure_lines(turn.failure), styles, strict=False):
            lines.append(Content.styled(plain(line), style))
    return Content("\n").join(lines)


def _progress(turn: Turn) -> str:
    if turn.loading_since is not None:
        return f"loading the model {format.clock(now() - turn.loading_since)} {GLYPHS.ellipsis}"
    if turn.ttft_s is not None:
        return ""
    if turn.prefill_total:
        done = format.count(turn.prefill_done)
        return f"reading the prompt: {done} of {format.count(turn.prefill_total)} tokens"
    return f"waiting for the first token {GLYPHS.ellipsis}"


def _question(text: str) -> str:
    shown = plain_lines(text).strip()
    lines = shown.split("\n")
    words = len(shown.split())
    if len(lines) > FOLDED_LINES or len(shown) > 600:
        head = "\n".join(lines[:FOLDED_LINES])[:400]
        return f"{head} {GLYPHS.ellipsis} ({words:,} words)"
    return shown
