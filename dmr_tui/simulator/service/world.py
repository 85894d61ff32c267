"""The simulated runner as a whole; all of it lives on one event loop."""

import asyncio
import contextlib
import json
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from dmr_tui.simulator.connection import (
    TEXT,
    AnswerCopy,
    Connection,
    InferenceRequest,
    Refused,
    json_object,
    reply,
)
from dmr_tui.simulator.engine.engine import Engine, EngineDied, metrics
from dmr_tui.simulator.engine.engine_log import EngineLog
from dmr_tui.simulator.engine.launch import Launch
from dmr_tui.simulator.engine.simulated_engine import SimulatedEngine
from dmr_tui.simulator.engine.simulated_gpu import SimulatedGpu
from dmr_tui.simulator.engine.upstream import UpstreamEngine
from dmr_tui.simulator.golang import go_json
from dmr_tui.simulator.logbook import Logbook
from dmr_tui.simulator.models.model import Model
from dmr_tui.simulator.models.model_store import Catalogue, Store
from dmr_tui.simulator.service.loader import Loader, LoadFailed
from dmr_tui.simulator.service.recorder import Recorder
from dmr_tui.simulator.service.release import Release
from dmr_tui.simulator.service.runner_config import read_configure
from dmr_tui.simulator.service.runner_process import Key, Runner

_BACKENDS = ("llama.cpp", "vllm", "mlx", "sglang", "diffusers")
_NOT_INSTALLED = {"vllm": "vLLM binary not found", "sglang": "sglang package not installed"}
_BODY_LIMIT = 10 * 2**20
_PRELOAD_LIMIT = 60.0
_SETTLING = 1.0


class AnswerCut(Exception):
    """The answer breaks off: the connection is closed in the middle of it."""


class World:
    """Store, runners, records, log and GPU, and the requests that concern several of them."""

    def __init__(
        self,
        *,
        release: Release,
        catalogue: Catalogue,
        seed: int,
        cpus: int,
        vllm: bool = False,
        uses_gpu: bool = True,
        engine_url: str | None = None,
        started: int | None = None,
    ) -> None:
        self.release = release
        self.rng = random.Random(seed)
        self.cpus = cpus
        self.vllm = vllm
        self.gpu = SimulatedGpu()
        self.gpu.unused = not uses_gpu
        self.log = Logbook(self.rng)
        self.store = Store(catalogue, self.log, self.rng)
        self.recorder = Recorder(self.log, self.rng, shows_config=release.records_config)
        self.loader = Loader(cpus, self.log, self.recorder, self.gpu, self.rng, self._engine)
        self._seed = seed
        self._engine_url = engine_url
        self._open: set[Callable[[], object]] = set()
        self._settled = asyncio.Event()
        self._background: set[asyncio.Task[Any]] = set()
        self._log_start(started)

    def _engine(self, model: Model, launch: Launch, log: EngineLog) -> Engine:
        if self._engine_url is not None:
            return UpstreamEngine(self._engine_url, log)
        size = {"context": launch.context, "slots": launch.slots}
        return SimulatedEngine(model, **size, log=log, gpu=self.gpu, seed=self._seed)

    async def infer(self, request: InferenceRequest, to: Connection) -> None:
        """Serve an inference request, from the first check to the record.

        A cancel means that the client left. Raises AnswerCut where the runner breaks off.
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
            asked = self.release.preloads and request.headers.get("x-preload-only") == "true"
            if asked or request.preload:
                await reply(to, 200, "", b"")
            else:
                await self._answer(request, runner, reference, to)
        finally:
            self.loader.release(runner)

    def _find(self, request: InferenceRequest) -> tuple[str, Model]:
        if request.backend not in (None, *_BACKENDS):
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
            raise Refused(412, _NOT_INSTALLED.get(backend, text))
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

    async def answer(self, request: InferenceRequest) -> tuple[int, bytes]:
        """Answer a request from inside the simulation; returns status and body.

        A cancel means that the client left. Raises AnswerCut.
        """
        copy = AnswerCopy()
        task = asyncio.current_task()
        assert task is not None
        with self.cuttable(task.cancel):
            await self.infer(request, copy)
        return copy.status, copy.body

    def configure(self, body: bytes, backend: str | None, user_agent: str) -> None:
        """Set a runner's configuration and load it in the background. Raises Refused."""
        if backend is not None and backend not in _BACKENDS:
            raise Refused(404, "backend not found")
        name = backend or "llama.cpp"
        reference, mode, config = read_configure(body, name)
        if model := self.store.look_up(reference):
            name = model.backend
        digest = self.store.resolve(reference)
        if not self.loader.configure(Key(name, digest, mode), config):
            text = "runner already active"
            facts = {"backend": name, "model": reference, "modelID": digest}
            self.log.warn("Failed to configure runner", **facts, error=text)
            raise Refused(409, text)
        path = "/engines/v1/chat/completions"
        asked = json.dumps({"model": reference}).encode()
        headers = {"user-agent": user_agent}
        request = InferenceRequest(path, asked, headers=headers, preload=True)
        self.run_in_background(self._preload(request))

    async def _preload(self, request: InferenceRequest) -> None:
        async with asyncio.timeout(_PRELOAD_LIMIT):
            status, body = await self.answer(request)
        if status != 200:
            text = body.decode(errors="replace")
            self.log.warn("background model preload failed", status=status, body=text)

    def unload(self, body: bytes) -> int:
        """Serve `POST /engines/unload`; returns how many runners went. Raises Refused."""
        wanted = json_object(body)
        if wanted.get("all"):
            return self.loader.unload_all()
        digests = [self.store.resolve(str(each)) for each in wanted.get("models") or []]
        return self.loader.unload(str(wanted.get("backend") or ""), digests)

    def configurations(self, reference: str) -> list[dict[str, Any]]:
        """The entries of `GET /engines/_configure`, of one model if `reference` is not empty."""
        digest = self.store.resolve(reference) if reference else None
        installed = {model.digest: model for model in self.store.catalogue}
        entries = [
            {
                "Backend": key.backend,
                "Model": next(iter(self.store.catalogue.tags(installed[key.digest])), ""),
                "ModelID": key.digest,
                "Mode": key.mode,
                "Config": config.shown(),
            }
            for key, config in self.loader.configs.items()
            if key.digest in installed and digest in (None, key.digest)
        ]
        self.rng.shuffle(entries)
        return entries

    def metrics(self) -> bytes:
        """The text of `GET /metrics`.

        The runner compares digests with the names in requests, so it only finds those engines
        that were loaded by digest.
        """
        counted = [
            (f'backend="{key.backend}",model="{key.digest}",mode="{key.mode}"', counters)
            for key, runner in self.loader.runners.items()
            if runner.reference == key.digest and (counters := runner.engine.count())
        ]
        return metrics(counted, self.rng)

    @contextmanager
    def cuttable(self, cut: Callable[[], object]) -> Iterator[None]:
        """Have a restart call `cut`, while inside."""
        self._open.add(cut)
        try:
            yield
        finally:
            self._open.discard(cut)
            if not self._open:
                self._settled.set()

    def run_in_background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task that ends with the world at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    async def cut_everything(self) -> None:
        """Break off every answer that is under way."""
        self._settled = asyncio.Event()
        for cut in list(self._open):
            cut()
        if self._open:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), _SETTLING)

    async def restart(self) -> None:
        """Start the container again: no runner, no record, no open stream, an empty log."""
        await self.cut_everything()
        self.loader.reset()
        self.recorder.clear()
        self.log.clear()
        self._log_start()

    async def end(self) -> None:
        """Stop everything that runs."""
        for task in list(self._background):
            task.cancel()
        await self.cut_everything()

    def _log_start(self, at: int | None = None) -> None:
        self.log.info("Successfully initialized store", at, component="model-manager")
        self.log.info("Logs endpoint enabled at /logs", at, dir="/var/log/model-runner")
        self.log.info("Metrics endpoint enabled at /metrics", at)
        self.log.info("Listening on TCP port", at, port=12434)
        self.log.info("installed llama-server", at, gpuSupport=str(not self.gpu.unused).lower())
        causes = {"mlx": "MLX is only available on macOS ARM64", **_NOT_INSTALLED}
        for backend, cause in causes.items():
            if backend != "vllm" or not self.vllm:
                facts = {"backend": backend, "error": cause}
                self.log.warn("Backend installation failed for", at, **facts)


def _engine_died(backend: str) -> bytes:
    message = f"{backend} terminated unexpectedly: {backend} exit status: signal: killed"
    error = {"type": "error", "code": None, "message": message, "param": None}
    return go_json({**error, "sequence_number": 1}).encode()


def _mode(path: str) -> str:
    if path.endswith("/embeddings"):
        return "embedding"
    return "reranking" if path.endswith(("/rerank", "/score")) else "completion"
