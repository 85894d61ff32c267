"""The chats of vLLM: usage where it is asked for, never timings."""

from typing import Any

from dmr_tui.simulator.output.answer_format import DONE, AnswerFormat, compact, event
from dmr_tui.simulator.output.timings import Timings


class VllmChat(AnswerFormat):
    """Chat completions of vLLM."""

    def opening(self) -> bytes:
        return self._event({"role": "assistant", "content": ""}, None, None)

    def token(self, place: int, timings: Timings) -> bytes:
        return self._event(self.delta(place, "reasoning"), None, timings)

    def closing(self, timings: Timings) -> bytes:
        ended = self._event({"content": ""}, self.script.finish, timings)
        if self.envelope.wants_usage:
            ended += event(self._json("chat.completion.chunk", [], timings))
        return ended + DONE

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
        shown = running if self.envelope.wants_running_usage else None
        return event(self._json("chat.completion.chunk", [choice], shown))

    def _json(self, kind: str, choices: list[dict[str, Any]], counted: Timings | None) -> str:
        envelope = self.envelope
        answer = {
            "id": envelope.id,
            "object": kind,
            "created": envelope.created,
            "model": envelope.model,
            "choices": choices,
        }
        if counted is not None:
            usage = counted.usage()
            kept = ("prompt_tokens", "total_tokens", "completion_tokens")
            answer["usage"] = {key: usage[key] for key in kept}
        return compact(answer)
