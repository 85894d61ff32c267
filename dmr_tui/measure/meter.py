"""The stamps of one streamed answer, and the numbers that follow from them."""

from collections import deque
from dataclasses import dataclass, field

from dmr_tui.measure.rates import (
    Rate,
    client_decode_rate,
    decode_rate,
    prefill_rate,
)
from dmr_tui.runner.errors.explain import Explanation
from dmr_tui.runner.wire import Chunk, Timings, Usage

LIVE_WINDOW_S = 2.0
"""Seconds over which pieces are counted when the engine tells no rate of its own."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer at one moment: while it streams, and when it has ended; times in seconds.

    None is unknown, never zero.
    """

    model: str
    text: str = ""
    reasoning: str = ""
    tool_calls: int = 0
    ended: bool = False
    stopped: bool = False
    """Ended because a person asked for it."""
    failure: Explanation | None = None
    finish_reason: str | None = None
    loading_since: float | None = None
    """When a load began that is still going on (seconds since 1970)."""
    cold: bool | None = None
    """Whether the model had to be loaded first; None if that could not be asked."""
    load_s: float | None = None
    """The load alone, measured here; it is not part of `ttft_s` and `e2e_s`."""
    prefill_done: int | None = None
    """New prompt tokens read so far, of `prefill_total`."""
    prefill_total: int | None = None
    ttft_s: float | None = None
    """From sending to the first piece of reasoning, text or tool call."""
    first_visible_s: float | None = None
    """From sending to the first piece of text."""
    e2e_s: float | None = None
    """From sending to the last piece."""
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    decode: Rate | None = None
    prefill: Rate | None = None
    client_decode: float | None = None
    """Tokens per second as they arrived here, whatever the engine says."""
    wait_s: float | None = None
    """TTFT less the engine's prefill: queue, network, tokenizing."""
    timings: Timings | None = field(default=None, repr=False)

    @property
    def new_prompt_tokens(self) -> int | None:
        """Prompt tokens that were not in the cache."""
        if self.prompt_tokens is None or self.cached_tokens is None:
            return None
        return self.prompt_tokens - self.cached_tokens

    @property
    def tpot_ms(self) -> float | None:
        """Milliseconds for each token after the first."""
        return None if self.decode is None else 1000.0 / self.decode.value


class Meter:
    """Collects one streamed answer; every instant is passed in, in nanoseconds of one clock."""

    def __init__(self, model: str, sent_ns: int) -> None:
        self.model = model
        self._sent = sent_ns
        self._first: int | None = None
        self._visible: int | None = None
        self._last: int | None = None
        self._with_first = 0
        self._arrivals = 0
        self._recent: deque[int] = deque()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._tool_calls = 0
        self._usage: Usage | None = None
        self._timings: Timings | None = None
        self._progress: tuple[int, int] | None = None
        self.finish_reason: str | None = None
        self.taken = 0
        """Chunks so far; it tells whether there is anything new."""

    def take(self, at_ns: int, chunk: Chunk) -> None:
        """Add one chunk that arrived at `at_ns`."""
        self.taken += 1
        self._usage = chunk.usage or self._usage
        self._timings = chunk.timings or self._timings
        if chunk.prompt_progress is not None:
            progress = chunk.prompt_progress
            self._progress = (progress.processed - progress.cache, progress.total - progress.cache)
        for choice in chunk.choices:
            self.finish_reason = choice.finish_reason or self.finish_reason
            piece = choice.delta or choice.message
            if piece is None:
                continue
            reasoning = piece.reasoning_content or piece.reasoning or ""
            text = piece.content or ""
            if piece.tool_calls:
                self._tool_calls = max(self._tool_calls, _calls(piece.tool_calls))
            if reasoning or text or piece.tool_calls:
                self._stamp(at_ns, visible=bool(text))
                self._reasoning.append(reasoning)
                self._text.append(text)

    def _stamp(self, at_ns: int, *, visible: bool) -> None:
        if self._first is None:
            self._first = at_ns
        if at_ns == self._first:
            self._with_first += 1
        if at_ns != self._last:
            self._arrivals += 1
        if visible and self._visible is None:
            self._visible = at_ns
        self._last = at_ns
        self._recent.append(at_ns)
        while self._recent[0] < at_ns - LIVE_WINDOW_S * 1e9:
            self._recent.popleft()

    @property
    def started(self) -> bool:
        """Whether anything of the answer has arrived."""
        return self._first is not None

    def turn(
        self,
        now_ns: int,
        *,
        ended: bool = False,
        cold: bool | None = None,
        load_s: float | None = None,
        stopped: bool = False,
        failure: Explanation | None = None,
    ) -> Turn:
        """The answer so far, or (`ended`) as it ended."""
        usage = self._usage or Usage()
        timings = self._timings or Timings()
        details = usage.prompt_tokens_details
        cached = timings.cache_n
        if cached is None and details is not None:
            cached = details.cached_tokens
        prompt = usage.prompt_tokens
        if prompt is None and timings.prompt_n is not None:
            prompt = timings.prompt_n + (timings.cache_n or 0)
        completion = usage.completion_tokens
        if completion is None:
            completion = timings.predicted_n
        ttft = self._since_sent(self._first)
        client = self._client_decode(completion)
        decode = decode_rate(self._timings) or (client if ended else None)
        if not ended and decode is None:
            decode = self._live(now_ns)
        return Turn(
            model=self.model,
            text="".join(self._text),
            reasoning="".join(self._reasoning),
            tool_calls=self._tool_calls,
            ended=ended,
            stopped=stopped,
            failure=failure,
            finish_reason=self.finish_reason,
            cold=cold,
            load_s=load_s,
            prefill_done=self._progress[0] if self._progress else None,
            prefill_total=self._progress[1] if self._progress else None,
            ttft_s=ttft,
            first_visible_s=self._since_sent(self._visible),
            e2e_s=self._since_sent(self._last),
            prompt_tokens=prompt,
            cached_tokens=cached,
            completion_tokens=completion,
            decode=decode,
            prefill=prefill_rate(self._timings),
            client_decode=None if client is None else client.value,
            wait_s=_wait(ttft, timings),
            timings=self._timings,
        )

    def _since_sent(self, at_ns: int | None) -> float | None:
        return None if at_ns is None else (at_ns - self._sent) / 1e9

    def _client_decode(self, completion: int | None) -> Rate | None:
        if self._first is None or self._last is None:
            return None
        return client_decode_rate(
            completion,
            (self._last - self._first) / 1e9,
            with_first=self._with_first,
            arrivals=self._arrivals,
        )

    def _live(self, now_ns: int) -> Rate | None:
        """Pieces of the last two seconds by those seconds: pieces are not tokens, hence "~"."""
        if self._first is None:
            return None
        window = min(LIVE_WINDOW_S, (now_ns - self._first) / 1e9)
        if window < LIVE_WINDOW_S / 4:
            return None
        pieces = sum(1 for at in self._recent if at > now_ns - window * 1e9)
        return Rate(pieces / window, "~")


def _wait(ttft: float | None, timings: Timings) -> float | None:
    if ttft is None or timings.prompt_ms is None:
        return None
    return max(0.0, ttft - timings.prompt_ms / 1000.0)


def _calls(pieces: list[object]) -> int:
    """How many calls these pieces belong to: each says its index, in every piece."""
    indexes = [piece.get("index", 0) for piece in pieces if isinstance(piece, dict)]
    numbers = [index for index in indexes if isinstance(index, int)]
    return max(numbers, default=0) + 1
