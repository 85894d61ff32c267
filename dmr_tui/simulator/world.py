"""The simulated runner as a whole; all of it lives on one event loop."""

import asyncio
import contextlib
import json
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from dmr_tui.simulator.catalogue import Catalogue, NotInstalled
from dmr_tui.simulator.configuration import read_configure
from dmr_tui.simulator.counters import metrics
from dmr_tui.simulator.engine import Engine, SimulatedEngine
from dmr_tui.simulator.engine_log import EngineLog
from dmr_tui.simulator.exchange import Call, Refused, Tape
from dmr_tui.simulator.gpu import SimulatedGpu
from dmr_tui.simulator.inference import BACKENDS, NOT_INSTALLED, Inference
from dmr_tui.simulator.loader import AlreadyActive, Loader
from dmr_tui.simulator.logbook import Logbook
from dmr_tui.simulator.model import Model
from dmr_tui.simulator.recorder import Recorder
from dmr_tui.simulator.release import Release
from dmr_tui.simulator.runner import Key
from dmr_tui.simulator.shape import Shape
from dmr_tui.simulator.store import Store
from dmr_tui.simulator.upstream import UpstreamEngine

_PRELOAD_LIMIT = 60.0
_SETTLING = 1.0


class World:
    """Store, runners, records, log and GPU, and what concerns more than one of them."""

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
        self.loader = Loader(
            cpus=cpus,
            log=self.log,
            recorder=self.recorder,
            gpu=self.gpu,
            rng=self.rng,
            make_engine=self._engine,
        )
        self.inference = Inference(
            release=release,
            vllm=vllm,
            store=self.store,
            loader=self.loader,
            recorder=self.recorder,
            log=self.log,
        )
        self._seed = seed
        self._engine_url = engine_url
        self._open: set[Callable[[], object]] = set()
        self._settled = asyncio.Event()
        self._background: set[asyncio.Task[Any]] = set()
        self._log_start(started)

    def _engine(self, model: Model, shape: Shape, log: EngineLog) -> Engine:
        if self._engine_url is not None:
            return UpstreamEngine(self._engine_url, log)
        size = {"context": shape.context, "slots": shape.slots}
        return SimulatedEngine(model, **size, log=log, gpu=self.gpu, seed=self._seed)

    async def call(self, call: Call, pace: float = 0.25) -> tuple[int, bytes]:
        """A call from inside the simulation: status and body; cancelling it is hanging up.

        Raises Cut.
        """
        tape = Tape(pace=pace)
        task = asyncio.current_task()
        assert task is not None
        with self.cuttable(task.cancel):
            await self.inference.infer(call, tape)
        return tape.status, tape.body

    def configure(self, body: bytes, backend: str | None, user_agent: str) -> None:
        """Set a runner's configuration and load it in the background. Raises Refused."""
        if backend is not None and backend not in BACKENDS:
            raise Refused(404, "backend not found")
        name = backend or "llama.cpp"
        wanted = read_configure(body, name)
        with contextlib.suppress(NotInstalled):
            name = self.store.look_up(wanted.model).backend
        digest = self.store.resolve(wanted.model)
        try:
            self.loader.configure(Key(name, digest, wanted.mode), wanted.config)
        except AlreadyActive as error:
            text = "runner already active"
            facts = {"backend": name, "model": wanted.model, "modelID": digest}
            self.log.warn("Failed to configure runner", **facts, error=text)
            raise Refused(409, text) from error
        path = "/engines/v1/chat/completions"
        asked = json.dumps({"model": wanted.model}).encode()
        call = Call(path, asked, headers={"user-agent": user_agent}, preload=True)
        self.run_in_background(self._preload(call))

    async def _preload(self, call: Call) -> None:
        async with asyncio.timeout(_PRELOAD_LIMIT):
            status, body = await self.call(call)
        if status != 200:
            text = body.decode(errors="replace")
            self.log.warn("background model preload failed", status=status, body=text)

    def unload(self, body: bytes) -> int:
        """`POST /engines/unload`: how many runners went. Raises Refused."""
        try:
            wanted = json.loads(body)
        except ValueError as error:
            raise Refused(400, "invalid request") from error
        if not isinstance(wanted, dict):
            raise Refused(400, "invalid request")
        if wanted.get("all"):
            return self.loader.unload_all()
        digests = [self.store.resolve(str(each)) for each in wanted.get("models") or []]
        return self.loader.unload(str(wanted.get("backend") or ""), digests)

    def configurations(self, reference: str) -> list[dict[str, Any]]:
        """`GET /engines/_configure`, of one model if `reference` is not empty."""
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
        """`GET /metrics`.

        The runner compares digests with what callers wrote, so it only finds those engines that
        were loaded by digest.
        """
        counted = [
            (f'backend="{key.backend}",model="{key.digest}",mode="{key.mode}"', counters)
            for key, runner in self.loader.runners.items()
            if runner.reference == key.digest and (counters := runner.engine.count())
        ]
        return metrics(counted, self.rng)

    @contextmanager
    def cuttable(self, cut: Callable[[], object]) -> Iterator[None]:
        """While inside, a restart calls `cut`."""
        self._open.add(cut)
        try:
            yield
        finally:
            self._open.discard(cut)
            if not self._open:
                self._settled.set()

    def run_in_background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task that ends with the world at the latest."""
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
        """The container starts anew: no runner, no record, no open stream, a fresh log."""
        await self.cut_everything()
        self.loader.forget()
        self.recorder.clear()
        self.log.fresh()
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
        causes = {"mlx": "MLX is only available on macOS ARM64", **NOT_INSTALLED}
        for backend, cause in causes.items():
            if backend != "vllm" or not self.vllm:
                facts = {"backend": backend, "error": cause}
                self.log.warn("Backend installation failed for", at, **facts)
