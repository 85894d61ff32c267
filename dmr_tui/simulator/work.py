"""One answer in the making."""

import random
import time
from dataclasses import dataclass, field
from typing import Any

from dmr_tui.simulator.engine_log import EngineLog
from dmr_tui.simulator.exchange import Call
from dmr_tui.simulator.intake import BadRequest, endpoint, fits
from dmr_tui.simulator.llama_wire import LlamaChat, LlamaText
from dmr_tui.simulator.model import Model
from dmr_tui.simulator.script import Script, chat_script, text_script
from dmr_tui.simulator.slots import Slot
from dmr_tui.simulator.timings import Timings
from dmr_tui.simulator.tokens import shared_prefix
from dmr_tui.simulator.vllm_wire import VllmChat
from dmr_tui.simulator.wire import Subject, Wire

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(slots=True)
class Work:
    """A call that has a slot, and how far its answer is."""

    request: dict[str, Any]
    prompt: list[str]
    task: int
    slot: Slot
    script: Script
    wire: Wire
    timings: Timings = field(default_factory=Timings)

    @property
    def streams(self) -> bool:
        return bool(self.request.get("stream"))

    @property
    def used(self) -> int:
        """Tokens of the context that are taken; the newest token is not read back yet."""
        return len(self.prompt) + max(0, self.timings.predicted_n - 1)

    @property
    def tokens(self) -> list[str]:
        """What the slot's cache holds."""
        return [*self.prompt, *self.script.reasoning, *self.script.content][: self.used]


class Desk:
    """Makes work of calls: decides the answer, and how much of the prompt is in the cache."""

    def __init__(self, model: Model, context: int, log: EngineLog, seed: int) -> None:
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

    def begin(
        self,
        call: Call,
        request: dict[str, Any],
        prompt: list[str],
        slot: Slot,
        at: int | None = None,
    ) -> Work:
        """The work on `call` in `slot`, with its log lines. Raises BadRequest if it is too long."""
        model = self._model
        rng = random.Random(f"{self._seed}{model.digest}{request.get('seed')}{prompt}")
        room = max(1, self._context - len(prompt))
        chat = endpoint(call) == "chat"
        if chat:
            script = chat_script(request, rng, reasoning=model.reasoning, room=room)
        else:
            script = text_script(request, rng, room=room)
        task = self.new_task(len(script))
        held = shared_prefix(slot.tokens, prompt)
        self.log_launch(slot, task, held, len(prompt), at)
        try:
            fits(prompt, self._context)
        except BadRequest as refused:
            text = f"task id = {task}, error: {refused}"
            self._log.line("srv", "send_error", text, level="E", at=at)
            self._log.released(slot.id, task, len(slot.tokens), at)
            self._log.left(task)
            raise
        letters = "".join(self._letters.choices(_LETTERS, k=32))
        created = (time.time_ns() if at is None else at) // 10**9
        subject = Subject.of(request, model.path, created, letters)
        work = Work(request, prompt, task, slot, script, _wire(model, chat, subject, script))
        work.timings.cache_n = self._cached(work, held, at)
        work.timings.prompt_n = len(prompt) - work.timings.cache_n
        return work

    def log_launch(
        self, slot: Slot, task: int, held: int, size: int, at: int | None = None
    ) -> None:
        """A call of `size` tokens goes into `slot`, whose cache has `held` of them."""
        likeness = held / size if size else 0.0
        if likeness > 0.1:
            kept = f"f_keep = {held / max(1, len(slot.tokens)):.3f}"
            how = f"LCP similarity, f_sim_best = {likeness:.3f} (> 0.100 thold), {kept}"
        else:
            how = f"LRU, t_last = {time.monotonic_ns() // 1000 if slot.tokens else -1}"
        self._log.slot("get_available_slot", slot.id, -1, f"selected slot by {how}", at=at)
        self._log.slot("launch_slot_", slot.id, task, "processing task, is_child = 0", at=at)

    def _cached(self, work: Work, held: int, at: int | None) -> int:
        if work.request.get("cache_prompt") is False:
            return 0
        total = len(work.prompt)
        if held < total or total == 0:
            return held
        facts = f"(n_past = {total}, task.n_tokens() = {total})"
        text = f"need to evaluate at least 1 token for each active slot {facts}"
        for line in (text, f"n_past was set to {total - 1}"):
            self._log.slot("operator()", work.slot.id, work.task, line, at=at, level="W")
        return total - 1


def _wire(model: Model, chat: bool, subject: Subject, script: Script) -> Wire:
    if model.backend == "vllm":
        return VllmChat(subject, script)
    return LlamaChat(subject, script) if chat else LlamaText(subject, script)
