"""Requests to the inference endpoints: checked, given a runner, answered and recorded."""

import asyncio
from dataclasses import dataclass

from dmr_tui.simulator.connection import (
    TEXT,
    AnswerCopy,
    Connection,
    InferenceRequest,
    Refused,
    reply,
)
from dmr_tui.simulator.engine.engine import EngineDied
from dmr_tui.simulator.golang import go_json
from dmr_tui.simulator.logbook import Logbook
from dmr_tui.simulator.models.model import Model
from dmr_tui.simulator.models.model_store import Store
from dmr_tui.simulator.service.loader import Loader, LoadFailed
from dmr_tui.simulator.service.recorder import Recorder
from dmr_tui.simulator.service.release import Release
from dmr_tui.simulator.service.runner_process import Key, Runner

BACKENDS = ("llama.cpp", "vllm", "mlx", "sglang", "diffusers")
NOT_INSTALLED = {"vllm": "vLLM binary not found", "sglang": "sglang package not installed"}

_BODY_LIMIT = 10 * 2**20


class AnswerCut(Exception):
    """The answer breaks off: the connection is closed in the middle of it."""


@dataclass(frozen=True, slots=True)
class Inference:
    """The way of every inference request."""

    release: Release
    vllm: bool
    """vLLM is installed."""
    store: Store
    loader: Loader
    recorder: Recorder
    log: Logbook

    async def infer(self, request: InferenceRequest, to: Connection) -> None:
        """Serve `request`, from the first check to the record; a cancel means the client left.

        Raises AnswerCut where the runner breaks the connection off.
        """
        try:
            reference, model = self._find(request)
            key = Key(self._backend(request, model), model.digest, _mode(request.path))
            runner = await self._load(key, reference, model)
        except Refused as refusal:
            # As Go's http.Error writes it: plain text and a line feed.
            await reply(to, refusal.status, TEXT, f"{refusal}\n".encode())
            return
        try:
            if self._only_loads(request):
                await reply(to, 200, "", b"")
            else:
                await self._answer(request, runner, reference, to)
        finally:
            self.loader.release(runner)

    def _find(self, request: InferenceRequest) -> tuple[str, Model]:
        if request.backend not in (None, *BACKENDS):
            raise Refused(404, "backend not found")
        if len(request.body) > _BODY_LIMIT:
            raise Refused(400, "request too large")
        reference = request.fields.get("model", "")
        if not isinstance(reference, str):
            raise Refused(400, "invalid request")
        if not reference:
            raise Refused(400, "model is required")
        return reference, self.store.find(reference)

    def _backend(self, request: InferenceRequest, model: Model) -> str:
        backend = "vllm" if model.backend == "vllm" else request.backend or "llama.cpp"
        if backend != "llama.cpp" and not (backend == "vllm" and self.vllm):
            command = f"docker model install-runner --backend {backend}"
            text = f'backend "{backend}" is not installed; run: {command}'
            raise Refused(412, NOT_INSTALLED.get(backend, text))
        return backend

    async def _load(self, key: Key, reference: str, model: Model) -> Runner:
        self.store.note_reference(reference)
        self.log.info("Loading backend runner", **key.facts())
        if key not in self.loader.configs:
            self.store.note_listing()
        try:
            return await self.loader.load(key, reference, model)
        except LoadFailed as error:
            text = f"unable to load runner: error waiting for runner to be ready: {error}"
            raise Refused(500, text) from error

    def _only_loads(self, request: InferenceRequest) -> bool:
        asked = self.release.preloads and request.headers.get("x-preload-only") == "true"
        return request.preload or asked

    async def _answer(
        self, request: InferenceRequest, runner: Runner, reference: str, to: Connection
    ) -> None:
        copy, digest = AnswerCopy(to), runner.key.digest
        self.store.note_reference(reference)
        record = self.recorder.begin(digest, reference, request)
        try:
            await runner.engine.answer(request, copy)
        except asyncio.CancelledError:
            # Go's proxy notes this down for a client that left before the engine's first word.
            copy.status = copy.status or 502
            raise
        except EngineDied as died:
            if copy.status:
                raise AnswerCut from died
            await reply(copy, 500, TEXT, _engine_died(runner.key.backend))
        finally:
            self.store.note_reference(reference)
            self.recorder.finish(digest, record, copy.status, copy.body)


def _engine_died(backend: str) -> bytes:
    message = f"{backend} terminated unexpectedly: {backend} exit status: signal: killed"
    error = {"type": "error", "code": None, "message": message, "param": None}
    return go_json({**error, "sequence_number": 1}).encode()


def _mode(path: str) -> str:
    if path.endswith("/embeddings"):
        return "embedding"
    return "reranking" if path.endswith(("/rerank", "/score")) else "completion"
