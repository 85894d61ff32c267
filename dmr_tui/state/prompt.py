"""A prompt, as it is sent to a model."""

from typing import Any, Literal

from msgspec import Struct

EXTRAS = {"timings_per_token": True, "return_progress": True}
"""Options that make the engine report more while it answers."""


class Message(Struct, frozen=True):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Prompt(Struct, frozen=True):
    """A question to a model, with its options."""

    model: str
    """A name that the runner knows."""
    messages: tuple[Message, ...]
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    json_answer: bool = False

    def body(self, *, extras: bool = True) -> dict[str, Any]:
        """Return the JSON of the request; `extras` adds `EXTRAS`."""
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": m.role, "content": m.content} for m in self.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        for name in ("temperature", "max_tokens", "seed"):
            if (value := getattr(self, name)) is not None:
                body[name] = value
        if self.json_answer:
            body["response_format"] = {"type": "json_object"}
        if extras:
            body |= EXTRAS
        return body
