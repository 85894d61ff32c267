"""What an engine understands of a call, and what it refuses."""

import json
from typing import Any

from dmr_tui.simulator.exchange import Call, engine_error
from dmr_tui.simulator.model import Model
from dmr_tui.simulator.script import prompt_text
from dmr_tui.simulator.tokens import chat_prompt, prompt_tokens


class BadRequest(Exception):
    """What the engine refuses: the status and the body of its answer."""

    def __init__(self, status: int, message: str, kind: str, **facts: object) -> None:
        super().__init__(message)
        self.status = status
        self.body = engine_error(status, message, kind, **facts)


def endpoint(call: Call) -> str:
    """The last part of the path: "chat", "completions", "embeddings", "rerank"."""
    parts = call.path.rstrip("/").split("/")
    return "chat" if parts[-2:] == ["chat", "completions"] else parts[-1]


def read_prompt(call: Call, request: dict[str, Any], model: Model) -> list[str]:
    """The tokens that `model` has to read for a chat or a completion. Raises BadRequest."""
    asked = endpoint(call)
    if asked == "rerank":
        text = "This server does not support reranking. Start it with `--reranking`"
        raise BadRequest(501, text, "not_supported_error")
    if model.embedding:
        text = "the current context does not logits computation. skipping"
        raise BadRequest(500, text, "server_error")
    if asked == "completions":
        if "prompt" not in request:
            raise BadRequest(400, '"prompt" is missing', "invalid_request_error")
        return prompt_tokens(prompt_text(request))
    messages = request.get("messages")
    if messages is None:
        raise BadRequest(400, "'messages' is required", "invalid_request_error")
    if not isinstance(messages, list):
        raise BadRequest(400, "Expected 'messages' to be an array", "invalid_request_error")
    if "image_url" in json.dumps(messages):
        text = "image input is not supported - hint: you may need to provide the mmproj"
        raise BadRequest(500, text, "server_error")
    return prompt_tokens(chat_prompt(messages))


def wants_vectors(model: Model) -> None:
    """Refuses embeddings of a model that only writes. Raises BadRequest."""
    if not model.embedding:
        text = "Pooling type 'none' is not OAI compatible. Please use a different pooling type"
        raise BadRequest(400, text, "invalid_request_error")


def fits(prompt: list[str], context: int) -> None:
    """Refuses a prompt that leaves no room for a token. Raises BadRequest."""
    size = len(prompt)
    if size >= context:
        text = f"request ({size} tokens) exceeds the available context size ({context} tokens)"
        facts = {"n_prompt_tokens": size, "n_ctx": context}
        raise BadRequest(400, f"{text}, try increasing it", "exceed_context_size_error", **facts)
