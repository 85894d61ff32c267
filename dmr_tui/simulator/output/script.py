"""The tokens of prompts and answers: an answer is decided before its first token, by its seed."""

import json
import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dmr_tui.simulator.output.prose import essay, known_answer, thoughts

# Pieces of words, numbers and signs need no vocabulary.
_TOKEN = re.compile(r" ?[^\W\d_]{1,7}|\d{1,3}|_| ?[^\w\s]|\n+|\s")

_CHARACTERS_PER_TOKEN = 4
_TOO_LONG = 1_000_000


@dataclass(frozen=True, slots=True)
class Script:
    """The tokens of an answer, in the order in which they come."""

    reasoning: tuple[str, ...]
    content: tuple[str, ...]
    """The text; with `tool` the arguments of its call."""
    tool: str | None
    finish: str
    """"stop", "length" or "tool_calls"."""

    def __len__(self) -> int:
        return len(self.reasoning) + len(self.content)


def chat_script(
    fields: dict[str, Any], rng: random.Random, *, reasoning: bool, room: int
) -> Script:
    """The answer to a chat, cut at `room` tokens or at the request's limit."""
    question = _question(fields.get("messages"))
    limit = min(_limit(fields), room)
    tool = _required_tool(fields)
    if tool is not None:
        arguments = json.dumps(_example(tool.get("parameters"), rng))
        return _cut([], tokenize(arguments), limit, str(tool.get("name", "")))
    thinking = tokenize(thoughts(question, rng)) if reasoning and _thinks(fields, question) else []
    schema = _schema(fields)
    if schema is not None:
        text = tokenize(json.dumps(_example(schema, rng), indent=2))
    else:
        text = _prose(question, rng, limit - len(thinking), bool(fields.get("ignore_eos")))
    return _cut(thinking, text, limit)


def text_script(fields: dict[str, Any], rng: random.Random, *, room: int) -> Script:
    """The continuation of a plain prompt."""
    limit = min(_limit(fields), room)
    endless = bool(fields.get("ignore_eos"))
    return _cut([], _prose(prompt_text(fields), rng, limit, endless), limit)


def prompt_text(fields: dict[str, Any]) -> str:
    """The prompt of a legacy completion."""
    prompt = fields.get("prompt")
    if isinstance(prompt, list):
        return "".join(part for part in prompt if isinstance(part, str))
    return prompt if isinstance(prompt, str) else ""


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


def _cut(reasoning: list[str], content: list[str], limit: int, tool: str | None = None) -> Script:
    thought = tuple(reasoning[:limit])
    said = tuple(content[: limit - len(thought)])
    whole = len(thought) + len(said) == len(reasoning) + len(content)
    finish = ("tool_calls" if tool is not None else "stop") if whole else "length"
    return Script(thought, said, tool, finish)


def _prose(question: str, rng: random.Random, limit: int, endless: bool) -> list[str]:
    tokens = tokenize(known_answer(question))
    wanted = limit if endless else rng.randint(90, 340)
    if tokens and not endless:
        return tokens
    pieces = essay(question, rng)
    while len(tokens) < max(1, min(limit, wanted)):
        tokens += tokenize(next(pieces))
    return tokens


def _limit(fields: dict[str, Any]) -> int:
    for key in ("max_tokens", "max_completion_tokens", "n_predict"):
        limit = fields.get(key)
        if isinstance(limit, int) and limit >= 0:
            # The engine samples a token before it looks at the limit.
            return max(1, limit)
    return 1_000_000


def _question(messages: Any) -> str:
    turns = [turn for turn in messages if isinstance(turn, dict)] if messages else []
    asked = [turn for turn in turns if turn.get("role") == "user"]
    return plain_content(asked[-1]) if asked else ""


def _thinks(fields: dict[str, Any], question: str) -> bool:
    template = fields.get("chat_template_kwargs")
    switched_off = isinstance(template, dict) and template.get("enable_thinking") is False
    return not switched_off and "/no_think" not in question


def _required_tool(fields: dict[str, Any]) -> dict[str, Any] | None:
    tools = fields.get("tools")
    if fields.get("tool_choice") != "required" or not isinstance(tools, list) or not tools:
        return None
    function = tools[0].get("function") if isinstance(tools[0], dict) else None
    return function if isinstance(function, dict) else None


def _schema(fields: dict[str, Any]) -> dict[str, Any] | None:
    wanted = fields.get("response_format")
    if not isinstance(wanted, dict) or wanted.get("type") not in ("json_object", "json_schema"):
        return None
    holder = wanted.get("json_schema")
    schema = holder.get("schema") if isinstance(holder, dict) else wanted.get("schema")
    return schema if isinstance(schema, dict) else _ANY_OBJECT


_ANY_OBJECT = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "sentiment": {"enum": ["positive", "neutral", "negative"]},
        "score": {"type": "number"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
_WORDS = ("invoice", "delivery", "refund", "latency", "upgrade", "holiday", "contract", "sensor")


def _example(schema: Any, rng: random.Random) -> Any:
    """A value that a JSON schema allows, for the parts of it that clients use."""
    schema = schema if isinstance(schema, dict) else {}
    if schema.get("enum"):
        return rng.choice(schema["enum"])
    low, high = schema.get("minimum", 0), schema.get("maximum", 100)
    match schema.get("type"):
        case "integer":
            return rng.randint(int(low), max(int(low), int(high)))
        case "number":
            return round(rng.uniform(low, high), 2)
        case "boolean":
            return rng.random() < 0.5
        case "array":
            return [_example(schema.get("items"), rng) for _ in range(rng.randint(2, 3))]
        case "object":
            properties = schema.get("properties")
            named = properties.items() if isinstance(properties, dict) else ()
            return {key: _example(part, rng) for key, part in named}
        case _:
            return f"{rng.choice(_WORDS)} {rng.choice(_WORDS)}"
