"""One streamed answer: the arrival of its pieces, and the numbers that follow from it."""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence

from msgspec import Struct

from dmr_tui.measure.rates import Rate, client_decode_rate, decode_rate, prefill_rate
from dmr_tui.runner.errors.explain import Explanation
from dmr_tui.runner.tokens import new_tokens, pieces, token_counts
from dmr_tui.runner.wire import Chunk, Timings, Usage

LIVE_WINDOW_S = 2.0
"""Seconds over which pieces are counted when the engine has no rate of its own."""


class Passage:
    """A text as far as it had arrived at one moment; it is joined when it is read.

    Later passages of the same text share the parts, which may be added to, but not changed.
    """

    __slots__ = ("_parts", "size")

    def __init__(self, parts: Sequence[str] = ()) -> None:
        self._parts = parts
        self.size = len(parts)
        """Number of parts; a passage without any is false."""

    def since(self, size: int) -> str:
        """Return the text without its first `size` parts."""
        return "".join(self._parts[size : self.size])

    def __str__(self) -> str:
        return self.since(0)

    def __bool__(self) -> bool:
        return self.size > 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Passage) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __repr__(self) -> str:
        return repr(str(self))


NOTHING = Passage()


class Turn(Struct, frozen=True):
    """One answer at one moment: while it streams, and when it has ended; times in seconds.

    None is unknown, never zero.
    """

    model: str
    answer: Passage = NOTHING
    thoughts: Passage = NOTHING
    """The reasoning before the answer."""
    tool_calls: int = 0
    ended: bool = False
    stopped: bool = False
    """True if the user stopped it."""
    failure: Explanation | None = None
    finish_reason: str | None = None
    loading_since: float | None = None
    """The start of a load that is still going on (seconds since 1970)."""
    cold: bool | None = None
    """True if the model had to be loaded first; None if that could not be found out."""
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
    """Tokens per second as they arrived here, also where the engine has its own rate."""
    wait_s: float | None = None
    """TTFT less the engine's prefill: queue, network, tokenizing."""
    timings: Timings | None = None

    @property
    def text(self) -> str:
        """The answer as one string, joined at each use, which takes time for a long one."""
        return str(self.answer)

    @property
    def reasoning(self) -> str:
        """The reasoning as one string."""
        return str(self.thoughts)

    @property
    def new_prompt_tokens(self) -> int | None:
        """Prompt tokens that were not in the cache."""
        return new_tokens(self.prompt_tokens, self.cached_tokens, self.timings)


class Meter:
    """The measurement of one streamed answer; every instant is in nanoseconds of one clock."""

    def __init__(self, model: str, sent_ns: int) -> None:
        self.model = model
        self._sent = sent_ns
        self._first: int | None = None
        self._visible: int | None = None
        self._last: int | None = None
        self._with_first = 0
        self._arrivals = 0
        self._recent: deque[int] = deque()
        # Only ever added to: the turns that were published share them.
        self._answer: list[str] = []
        self._thoughts: list[str] = []
        self._tool_calls = 0
        self._usage: Usage | None = None
        self._timings: Timings | None = None
        self._progress: tuple[int, int] | None = None
        self.finish_reason: str | None = None
        self.chunks = 0
        """Number of chunks so far: once it has grown, there is something new to publish."""

    def take(self, at_ns: int, chunk: Chunk) -> None:
        """Add one chunk that arrived at `at_ns`."""
        self.chunks += 1
        self._usage = chunk.usage or self._usage
        self._timings = chunk.timings or self._timings
        if chunk.prompt_progress is not None:
            progress = chunk.prompt_progress
            self._progress = (progress.processed - progress.cache, progress.total - progress.cache)
        for choice in chunk.choices:
            self.finish_reason = choice.finish_reason or self.finish_reason
        for piece in pieces(chunk):
            self._stamp(at_ns, visible=bool(piece.text))
            self._tool_calls = max(self._tool_calls, piece.tool_calls)
            if piece.reasoning:
                self._thoughts.append(piece.reasoning)
            if piece.text:
                self._answer.append(piece.text)

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
        """True once a piece of the answer has arrived."""
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
        """Return the answer so far, or (`ended`) as it ended."""
        counts = token_counts(self._usage, self._timings)
        ttft = self._since_sent(self._first)
        client = self._client_decode(counts.completion)
        decode = decode_rate(self._timings) or (client if ended else None)
        if not ended and decode is None:
            decode = self._live(now_ns)
        return Turn(
            model=self.model,
            answer=Passage(self._answer),
            thoughts=Passage(self._thoughts),
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
            prompt_tokens=counts.prompt,
            cached_tokens=counts.cached,
            completion_tokens=counts.completion,
            decode=decode,
            prefill=prefill_rate(self._timings),
            client_decode=None if client is None else client.value,
            wait_s=_wait(ttft, self._timings),
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
        """Estimate the rate of the last two seconds by pieces, which are not tokens: hence "~"."""
        if self._first is None:
            return None
        window = min(LIVE_WINDOW_S, (now_ns - self._first) / 1e9)
        if window < LIVE_WINDOW_S / 4:
            return None
        earlier = bisect_right(self._recent, now_ns - window * 1e9)
        return Rate((len(self._recent) - earlier) / window, "~")


def _wait(ttft: float | None, timings: Timings | None) -> float | None:
    if ttft is None or timings is None or timings.prompt_ms is None:
        return None
    return max(0.0, ttft - timings.prompt_ms / 1000.0)
