"""The generation of one answer: what is refused, its script, and what it takes of a slot."""

import json
from dataclasses import dataclass, field

from dmr_tui.simulator.connection import InferenceRequest
from dmr_tui.simulator.golang import go_json
from dmr_tui.simulator.models.model import Model
from dmr_tui.simulator.output.answer_format import AnswerFormat
from dmr_tui.simulator.output.script import Script, chat_prompt, prompt_text, prompt_tokens
from dmr_tui.simulator.output.timings import Timings


class BadRequest(Exception):
    """A request that the engine refuses: the status and the body of its answer."""

    def __init__(
        self, status: int, message: str, kind: str = "invalid_request_error", **facts: object
    ) -> None:
        super().__init__(message)
        self.status = status
        error = {"code": status, "message": message, "type": kind, **facts}
        self.body = go_json({"error": error}).encode()


def read_prompt(request: InferenceRequest, model: Model) -> list[str]:
    """The tokens that `model` has to read for a chat or a completion. Raises BadRequest."""
    if request.endpoint == "rerank":
        text = "This server does not support reranking. Start it with `--reranking`"
        raise BadRequest(501, text, "not_supported_error")
    if model.embedding:
        text = "the current context does not logits computation. skipping"
        raise BadRequest(500, text, "server_error")
    if request.endpoint == "completions":
        if "prompt" not in request.fields:
            raise BadRequest(400, '"prompt" is missing')
        return prompt_tokens(prompt_text(request.fields))
    messages = request.fields.get("messages")
    if messages is None:
        raise BadRequest(400, "'messages' is required")
    if not isinstance(messages, list):
        raise BadRequest(400, "Expected 'messages' to be an array")
    if "image_url" in json.dumps(messages):
        text = "image input is not supported - hint: you may need to provide the mmproj"
        raise BadRequest(500, text, "server_error")
    return prompt_tokens(chat_prompt(messages))


def require_embeddings(model: Model) -> None:
    """Refuse embeddings of a model that only writes. Raises BadRequest."""
    if not model.embedding:
        text = "Pooling type 'none' is not OAI compatible. Please use a different pooling type"
        raise BadRequest(400, text)


def require_room(prompt: list[str], context: int) -> None:
    """Refuse a prompt that leaves no room for a token. Raises BadRequest."""
    size = len(prompt)
    if size >= context:
        text = f"request ({size} tokens) exceeds the available context size ({context} tokens)"
        facts = {"n_prompt_tokens": size, "n_ctx": context}
        raise BadRequest(400, f"{text}, try increasing it", "exceed_context_size_error", **facts)


@dataclass(slots=True, eq=False)
class Slot:
    """One place in which an answer is made, with the tokens that its cache still holds."""

    id: int
    tokens: list[str] = field(default_factory=list)
    graphs: int = 0
    """Compute graphs reused so far."""
    busy: bool = False


@dataclass(slots=True)
class Generation:
    """A request that has a slot, and how far its answer is."""

    request: InferenceRequest
    prompt: list[str]
    task: int
    slot: Slot
    script: Script
    format: AnswerFormat
    timings: Timings = field(default_factory=Timings)

    @property
    def used(self) -> int:
        """Tokens of the context that are taken; the newest token is not read back yet."""
        return len(self.prompt) + max(0, self.timings.predicted_n - 1)

    @property
    def tokens(self) -> list[str]:
        """The tokens in the slot's cache."""
        return [*self.prompt, *self.script.reasoning, *self.script.content][: self.used]
