"""The chats and completions of llama.cpp."""

from typing import Any

from dmr_tui.simulator.output.answer_format import DONE, AnswerFormat, Envelope, compact, event
from dmr_tui.simulator.output.script import Script
from dmr_tui.simulator.output.timings import Timings

ENGINE_COMMIT = "4a3d1f7b2"
ENGINE_BUILD = f"b9879-{ENGINE_COMMIT}"
"""The llama.cpp build that every simulated runner has."""

_OPENING = {
    "finish_reason": None,
    "index": 0,
    "delta": {"role": "assistant", "content": None},
}


class LlamaChat(AnswerFormat):
    """Chat completions of llama.cpp."""

    def __init__(self, envelope: Envelope, script: Script) -> None:
        super().__init__(envelope, script)
        self._facts = {
            "created": envelope.created,
            "id": envelope.id,
            "model": envelope.model,
            "system_fingerprint": ENGINE_BUILD,
            "object": "chat.completion.chunk",
        }
        # A stream repeats this a thousand times and more.
        self._tail = f"}}],{compact(self._facts)[1:-1]}"

    def progress(self, total: int, processed: int, timings: Timings) -> bytes:
        extra = {"timings": timings.shown()} if self.envelope.wants_timings else {}
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
        new = compact(self.delta(place, "reasoning_content"))
        extra = f',"timings":{compact(timings.shown())}' if self.envelope.wants_timings else ""
        head = f'{{"choices":[{{"finish_reason":null,"index":0,"delta":{new}'
        return event(f"{head}{self._tail}{extra}}}")

    def closing(self, timings: Timings) -> bytes:
        ended = [{"finish_reason": self.script.finish, "index": 0, "delta": {}}]
        if not self.envelope.wants_usage:
            return self._event(ended, timings=timings.shown()) + DONE
        counted = {"usage": timings.usage(), "timings": timings.shown()}
        return self._event(ended) + self._event([], **counted) + DONE

    def whole(self, timings: Timings) -> bytes:
        script, calls = self.script, self.tool_calls()
        message = {"role": "assistant", "content": "" if calls else "".join(script.content)}
        extra: dict[str, Any] = {}
        if calls:
            extra["tool_calls"] = calls
        elif script.reasoning:
            extra["reasoning_content"] = "".join(script.reasoning)
        choice = {"finish_reason": script.finish, "index": 0, "message": {**message, **extra}}
        return _whole(self.envelope, choice, "chat.completion", timings)

    def _event(self, choices: list[dict[str, Any]], **extra: Any) -> bytes:
        return event(compact({"choices": choices, **self._facts, **extra}))


class LlamaText(AnswerFormat):
    """Legacy completions of llama.cpp: usage and timings come with every answer."""

    def token(self, place: int, timings: Timings) -> bytes:
        return self._event(self.script.content[place], None, {"id": self.envelope.id})

    def closing(self, timings: Timings) -> bytes:
        counted = {
            "usage": timings.usage(),
            "id": self.envelope.id,
            "timings": timings.shown(),
        }
        return self._event("", self.script.finish, counted) + DONE

    def whole(self, timings: Timings) -> bytes:
        choice = _text_choice("".join(self.script.content), self.script.finish)
        return _whole(self.envelope, choice, "text_completion", timings)

    def _event(self, text: str, finish: str | None, extra: dict[str, Any]) -> bytes:
        chunk = {
            "choices": [_text_choice(text, finish)],
            "created": self.envelope.created,
            "model": self.envelope.model,
            "system_fingerprint": ENGINE_BUILD,
            "object": "text_completion",
        }
        return event(compact({**chunk, **extra}))


def _text_choice(text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}


def _whole(envelope: Envelope, choice: dict[str, Any], kind: str, timings: Timings) -> bytes:
    answer = {
        "choices": [choice],
        "created": envelope.created,
        "model": envelope.model,
        "system_fingerprint": ENGINE_BUILD,
        "object": kind,
        "usage": timings.usage(),
        "id": envelope.id,
        "timings": timings.shown(),
    }
    return compact(answer).encode()
