"""The content of one answer, decided before its first token: the same for the same seed."""

import json
import random
from dataclasses import dataclass
from typing import Any

from dmr_tui.simulator.output.prose import answer, has_known_answer, thoughts
from dmr_tui.simulator.output.tokens import plain_content, tokenize


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
        return _cut((), tokenize(arguments), limit, tool=str(tool.get("name", "")))
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
    return _cut((), _prose(prompt_text(fields), rng, limit, endless), limit)


def prompt_text(fields: dict[str, Any]) -> str:
    """The prompt of a legacy completion."""
    prompt = fields.get("prompt")
    if isinstance(prompt, list):
        return "".join(part for part in prompt if isinstance(part, str))
    return prompt if isinstance(prompt, str) else ""


def _cut(
    reasoning: list[str] | tuple[()], content: list[str], limit: int, *, tool: str | None = None
) -> Script:
    thought = tuple(reasoning[:limit])
    said = tuple(content[: limit - len(thought)])
    whole = len(thought) + len(said) == len(reasoning) + len(content)
    finish = ("tool_calls" if tool is not None else "stop") if whole else "length"
    return Script(thought, said, tool, finish)


def _prose(question: str, rng: random.Random, limit: int, endless: bool) -> list[str]:
    ready = has_known_answer(question)
    wanted = limit if endless else rng.randint(90, 340)
    tokens: list[str] = []
    for piece in answer(question, rng):
        tokens += tokenize(piece)
        if len(tokens) >= limit or (not endless and (ready or len(tokens) >= wanted)):
            break
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
