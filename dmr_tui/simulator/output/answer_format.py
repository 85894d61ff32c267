"""The JSON of a chat or a completion, in one piece or as the events of a stream."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from dmr_tui.simulator.output.script import Script
from dmr_tui.simulator.output.timings import Timings

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The facts that every event of one answer repeats, and the extras that were asked for."""

    id: str
    created: int
    """Unix seconds."""
    model: str
    tool_id: str
    wants_usage: bool
    wants_timings: bool
    wants_running_usage: bool

    @classmethod
    def of(cls, fields: dict[str, Any], model: str, created: int, token: str) -> "Envelope":
        """Make it for a request's `fields`; `token` is a random text that ids are made of."""
        options = fields.get("stream_options")
        options = options if isinstance(options, dict) else {}
        return cls(
            id=f"chatcmpl-{token}",
            created=created,
            model=model,
            tool_id=token[::-1],
            wants_usage=bool(options.get("include_usage")),
            wants_timings=bool(fields.get("timings_per_token")),
            wants_running_usage=bool(options.get("continuous_usage_stats")),
        )


class AnswerFormat(ABC):
    """One engine's way to write one kind of answer."""

    def __init__(self, envelope: Envelope, script: Script) -> None:
        self.envelope = envelope
        self.script = script

    def progress(self, total: int, processed: int, timings: Timings) -> bytes:
        """An event of the prefill; empty where the engine has none."""
        return b""

    def opening(self) -> bytes:
        """The event before the first token; empty where the engine has none."""
        return b""

    @abstractmethod
    def token(self, place: int, timings: Timings) -> bytes:
        """The event of the token at `place` of the script."""

    @abstractmethod
    def closing(self, timings: Timings) -> bytes:
        """Everything after the last token, down to [DONE]."""

    @abstractmethod
    def whole(self, timings: Timings) -> bytes:
        """The answer in one piece."""

    def delta(self, place: int, reasoning_key: str) -> dict[str, Any]:
        """The token at `place` as the new part of a streamed message."""
        script = self.script
        if place < len(script.reasoning):
            return {reasoning_key: script.reasoning[place]}
        text = script.content[place - len(script.reasoning)]
        if script.tool is None:
            return {"content": text}
        if place:
            return {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
        function = {"name": script.tool, "arguments": text}
        head = {"index": 0, "id": self.envelope.tool_id, "type": "function"}
        return {"tool_calls": [{**head, "function": function}]}

    def tool_calls(self) -> list[dict[str, Any]]:
        """The tool calls of a whole answer: one or none."""
        script = self.script
        if script.tool is None:
            return []
        function = {"name": script.tool, "arguments": "".join(script.content)}
        return [{"type": "function", "function": function, "id": self.envelope.tool_id}]


def compact(value: Any) -> str:
    """JSON as the C++ engines write it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def event(text: str) -> bytes:
    """A server-sent event with `text` as its data."""
    return f"data: {text}\n\n".encode()
