"""Text, reasoning and tokens of an answer: one rule for streams and for records."""

from collections.abc import Iterator
from typing import NamedTuple

from dmr_tui.runner.wire import Chunk, PromptDetails, Timings, Usage


class Piece(NamedTuple):
    """A part of an answer, never empty; the first one ends the time to first token.

    How many tokens are in it is not known: it may be half of one, or ten.
    """

    text: str
    reasoning: str
    tool_calls: int
    """Tool calls so far, as each piece of one holds its index; 0 if this is of none."""


class TokenCounts(NamedTuple):
    """The tokens of one request; None where the answer does not tell."""

    prompt: int | None
    """New and cached ones."""
    cached: int | None
    completion: int | None


def pieces(chunk: Chunk) -> Iterator[Piece]:
    """The parts of an answer in `chunk`; a role, the progress and the usage are none."""
    for choice in chunk.choices:
        part = choice.delta or choice.message
        if part is None:
            continue
        text, reasoning = part.content or "", part.reasoning_content or part.reasoning or ""
        if text or reasoning or part.tool_calls:
            yield Piece(text, reasoning, _tool_calls(part.tool_calls or []))


def token_counts(usage: Usage | None, timings: Timings | None) -> TokenCounts:
    """The counts of `usage`, and what it leaves out by the engine's stopwatch.

    Of cached tokens the stopwatch knows more: `usage` of older engines lacks them.
    """
    usage, timings = usage or Usage(), timings or Timings()
    details = usage.prompt_tokens_details or PromptDetails()
    prompt = usage.prompt_tokens
    if prompt is None and usage.input_tokens is not None:
        # Anthropic counts the cached tokens apart from the new ones.
        prompt = usage.input_tokens + (usage.cache_read_input_tokens or 0)
    if prompt is None and timings.prompt_n is not None:
        prompt = timings.prompt_n + (timings.cache_n or 0)
    return TokenCounts(
        prompt,
        _first(timings.cache_n, details.cached_tokens, usage.cache_read_input_tokens),
        _first(usage.completion_tokens, timings.predicted_n, usage.output_tokens),
    )


def new_tokens(prompt: int | None, cached: int | None, timings: Timings | None) -> int | None:
    """Prompt tokens that the engine had to process: by its stopwatch, else all but the cached."""
    if timings is not None and timings.prompt_n is not None:
        return timings.prompt_n
    return None if prompt is None or cached is None else prompt - cached


def _tool_calls(parts: list[object]) -> int:
    indexes = [part.get("index", 0) for part in parts if isinstance(part, dict)]
    return max((index for index in indexes if isinstance(index, int)), default=0) + bool(parts)


def _first(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)
