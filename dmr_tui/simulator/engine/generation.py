"""The generation of one answer: what is refused, its script, and what it takes of a slot."""

import json
import random
import time
from dataclasses import dataclass, field

from dmr_tui.simulator.connection import InferenceRequest
from dmr_tui.simulator.engine.engine_log import EngineLog
from dmr_tui.simulator.golang import go_json
from dmr_tui.simulator.models.model import Model
from dmr_tui.simulator.output.answer_format import AnswerFormat, LlamaChat, LlamaText, VllmChat
from dmr_tui.simulator.output.script import Script, chat_script, prompt_text, text_script
from dmr_tui.simulator.output.timings import Timings
from dmr_tui.simulator.output.tokens import chat_prompt, prompt_tokens, shared_prefix

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


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


class GenerationStarter:
    """Starts generations: decides the answer, and how much of the prompt is in the cache."""

    def __init__(self, model: Model, context: int, log: EngineLog, seed: int) -> None:
        """`context` is one slot's part, in tokens."""
        self._model = model
        self._context = context
        self._log = log
        self._seed = seed
        self._letters = random.Random(f"{seed}{model.digest}{time.time_ns()}")
        self._next_task = 0

    def new_task(self, tokens: int = 0) -> int:
        """The number of a task that makes so many tokens."""
        task = self._next_task
        self._next_task += tokens + 1
        return task

    def start(
        self, request: InferenceRequest, prompt: list[str], slot: Slot, at: int | None = None
    ) -> Generation:
        """Start on `request` in `slot`, with its log lines. Raises BadRequest if it is too long."""
        model, fields = self._model, request.fields
        rng = random.Random(f"{self._seed}{model.digest}{fields.get('seed')}{prompt}")
        room = max(1, self._context - len(prompt))
        chat = request.endpoint == "chat"
        if chat:
            script = chat_script(fields, rng, reasoning=model.reasoning, room=room)
        else:
            script = text_script(fields, rng, room=room)
        task = self.new_task(len(script))
        held = shared_prefix(slot.tokens, prompt)
        self.log_launch(slot, task, held, len(prompt), at)
        try:
            require_room(prompt, self._context)
        except BadRequest as refused:
            text = f"task id = {task}, error: {refused}"
            self._log.line("srv", "send_error", text, level="E", at=at)
            self._log.released(slot.id, task, len(slot.tokens), at)
            self._log.cancelled(task)
            raise
        letters = "".join(self._letters.choices(_LETTERS, k=32))
        created = (time.time_ns() if at is None else at) // 10**9
        kind = VllmChat if model.backend == "vllm" else LlamaChat if chat else LlamaText
        answer = kind(script, fields, model.path, created, letters)
        started = Generation(request, prompt, task, slot, script, answer)
        started.timings.cache_n = self._cached(started, held, at)
        started.timings.prompt_n = len(prompt) - started.timings.cache_n
        return started

    def log_launch(
        self, slot: Slot, task: int, held: int, size: int, at: int | None = None
    ) -> None:
        """Log that a request of `size` tokens goes into `slot`, whose cache has `held` of them."""
        likeness = held / size if size else 0.0
        if likeness > 0.1:
            kept = f"f_keep = {held / max(1, len(slot.tokens)):.3f}"
            how = f"LCP similarity, f_sim_best = {likeness:.3f} (> 0.100 thold), {kept}"
        else:
            how = f"LRU, t_last = {time.monotonic_ns() // 1000 if slot.tokens else -1}"
        self._log.slot("get_available_slot", slot.id, -1, f"selected slot by {how}", at=at)
        self._log.launched(slot.id, task, at)

    def _cached(self, started: Generation, held: int, at: int | None) -> int:
        if started.request.fields.get("cache_prompt") is False:
            return 0
        total = len(started.prompt)
        if held < total or total == 0:
            return held
        facts = f"(n_past = {total}, task.n_tokens() = {total})"
        text = f"need to evaluate at least 1 token for each active slot {facts}"
        for line in (text, f"n_past was set to {total - 1}"):
            self._log.slot("operator()", started.slot.id, started.task, line, at=at, level="W")
        return total - 1
