"""Bodies as people read them, and a recorded call as a new one."""

import json

import pytest

from dmr_tui.monitor.actions.replay import Again, read_bodies, refusal
from dmr_tui.runner.request import Request

CALL = Request(
    id="a_1",
    model="ai/x",
    digest=None,
    api="OpenAI chat",
    caller="curl",
    started_at=0.0,
    outcome="ok",
    status=200,
)


def bodies(asked: object, answered: object) -> tuple[tuple[tuple[str, str], ...], str, str]:
    found = read_bodies(CALL, (json.dumps(asked), json.dumps(answered)), "runner")
    return found.prompt, found.answer, found.reasoning


def test_a_chat() -> None:
    asked = {
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
        ]
    }
    answered = {"choices": [{"message": {"content": "Hi", "reasoning_content": "A greeting"}}]}
    prompt, answer, reasoning = bodies(asked, answered)
    assert prompt == (("system", "Be short."), ("user", "Hello"))
    assert (answer, reasoning) == ("Hi", "A greeting")


def test_what_is_no_chat() -> None:
    prompt, answer, _ = bodies({"prompt": "Once"}, {"choices": [{"text": "upon a time"}]})
    assert (prompt, answer) == ((("prompt", "Once"),), "upon a time")
    prompt, answer, _ = bodies({"input": ["a", "b"]}, {"data": []})
    assert prompt[0][0] == "input"
    assert '"data"' in answer
    prompt, answer, _ = bodies(
        {"system": "S", "messages": [{"role": "user", "content": "U"}]},
        {"type": "message", "content": [{"type": "text", "text": "A"}]},
    )
    assert (prompt, answer) == ((("system", "S"), ("user", "U")), "A")


@pytest.mark.parametrize("text", ["", "[", "null", "3", '{"messages": 3}', "\ud800"])
def test_bodies_of_any_shape_are_shown_as_they_are(text: str) -> None:
    found = read_bodies(CALL, (text, text), "archive")
    assert isinstance(found.answer, str)


def test_a_call_again_is_streamed_and_else_the_same() -> None:
    recorded = {"model": "ai/x", "messages": [], "temperature": 0.3, "stream": False, "tools": [1]}
    body = Again("ai/y", recorded).body(extras=False)
    assert body == {
        "model": "ai/y",
        "messages": [],
        "temperature": 0.3,
        "stream": True,
        "stream_options": {"include_usage": True},
        "tools": [1],
    }


def test_what_cannot_be_sent_again_says_why() -> None:
    whole = json.dumps({"messages": [{"role": "user", "content": "x"}]})
    assert refusal((whole, "")) is None
    gone = refusal(None)
    assert gone is not None
    assert "gone" in gone.what
    for text in ("", '{"input": "x"}', '{"messages": [], "u": "abc...[truncated 900 chars]"}'):
        assert refusal((text, "")) is not None
