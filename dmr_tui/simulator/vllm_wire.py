"""vLLM's way of writing chats: usage where it is asked for, never timings."""

from typing import Any

from dmr_tui.simulator.script import Script
from dmr_tui.simulator.timings import Timings
from dmr_tui.simulator.wire import DONE, Subject, compact, delta, event, tool_call


class VllmChat:
    """vLLM, chat completions: usage, never timings."""

    def __init__(self, subject: Subject, script: Script) -> None:
        self._subject = subject
        self._script = script

    def progress(self, total: int, processed: int, timings: Timings) -> bytes:
        return b""

    def opening(self) -> bytes:
        return self._event({"role": "assistant", "content": ""}, None, None)

    def token(self, place: int, timings: Timings) -> bytes:
        running = timings if self._subject.wants_running_usage else None
        return self._event(delta(self._script, place, self._subject, "reasoning"), None, running)

    def closing(self, timings: Timings) -> bytes:
        running = timings if self._subject.wants_running_usage else None
        ended = self._event({"content": ""}, self._script.finish, running)
        if not self._subject.wants_usage:
            return ended + DONE
        last = {**self._facts("chat.completion.chunk"), "choices": [], "usage": _counts(timings)}
        return ended + event(compact(last)) + DONE

    def whole(self, timings: Timings) -> bytes:
        script = self._script
        calls = [tool_call(script, self._subject)] if script.tool is not None else []
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
        facts = self._facts("chat.completion")
        return compact({**facts, "choices": [choice], "usage": _counts(timings)}).encode()

    def _facts(self, kind: str) -> dict[str, Any]:
        subject = self._subject
        return {
            "id": subject.id,
            "object": kind,
            "created": subject.created,
            "model": subject.model,
        }

    def _event(self, delta: dict[str, Any], finish: str | None, running: Timings | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        usage = {"usage": _counts(running)} if running is not None else {}
        facts = self._facts("chat.completion.chunk")
        return event(compact({**facts, "choices": [choice], **usage}))


def _counts(timings: Timings) -> dict[str, int]:
    usage = timings.usage()
    return {key: usage[key] for key in ("prompt_tokens", "total_tokens", "completion_tokens")}
