"""One of two results of a request: its numbers in a fixed order, then its text."""

from collections.abc import Iterator, Sequence

from dmr_tui.measure.meter import Turn
from dmr_tui.measure.rates import Rate, decode_rate, prefill_rate
from dmr_tui.measure.request_numbers import new_tokens, ttft_s
from dmr_tui.runner.request import Request
from dmr_tui.state.replies import Bodies
from dmr_tui.text import format
from dmr_tui.text.request_fields import duration_words
from dmr_tui.text.requests import status_words
from dmr_tui.text.sanitize import plain
from dmr_tui.text.turns import failure_lines
from dmr_tui.ui.requests.request_text import status_style, text_lines
from dmr_tui.ui.shell.pane import Page, now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, width_of

LABEL = 11
Number = tuple[str, str, str]
"""Name of a number, its value, and its source."""


class ReplaySide(Page):
    """Both sides have the same lines at the top, so that the eye can go across."""

    def numbers(self) -> Iterator[Number]:
        """Yield TTFT, prefill, decode, tokens, duration, finish."""
        return iter(())

    def text(self, width: int) -> list[Line]:
        """Return the lines below the numbers."""
        return []

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return the numbers, then the text."""
        lines = []
        for name, value, note in self.numbers():
            style = "$faint" if value == format.UNKNOWN else "bold $value"
            line: Line = ((f"{name:{LABEL}}", "$label"), (value, style))
            tag = (f"  {note}", "$faint")
            lines.append((*line, tag) if note and width_of((*line, tag)) <= width else line)
        return [*lines, (), *self.text(width)]


class RecordedSide(ReplaySide):
    """The request as it was."""

    def __init__(self, request: Request, bodies: Bodies | None) -> None:
        """`bodies` are those of the request, if the user has asked to see them."""
        super().__init__()
        self._request = request
        self.bodies = bodies
        self.asked = bodies is not None
        """True if the recorded answer is to be shown."""

    def numbers(self) -> Iterator[Number]:
        """Yield the numbers by the record, and by when its end was heard."""
        request = self._request
        ttft = ttft_s(request)
        note = "not streamed" if request.streamed is False else ""
        yield "TTFT", format.seconds(ttft), "client" if ttft is not None else note
        yield _rate("prefill", prefill_rate(request.timings))
        yield _rate("decode", decode_rate(request.timings))
        yield _prompt(request.prompt_tokens, new_tokens(request), request.cached_tokens)
        yield "generated", format.count(request.completion_tokens), ""
        yield (
            "duration",
            duration_words(request.duration),
            "client" if request.duration is not None else "",
        )
        yield "finish", plain(request.finish_reason or status_words(request)), ""

    def text(self, width: int) -> list[Line]:
        """Return the recorded answer, if the user asked to see it."""
        bodies, request = self.bodies, self._request
        if bodies is None or not self.asked:
            lines: list[Line] = [(("b", "bold $value"), (" shows the recorded answer", "$label"))]
            if request.outcome != "ok":
                lines.insert(0, ((status_words(request), status_style(request)),))
            return lines
        if bodies.failure is not None:
            return _failure(failure_lines(bodies.failure), width)
        return _answer(bodies.reasoning, bodies.answer, width)


class ReplayedSide(ReplaySide):
    """The request as it goes now."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.turn = Turn(model)
        self._broken: tuple[int, Turn, list[Line]] | None = None

    def numbers(self) -> Iterator[Number]:
        """Yield the numbers by the stream as it arrives here, and by the engine."""
        turn = self.turn
        yield "TTFT", format.seconds(turn.ttft_s), "client" if turn.ttft_s is not None else ""
        yield _rate("prefill", turn.prefill)
        yield _rate("decode", turn.decode)
        yield _prompt(turn.prompt_tokens, turn.new_prompt_tokens, turn.cached_tokens)
        yield "generated", format.count(turn.completion_tokens), ""
        yield "duration", duration_words(turn.e2e_s), "client" if turn.e2e_s is not None else ""
        yield "finish", self._finish(), ""

    def _finish(self) -> str:
        turn = self.turn
        if not turn.ended:
            if turn.loading_since is not None:
                clock = format.clock(now() - turn.loading_since)
                return f"loading the model {clock} {GLYPHS.ellipsis}"
            waiting = turn.ttft_s is None
            return f"{'waiting for the first token' if waiting else 'answering'} {GLYPHS.ellipsis}"
        if turn.stopped:
            return "stopped"
        return "failed" if turn.failure is not None else plain(turn.finish_reason or "?")

    def text(self, width: int) -> list[Line]:
        """Return the answer as far as it has come."""
        turn = self.turn
        if self._broken is None or self._broken[0] != width or self._broken[1] is not turn:
            lines: list[Line] = []
            if turn.answer or turn.thoughts:
                lines = _answer(turn.reasoning, turn.text, width)
            if turn.failure is not None:
                lines += _failure(failure_lines(turn.failure), width)
            if turn.tool_calls:
                lines.append(((f"asks for {turn.tool_calls} tool call(s)", "$label"),))
            self._broken = width, turn, lines
        return self._broken[2]


def _rate(name: str, rate: Rate | None) -> Number:
    if rate is None:
        return name, format.UNKNOWN, ""
    mark = "~" if rate.source == "~" else ""
    return name, f"{mark}{format.rate(rate.value)} tok/s", "" if mark else rate.source


def _prompt(prompt: int | None, new: int | None, cached: int | None) -> Number:
    if new is None or cached is None:
        return "prompt", format.count(prompt), ""
    return "prompt", format.count(prompt), f"{new:,} new + {cached:,} cached"


def _answer(reasoning: str, answer: str, width: int) -> list[Line]:
    lines: list[Line] = []
    if reasoning:
        lines += [*text_lines(reasoning, width, "$label"), ()]
    return [*lines, *text_lines(answer, width, "$value")]


def _failure(said: list[str], width: int) -> list[Line]:
    styles = ["bold $error", "$value", "$accent", "$faint"]
    pairs = zip(said, styles, strict=False)
    return [line for text, style in pairs for line in text_lines(text, width, style)]
