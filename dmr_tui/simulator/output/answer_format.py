"""The JSON of llama.cpp's and vLLM's answers, in one piece or as the events of a stream."""

import array
import base64
import json
import math
import random
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

from dmr_tui.simulator.models.model import Model
from dmr_tui.simulator.output.script import Script, prompt_tokens
from dmr_tui.simulator.output.timings import Timings

ENGINE_COMMIT = "4a3d1f7b2"
ENGINE_BUILD = f"b9879-{ENGINE_COMMIT}"
"""The llama.cpp build that every simulated runner has."""

_DONE = b"data: [DONE]\n\n"
_OPENING = {"finish_reason": None, "index": 0, "delta": {"role": "assistant", "content": None}}


class AnswerFormat(ABC):
    """One engine's way to write one kind of answer."""

    def __init__(
        self, script: Script, fields: dict[str, Any], model: str, created: int, token: str
    ) -> None:
        """Write `script` for a request's `fields`, as `model` in Unix seconds `created`.

        `token` is a random text that ids are made of.
        """
        options = fields.get("stream_options")
        options = options if isinstance(options, dict) else {}
        self.script = script
        self.id, self.tool_id = f"chatcmpl-{token}", token[::-1]
        self.created, self.model = created, model
        self.wants_usage = bool(options.get("include_usage"))
        self.wants_running_usage = bool(options.get("continuous_usage_stats"))
        self.wants_timings = bool(fields.get("timings_per_token"))

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
        head = {"index": 0, "id": self.tool_id, "type": "function"}
        return {"tool_calls": [{**head, "function": function}]}

    def tool_calls(self) -> list[dict[str, Any]]:
        """The tool calls of a whole answer: one or none."""
        script = self.script
        if script.tool is None:
            return []
        function = {"name": script.tool, "arguments": "".join(script.content)}
        return [{"type": "function", "function": function, "id": self.tool_id}]


class _Llama(AnswerFormat):
    """The answers of llama.cpp."""

    kind: str
    """The `object` of a whole answer."""

    @abstractmethod
    def choice(self) -> dict[str, Any]:
        """The one choice of a whole answer."""

    def whole(self, timings: Timings) -> bytes:
        answer = {
            "choices": [self.choice()],
            "created": self.created,
            "model": self.model,
            "system_fingerprint": ENGINE_BUILD,
            "object": self.kind,
            "usage": timings.usage(),
            "id": self.id,
            "timings": timings.shown(),
        }
        return _compact(answer).encode()


class LlamaChat(_Llama):
    """Chat completions of llama.cpp."""

    kind = "chat.completion"

    @cached_property
    def _facts(self) -> dict[str, Any]:
        return {
            "created": self.created,
            "id": self.id,
            "model": self.model,
            "system_fingerprint": ENGINE_BUILD,
            "object": "chat.completion.chunk",
        }

    @cached_property
    def _tail(self) -> str:
        # A stream repeats this a thousand times and more.
        return f"}}],{_compact(self._facts)[1:-1]}"

    def progress(self, total: int, processed: int, timings: Timings) -> bytes:
        extra = {"timings": timings.shown()} if self.wants_timings else {}
        progress = {
            "total": total,
            "cache": timings.cache_n,
            "processed": processed,
            "time_ms": int(timings.prompt_ms),
        }
        return self._event([_OPENING], **extra, prompt_progress=progress)

    def opening(self) -> bytes:
        return self._event([_OPENING])

    def token(self, place: int, timings: Timings) -> bytes:
        new = _compact(self.delta(place, "reasoning_content"))
        extra = f',"timings":{_compact(timings.shown())}' if self.wants_timings else ""
        head = f'{{"choices":[{{"finish_reason":null,"index":0,"delta":{new}'
        return _event(f"{head}{self._tail}{extra}}}")

    def closing(self, timings: Timings) -> bytes:
        ended = [{"finish_reason": self.script.finish, "index": 0, "delta": {}}]
        if not self.wants_usage:
            return self._event(ended, timings=timings.shown()) + _DONE
        counted = {"usage": timings.usage(), "timings": timings.shown()}
        return self._event(ended) + self._event([], **counted) + _DONE

    def choice(self) -> dict[str, Any]:
        script, calls = self.script, self.tool_calls()
        message = {"role": "assistant", "content": "" if calls else "".join(script.content)}
        extra: dict[str, Any] = {}
        if calls:
            extra["tool_calls"] = calls
        elif script.reasoning:
            extra["reasoning_content"] = "".join(script.reasoning)
        return {"finish_reason": script.finish, "index": 0, "message": {**message, **extra}}

    def _event(self, choices: list[dict[str, Any]], **extra: Any) -> bytes:
        return _event(_compact({"choices": choices, **self._facts, **extra}))


class LlamaText(_Llama):
    """Legacy completions of llama.cpp: usage and timings come with every answer."""

    kind = "text_completion"

    def token(self, place: int, timings: Timings) -> bytes:
        return self._event(self.script.content[place], None, {"id": self.id})

    def closing(self, timings: Timings) -> bytes:
        counted = {"usage": timings.usage(), "id": self.id, "timings": timings.shown()}
        return self._event("", self.script.finish, counted) + _DONE

    def choice(self) -> dict[str, Any]:
        return self._choice("".join(self.script.content), self.script.finish)

    def _choice(self, text: str, finish: str | None) -> dict[str, Any]:
        return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}

    def _event(self, text: str, finish: str | None, extra: dict[str, Any]) -> bytes:
        chunk = {
            "choices": [self._choice(text, finish)],
            "created": self.created,
            "model": self.model,
            "system_fingerprint": ENGINE_BUILD,
            "object": self.kind,
        }
        return _event(_compact({**chunk, **extra}))


class VllmChat(AnswerFormat):
    """Chat completions of vLLM: usage where it is asked for, never timings."""

    def opening(self) -> bytes:
        return self._event({"role": "assistant", "content": ""}, None, None)

    def token(self, place: int, timings: Timings) -> bytes:
        return self._event(self.delta(place, "reasoning"), None, timings)

    def closing(self, timings: Timings) -> bytes:
        ended = self._event({"content": ""}, self.script.finish, timings)
        if self.wants_usage:
            ended += _event(self._json("chat.completion.chunk", [], timings))
        return ended + _DONE

    def whole(self, timings: Timings) -> bytes:
        script, calls = self.script, self.tool_calls()
        message = {
            "role": "assistant",
            "content": None if calls else "".join(script.content),
            "refusal": None,
            "tool_calls": calls,
            "reasoning": "".join(script.reasoning) or None,
        }
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": script.finish,
            "stop_reason": None,
        }
        return self._json("chat.completion", [choice], timings).encode()

    def _event(self, delta: dict[str, Any], finish: str | None, running: Timings | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        shown = running if self.wants_running_usage else None
        return _event(self._json("chat.completion.chunk", [choice], shown))

    def _json(self, kind: str, choices: list[dict[str, Any]], counted: Timings | None) -> str:
        answer = {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }
        if counted is not None:
            usage = counted.usage()
            kept = ("prompt_tokens", "total_tokens", "completion_tokens")
            answer["usage"] = {key: usage[key] for key in kept}
        return _compact(answer)


def embeddings(model: Model, fields: dict[str, Any], seed: int) -> tuple[bytes, int]:
    """The embeddings that a request's `fields` ask for, and its prompt tokens.

    The vectors have length 1, depend on the text alone, and are lists of floats or base64.
    """
    given = fields.get("input", "")
    texts = given if isinstance(given, list) else [given]
    data: list[dict[str, Any]] = []
    for index, text in enumerate(texts):
        vector = _vector(f"{seed}{text}", model.layers.embedding)
        entry = {"embedding": vector, "index": index, "object": "embedding"}
        if fields.get("encoding_format") == "base64":
            packed = base64.b64encode(array.array("f", vector).tobytes()).decode()
            entry |= {"embedding": packed, "encoding_format": "base64"}
        data.append(entry)
    count = sum(len(prompt_tokens(str(text))) + 2 for text in texts)
    usage = {"prompt_tokens": count, "total_tokens": count}
    answer = {"model": model.path, "object": "list", "usage": usage, "data": data}
    return _compact(answer).encode(), count


def _vector(seed: str, size: int) -> list[float]:
    rng = random.Random(seed)
    raw = [rng.gauss(0.0, 1.0) for _ in range(size)]
    length = math.hypot(*raw)
    return [round(each / length, 8) for each in raw]


def _compact(value: Any) -> str:
    """JSON as the C++ engines write it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _event(text: str) -> bytes:
    """A server-sent event with `text` as its data."""
    return f"data: {text}\n\n".encode()
