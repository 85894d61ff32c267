"""How engines write a chat or a completion: whole, or as the events of a stream."""

import json
from dataclasses import dataclass
from typing import Any, Protocol

from dmr_tui.simulator.script import Script
from dmr_tui.simulator.timings import Timings

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Subject:
    """What every event of one answer repeats."""

    id: str
    created: int
    model: str
    tool_id: str
    wants_usage: bool
    wants_timings: bool
    wants_running_usage: bool

    @classmethod
    def of(cls, request: dict[str, Any], model: str, created: int, token: str) -> "Subject":
        """For `request`; `token` is a random text that ids are made of."""
        options = request.get("stream_options")
        options = options if isinstance(options, dict) else {}
        return cls(
            id=f"chatcmpl-{token}",
            created=created,
            model=model,
            tool_id=token[::-1],
            wants_usage=bool(options.get("include_usage")),
            wants_timings=bool(request.get("timings_per_token")),
            wants_running_usage=bool(options.get("continuous_usage_stats")),
        )


class Wire(Protocol):
    """One engine's way of writing one kind of answer."""

    def progress(self, total: int, processed: int, timings: Timings) -> bytes:
        """An event of the prefill."""
        ...

    def opening(self) -> bytes:
        """What comes before the first token."""
        ...

    def token(self, place: int, timings: Timings) -> bytes:
        """The token at `place` of the script."""
        ...

    def closing(self, timings: Timings) -> bytes:
        """What comes after the last token, down to [DONE]."""
        ...

    def whole(self, timings: Timings) -> bytes:
        """The answer in one piece."""
        ...


def compact(value: Any) -> str:
    """JSON as the C++ engines write it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def event(text: str) -> bytes:
    return f"data: {text}\n\n".encode()


def delta(script: Script, place: int, subject: Subject, reasoning_key: str) -> dict[str, Any]:
    """The token at `place` as the new part of a streamed message."""
    if place < len(script.reasoning):
        return {reasoning_key: script.reasoning[place]}
    text = script.content[place - len(script.reasoning)]
    if script.tool is None:
        return {"content": text}
    if place:
        return {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
    function = {"name": script.tool, "arguments": text}
    call = {"index": 0, "id": subject.tool_id, "type": "function", "function": function}
    return {"tool_calls": [call]}


def tool_call(script: Script, subject: Subject) -> dict[str, Any]:
    """The one tool call of a whole answer."""
    function = {"name": script.tool, "arguments": "".join(script.content)}
    return {"type": "function", "function": function, "id": subject.tool_id}
