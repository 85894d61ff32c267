"""The recorder's form of a request and its answer: bodies tidied, a stream as one answer."""

import json
from typing import Any

from dmr_tui.simulator.golang import go_json, through_float64

_MEDIA_KEPT = 100


def recorded_request(body: bytes) -> str:
    """The body; with `messages` in it, its keys are sorted and base64 media are cut."""
    text = body.decode(errors="replace")
    try:
        request = json.loads(text)
    except ValueError:
        return text
    if not isinstance(request, dict) or not isinstance(request.get("messages"), list):
        return text
    for message in request["messages"]:
        content = message.get("content") if isinstance(message, dict) else None
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict):
                _cut(part.get("image_url"), "url")
                _cut(part.get("input_audio"), "data")
    return go_json(through_float64(request), sort_keys=True)


def _cut(holder: Any, key: str) -> None:
    if not isinstance(holder, dict) or not isinstance(holder.get(key), str):
        return
    text = holder[key]
    head, comma, data = text.partition(",") if text.startswith("data:") else ("", "", text)
    if len(data) > _MEDIA_KEPT:
        lost = len(data) - _MEDIA_KEPT
        holder[key] = f"{head}{comma}{data[:_MEDIA_KEPT]}...[truncated {lost} chars]"


def recorded_error(text: str) -> str:
    """An error body as JSON, whatever it was; an empty one is an unknown error."""
    if not text:
        return '{"error": "unknown error"}'
    try:
        json.loads(text)
    except ValueError:
        return f'{{"error": {go_json(text)}}}'
    return text


def answer_of_stream(stream: str) -> tuple[str, str]:
    """One chat completion out of a stream's events, and the error that the stream told of.

    Text and reasoning are joined, and the last chunk's other keys kept: so `usage` and `timings`
    survive if the last chunk had them, and tool calls and legacy completions lose their content.
    """
    content: list[str] = []
    reasoning: list[str] = []
    choice: dict[str, Any] = {}
    last: dict[str, Any] | None = None
    for line in stream.split("\n"):
        if line.startswith("error: "):
            return "", _stream_error(line.removeprefix("error: "))
        data = line.removeprefix("data: ")
        if data == line:
            continue
        if data == "[DONE]":
            break
        try:
            last = json.loads(data)
        except ValueError:
            continue
        if isinstance(last, dict) and last.get("choices"):
            choice = last["choices"][0]
            delta = choice.get("delta") or {}
            content.append(delta.get("content") or "")
            reasoning.append(delta.get("reasoning_content") or "")
    if last is None:
        return stream, ""
    message = {"role": "assistant", "content": "".join(content)}
    if any(reasoning):
        message["reasoning_content"] = "".join(reasoning)
    whole = {key: value for key, value in choice.items() if key != "delta"}
    whole = {"finish_reason": "stop", **whole, "message": message}
    answer = {**last, "choices": [whole], "object": "chat.completion"}
    return go_json(through_float64(answer), sort_keys=True), ""


def _stream_error(text: str) -> str:
    told: dict[str, Any] = {"status_code": 400, "message": "unparseable streaming error"}
    try:
        error = json.loads(text)
    except ValueError:
        return go_json({**told, "details": text})
    told = {
        "status_code": int(error.get("code", 400)),
        "message": error.get("message", "streaming error"),
        **({"type": error["type"]} if error.get("type") else {}),
        "details": text,
    }
    return go_json(told)
