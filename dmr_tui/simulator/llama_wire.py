"""llama.cpp's way of writing chats and completions."""

from typing import Any

from dmr_tui.simulator.release import ENGINE_BUILD
from dmr_tui.simulator.script import Script
from dmr_tui.simulator.timings import Timings
from dmr_tui.simulator.wire import DONE, Subject, compact, delta, event, tool_call


class LlamaChat:
    """llama.cpp, chat completions."""

    def __init__(self, subject: Subject, script: Script) -> None:
        self._subject = subject
        self._script = script
        self._facts = {
            "created": subject.created,
            "id": subject.id,
            "model": subject.model,
            "system_fingerprint": ENGINE_BUILD,
            "object": "chat.completion.chunk",
        }
        # A stream repeats this a thousand times and more.
        self._tail = f"}}],{compact(self._facts)[1:-1]}"

    def progress(self, total: int, processed: int, timings: Timings) -> bytes:
        extra = {"timings": timings.shown()} if self._subject.wants_timings else {}
        progress = {
            "total": total,
            "cache": timings.cache_n,
            "processed": processed,
            "time_ms": int(timings.prompt_ms),
        }
        chunk = {
            "choices": [_opening_choice()],
            **self._facts,
            **extra,
            "prompt_progress": progress,
        }
        return event(compact(chunk))

    def opening(self) -> bytes:
        return event(compact({"choices": [_opening_choice()], **self._facts}))

    def token(self, place: int, timings: Timings) -> bytes:
        new = compact(delta(self._script, place, self._subject, "reasoning_content"))
        extra = f',"timings":{compact(timings.shown())}' if self._subject.wants_timings else ""
        head = f'{{"choices":[{{"finish_reason":null,"index":0,"delta":{new}'
        return event(f"{head}{self._tail}{extra}}}")

    def closing(self, timings: Timings) -> bytes:
        choice = {"finish_reason": self._script.finish, "index": 0, "delta": {}}
        ended: dict[str, Any] = {"choices": [choice], **self._facts}
        if not self._subject.wants_usage:
            return event(compact({**ended, "timings": timings.shown()})) + DONE
        counted = {"usage": timings.usage(), "timings": timings.shown()}
        last = {"choices": [], **self._facts, **counted}
        return event(compact(ended)) + event(compact(last)) + DONE

    def whole(self, timings: Timings) -> bytes:
        script = self._script
        message: dict[str, Any] = {"role": "assistant", "content": "".join(script.content)}
        if script.reasoning:
            message["reasoning_content"] = "".join(script.reasoning)
        if script.tool is not None:
            call = tool_call(script, self._subject)
            message = {"role": "assistant", "content": "", "tool_calls": [call]}
        choice = {"finish_reason": script.finish, "index": 0, "message": message}
        return compact(_llama_whole(self._subject, choice, "chat.completion", timings)).encode()


class LlamaText:
    """llama.cpp, legacy completions: usage and timings come with every answer."""

    def __init__(self, subject: Subject, script: Script) -> None:
        self._subject = subject
        self._script = script

    def progress(self, total: int, processed: int, timings: Timings) -> bytes:
        return b""

    def opening(self) -> bytes:
        return b""

    def token(self, place: int, timings: Timings) -> bytes:
        return event(compact(self._chunk(self._script.content[place], None)))

    def closing(self, timings: Timings) -> bytes:
        chunk = self._chunk("", self._script.finish)
        told = {"usage": timings.usage(), "id": chunk.pop("id"), "timings": timings.shown()}
        return event(compact({**chunk, **told})) + DONE

    def whole(self, timings: Timings) -> bytes:
        choice = _text_choice("".join(self._script.content), self._script.finish)
        return compact(_llama_whole(self._subject, choice, "text_completion", timings)).encode()

    def _chunk(self, text: str, finish: str | None) -> dict[str, Any]:
        return {
            "choices": [_text_choice(text, finish)],
            "created": self._subject.created,
            "model": self._subject.model,
            "system_fingerprint": ENGINE_BUILD,
            "object": "text_completion",
            "id": self._subject.id,
        }


def _opening_choice() -> dict[str, Any]:
    delta = {"role": "assistant", "content": None}
    return {"finish_reason": None, "index": 0, "delta": delta}


def _text_choice(text: str, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}


def _llama_whole(
    subject: Subject, choice: dict[str, Any], kind: str, timings: Timings
) -> dict[str, Any]:
    return {
        "choices": [choice],
        "created": subject.created,
        "model": subject.model,
        "system_fingerprint": ENGINE_BUILD,
        "object": kind,
        "usage": timings.usage(),
        "id": subject.id,
        "timings": timings.shown(),
    }
