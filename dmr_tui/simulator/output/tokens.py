"""A tokenizer that needs no vocabulary: pieces of words, numbers and signs."""

import re
from collections.abc import Iterable
from typing import Any

_TOKEN = re.compile(r" ?[^\W\d_]{1,7}|\d{1,3}|_| ?[^\w\s]|\n+|\s")

_CHARACTERS_PER_TOKEN = 4
_TOO_LONG = 1_000_000


def tokenize(text: str) -> list[str]:
    """Cut `text` into pieces that put together are `text` again."""
    return _TOKEN.findall(text)


def prompt_tokens(text: str) -> list[str]:
    """As `tokenize`; for a text beyond any context only the count is about right."""
    if len(text) > _TOO_LONG:
        return ["?"] * (len(text) // _CHARACTERS_PER_TOKEN)
    return tokenize(text)


def chat_prompt(messages: Iterable[Any]) -> str:
    """The prompt that a chat template makes of `messages`, without its images."""
    turns = [turn for turn in messages if isinstance(turn, dict)]
    lines = [f"<|{turn.get('role', 'user')}|>\n{plain_content(turn)}\n" for turn in turns]
    return "".join(lines) + "<|assistant|>\n"


def plain_content(message: dict[str, Any]) -> str:
    """The text of a message, whether it is one string or a list of parts."""
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text", "") for part in content if isinstance(part, dict)]
        return "\n".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else ""


def shared_prefix(one: list[str], other: list[str]) -> int:
    """The number of tokens that both begin with."""
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    return next(place for place in range(length) if one[place] != other[place])
