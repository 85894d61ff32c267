"""Calls to the inference endpoints: checked, given a runner, answered and recorded."""

import asyncio
import json

from dmr_tui.simulator.catalogue import NotInstalled
from dmr_tui.simulator.engine import EngineDied
from dmr_tui.simulator.exchange import TEXT, Call, Connection, Refused, Tape, refuse, reply
from dmr_tui.simulator.golang import go_json
from dmr_tui.simulator.loader import Loader, LoadFailed
from dmr_tui.simulator.logbook import Logbook
from dmr_tui.simulator.model import Model
from dmr_tui.simulator.recorder import Record, Recorder
from dmr_tui.simulator.release import Release
from dmr_tui.simulator.runner import Key, Runner
from dmr_tui.simulator.store import Store, missing

BACKENDS = ("llama.cpp", "vllm", "mlx", "sglang", "diffusers")
NOT_INSTALLED = {"vllm": "vLLM binary not found", "sglang": "sglang package not installed"}

_BODY_LIMIT = 10 * 2**20


class Cut(Exception):
    """The answer breaks off: the connection is closed in the middle of it."""


class Inference:
    """What every call for an answer goes through."""

    def __init__(
        self,
        *,
        release: Release,
        vllm: bool,
        store: Store,
        loader: Loader,
        recorder: Recorder,
        log: Logbook,
    ) -> None:
        self._release = release
        self._vllm = vllm
        self._store = store
        self._loader = loader
        self._recorder = recorder
        self._log = log

    async def infer(self, call: Call, to: Connection) -> None:
        """From the first check to the record; cancelled when the caller leaves.

        Raises Cut where the runner breaks the connection off.
        """
        try:
            key, reference, model = self._find(call)
            runner = await self._load(key, reference, model)
        except Refused as refusal:
            await refuse(to, refusal.status, str(refusal))
            return
        try:
            if self._only_loads(call):
                await reply(to, 200, "", b"")
            else:
                await self._answer(call, runner, reference, to)
        finally:
            self._loader.release(runner)

    def _find(self, call: Call) -> tuple[Key, str, Model]:
        backend = call.backend or "llama.cpp"
        if backend not in BACKENDS:
            raise Refused(404, "backend not found")
        if len(call.body) > _BODY_LIMIT:
            raise Refused(400, "request too large")
        try:
            request = json.loads(call.body)
        except ValueError as error:
            raise Refused(400, "invalid request") from error
        reference = request.get("model", "") if isinstance(request, dict) else None
        if not isinstance(reference, str):
            raise Refused(400, "invalid request")
        if not reference:
            raise Refused(400, "model is required")
        try:
            model = self._store.look_up(reference)
        except NotInstalled as error:
            raise Refused(404, missing(reference)) from error
        if model.backend == "vllm":
            backend = "vllm"
        if backend != "llama.cpp" and not (backend == "vllm" and self._vllm):
            command = f"docker model install-runner --backend {backend}"
            text = f'backend "{backend}" is not installed; run: {command}'
            raise Refused(412, NOT_INSTALLED.get(backend, text))
        return Key(backend, model.digest, _mode(call.path)), reference, model

    async def _load(self, key: Key, reference: str, model: Model) -> Runner:
        self._store.note_reference(reference)
        facts = {"backend": key.backend, "model": key.digest, "mode": key.mode}
        self._log.info("Loading backend runner", **facts)
        if key not in self._loader.configs:
            self._store.note_listing()
        try:
            return await self._loader.load(key, reference, model)
        except LoadFailed as error:
            text = f"unable to load runner: error waiting for runner to be ready: {error}"
            raise Refused(500, text) from error

    def _only_loads(self, call: Call) -> bool:
        asked = self._release.preloads and call.headers.get("x-preload-only") == "true"
        return call.preload or asked

    async def _answer(self, call: Call, runner: Runner, reference: str, to: Connection) -> None:
        tape = Tape(to)
        record = self.begin(call, runner.key.digest, reference)
        try:
            await runner.engine.answer(call, tape)
        except asyncio.CancelledError:
            # What Go's proxy notes down for a caller who left before the engine's first word.
            tape.status = tape.status or 502
            raise
        except EngineDied as died:
            if tape.status:
                raise Cut from died
            await reply(tape, 500, TEXT, _epitaph(runner.key.backend))
        finally:
            self._store.note_reference(reference)
            self._recorder.finish(runner.key.digest, record, tape.status, tape.body)

    def begin(self, call: Call, digest: str, reference: str, at: int | None = None) -> Record:
        """The record of a call that the engine is about to get."""
        self._store.note_reference(reference, at)
        return self._recorder.begin(
            digest,
            reference,
            call.path,
            call.body,
            user_agent=call.user_agent,
            origin=call.origin,
            at=at,
        )


def _epitaph(backend: str) -> bytes:
    message = f"{backend} terminated unexpectedly: {backend} exit status: signal: killed"
    error = {"type": "error", "code": None, "message": message, "param": None}
    return go_json({**error, "sequence_number": 1}).encode()


def _mode(path: str) -> str:
    if path.endswith("/embeddings"):
        return "embedding"
    return "reranking" if path.endswith(("/rerank", "/score")) else "completion"
