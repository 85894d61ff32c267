"""Runner slots: loading, sharing, idling and evicting, one runner for a model and a mode."""

import asyncio
import math
import random
import time
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from dmr_tui.simulator.engine.engine import Engine
from dmr_tui.simulator.engine.engine_log import EngineLog
from dmr_tui.simulator.engine.launch import EngineMemory, Launch, engine_memory
from dmr_tui.simulator.engine.simulated_gpu import SimulatedGpu
from dmr_tui.simulator.logbook import Logbook
from dmr_tui.simulator.models.model import MIB, Model
from dmr_tui.simulator.service.recorder import Recorder
from dmr_tui.simulator.service.runner_config import MODES, RunnerConfig
from dmr_tui.simulator.service.runner_process import SLOTS_MAXIMUM, Key, Runner

_READY_POLL = 0.5
_LOAD_START = 0.06
_OUT_OF_MEMORY_AFTER = 0.35
"""The share of the load time after which the engine finds no memory."""
_IDLE_GRACE = 0.1

MakeEngine = Callable[[Model, Launch, EngineLog], Engine]


class LoadFailed(Exception):
    """A runner could not be made ready; the text is what the client is told."""


class Loader:
    """The runners; everything here happens on one event loop."""

    def __init__(
        self,
        cpus: int,
        log: Logbook,
        recorder: Recorder,
        gpu: SimulatedGpu,
        rng: random.Random,
        make_engine: MakeEngine,
    ) -> None:
        self.capacity = max(1, min(cpus, SLOTS_MAXIMUM))
        self.runners: dict[Key, Runner] = {}
        self.loading: dict[Key, Runner] = {}
        self.configs: dict[Key, RunnerConfig] = {}
        self.kills = 0
        """Engines that were killed for memory."""
        self.kills_here = 0
        """Those of them since the container was started."""
        self._log = log
        self._recorder = recorder
        self._gpu = gpu
        self._rng = rng
        self._make_engine = make_engine
        self._pids = count(41_207, 13)
        self._changed = asyncio.Event()

    def all(self) -> list[Runner]:
        """Every runner, loaded or loading; may be called from any thread."""
        return [*list(self.runners.values()), *list(self.loading.values())]

    def status(self) -> list[dict[str, Any]]:
        """The rows of `GET /engines/ps`, in random order."""
        rows = [r.status(self._keep_alive(key), False) for key, r in self.runners.items()]
        rows += [r.status(None, True) for r in self.loading.values()]
        self._rng.shuffle(rows)
        return rows

    def memory_of(self, runner: Runner) -> EngineMemory:
        """The memory that the engine of `runner` takes once it is loaded."""
        return engine_memory(runner.model, runner.launch, gpu=not self._gpu.unused)

    async def load(self, key: Key, reference: str, model: Model) -> Runner:
        """Return a runner for one request, which has to `release` it; load it first if need be.

        Raises LoadFailed. Cancelled while it loads, it stops loading.
        """
        while True:
            runner = self.runners.get(key)
            if runner is not None and not runner.dead:
                runner.requests += 1
                return runner
            if runner is not None and runner.requests == 0:
                self._evict_one(key)
            elif runner is not None or key in self.loading:
                await self._changed.wait()
            elif not self._full():
                return await self._start(key, reference, model)
            else:
                counts = {"runners": len(self.runners), "loading": len(self.loading)}
                self._log.info("Evicting to make room", **counts, slots=self.capacity)
                if not self._evict(idle_only=False):
                    await self._changed.wait()

    def release(self, runner: Runner) -> None:
        """Note that a request is over; the idle clock starts with the last one."""
        runner.requests -= 1
        if self.runners.get(runner.key) is runner and runner.requests == 0:
            runner.idle_since = time.time_ns()
            if runner.dead:
                self._evict_one(runner.key)
        self._broadcast()

    def place(self, reference: str, model: Model, mode: str, at: int, ready: int) -> Runner:
        """Add a runner that was loaded from `at` to `ready`, Unix nanoseconds, without the wait.

        Raises LoadFailed if every slot is busy.
        """
        key = Key(model.backend, model.digest, mode)
        if key in self.runners:
            return self.runners[key]
        if self._full():
            self._evict(idle_only=False)
        if self._full():
            raise LoadFailed("every slot is busy")
        runner, log = self._prepare(key, reference, model, at)
        self._gpu.allocate(runner, self.memory_of(runner).gpu)
        log.starting(model, min(ready, at + int(_LOAD_START * 1e9)))
        self._log_loaded(runner, log, ready)
        runner.idle_since = ready
        self.runners[key] = runner
        self._broadcast()
        return runner

    def unload_all(self) -> int:
        """Evict every idle runner and forget every configuration; returns how many went."""
        self.configs.clear()
        return self._evict(idle_only=False)

    def unload(self, backend: str, digests: Iterable[str]) -> int:
        """Evict the idle runners of some models, of any backend if none is named."""
        before = len(self.runners)
        for digest in digests:
            for key in [k for k in self.configs if (k.backend, k.digest) == (backend, digest)]:
                del self.configs[key]
            for mode in MODES:
                self._evict_model(backend, digest, mode)
        return before - len(self.runners)

    def configure(self, key: Key, config: RunnerConfig) -> bool:
        """Set how a runner is started; an idle one is evicted. False if it is in use."""
        facts = {"backend": key.backend, "model": key.digest}
        if self.configs.get(key) == config:
            self._log.info("Runner configuration unchanged", **facts)
            return True
        if key in self.runners:
            self._evict_model(key.backend, key.digest, key.mode)
        if key in self.runners:
            return False
        self._log.info("Configuring runner", **facts)
        self.configs[key] = config
        self._broadcast()
        return True

    def kill_for_memory(self, runner: Runner) -> None:
        """End the engine process of `runner` as the kernel does when memory is short."""
        self.kills += 1
        self.kills_here += 1
        self.kill(runner)

    def kill(self, runner: Runner) -> None:
        """End the engine process of `runner` from outside."""
        runner.dead = True
        runner.engine.die()
        self._log_exit(runner, "exit status: signal: killed")
        self._gpu.release(runner)
        self._broadcast()

    def reset(self) -> None:
        """Drop everything: the service's own process has ended, and all engines with it."""
        for runner in self.all():
            runner.dead = True
            runner.engine.die()
            self._gpu.release(runner)
        self.runners.clear()
        self.configs.clear()
        self.kills_here = 0
        self._broadcast()

    async def watch_idle(self) -> None:
        """Evict runners when their time is up, until cancelled."""
        # Tasks that wait for the old event belong to the loop of an earlier time of service.
        self._changed = asyncio.Event()
        while True:
            self._evict(idle_only=True)
            left = [
                seconds
                for key, runner in self.runners.items()
                if (seconds := runner.idle_left(self._keep_alive(key))) is not None
            ]
            changed = self._changed
            try:
                soonest = max(0.0, min(left)) + _IDLE_GRACE if left else None
                await asyncio.wait_for(changed.wait(), soonest)
            except TimeoutError:
                continue

    async def _start(self, key: Key, reference: str, model: Model) -> Runner:
        runner, log = self._prepare(key, reference, model, time.time_ns())
        self.loading[key] = runner
        try:
            await self._bring_up(runner, log)
            self.runners[key] = runner
            runner.requests = 1
            return runner
        except (LoadFailed, asyncio.CancelledError) as error:
            text = str(error) if isinstance(error, LoadFailed) else "context canceled"
            self._log.warn("Backend runner initialization failed", **key.facts(), error=text)
            log.close()
            self._gpu.release(runner)
            self._recorder.remove(key.digest)
            raise
        finally:
            del self.loading[key]
            self._broadcast()

    def _prepare(self, key: Key, reference: str, model: Model, at: int) -> tuple[Runner, EngineLog]:
        config = self.configs.get(key) or RunnerConfig(context_size=model.packaged_context)
        self._recorder.configure(key.digest, config.shown())
        taken = {runner.slot for runner in self.all()}
        slot = next(number for number in range(self.capacity) if number not in taken)
        launch = config.launch(model)
        if launch.passed is None and config.flag("-c", "--ctx-size") is None:
            launch = launch.fitted(model, self._gpu.free)
        log = EngineLog(self._log, at, silent=model.backend != "llama.cpp")
        engine = self._make_engine(model, launch, log)
        pid = next(self._pids)
        runner = Runner(key, reference, model, slot, engine, launch, config, pid, at)
        self._log.info("backend args", at, backend=key.backend, args=runner.command)
        return runner, log

    def _log_loaded(self, runner: Runner, log: EngineLog, at: int | None = None) -> None:
        launch = runner.launch
        if runner.config.verbose:
            log.buffers(self.memory_of(runner), runner.model.layers.blocks, at)
        log.loaded(launch.slots, launch.context, runner.socket, at)

    async def _bring_up(self, runner: Runner, log: EngineLog) -> None:
        loop = asyncio.get_running_loop()
        started, seconds = loop.time(), runner.model.profile.load_seconds
        memory = self.memory_of(runner)
        await asyncio.sleep(min(_LOAD_START, seconds))
        log.starting(runner.model)
        if memory.gpu > self._gpu.free:
            await asyncio.sleep(seconds * _OUT_OF_MEMORY_AFTER)
            fits_without = memory.gpu - memory.cache <= self._gpu.free
            size = memory.cache if fits_without else memory.weights
            reason = "not enough GPU memory to load the model (CUDA)"
            printed = log.out_of_memory(size / MIB)
            text = f"failed: {reason}\n\nVerbose output:\n{printed}"
            raise LoadFailed(self._log_exit(runner, text))
        left = max(0.0, started + seconds - loop.time())
        self._gpu.allocate(runner, memory.gpu, filled_in=left)
        await asyncio.sleep(started + seconds - loop.time())
        self._log_loaded(runner, log)
        # The runner asks for readiness every half second, so that is when a load can end.
        ready = math.ceil((loop.time() - started) / _READY_POLL) * _READY_POLL
        await asyncio.sleep(started + ready - loop.time())
        if runner.dead:
            raise LoadFailed("inference backend quit unexpectedly")

    def _log_exit(self, runner: Runner, reason: str) -> str:
        name = runner.key.backend
        text = f"{name} terminated unexpectedly: {name} {reason}"
        facts = {"backend": name, "model": runner.reference, "error": text}
        self._log.warn("Backend running model exited with error", **facts)
        return text

    def _evict(self, *, idle_only: bool) -> int:
        due = []
        for key, runner in self.runners.items():
            left = runner.idle_left(self._keep_alive(key))
            late = runner.dead or (left is not None and left < 0)
            if runner.requests == 0 and (late or not idle_only):
                due.append(key)
        for key in due:
            self._evict_one(key)
        if due:
            self._log.info("Evicted runner(s)", count=len(due))
        return len(due)

    def _evict_model(self, backend: str, digest: str, mode: str) -> None:
        keys = [
            key
            for key, runner in self.runners.items()
            if runner.requests == 0
            and backend in ("", key.backend)
            and (key.digest, key.mode) == (digest, mode)
        ]
        for key in keys:
            self._evict_one(key)
        if not keys:
            # The runner prints the mode's number as a character.
            facts = {"backend": backend, "model": digest, "mode": "?"}
            self._log.warn("No unused runner found", **facts)

    def _evict_one(self, key: Key) -> None:
        runner = self.runners.pop(key)
        facts = {"model": key.digest, "modelRef": runner.reference, "mode": key.mode}
        self._log.info("Evicting backend runner", backend=key.backend, **facts)
        runner.engine.die()
        self._gpu.release(runner)
        self._recorder.remove(key.digest)
        self._broadcast()

    def _keep_alive(self, key: Key) -> int | None:
        config = self.configs.get(key)
        return None if config is None else config.keep_alive

    def _full(self) -> bool:
        return len(self.runners) + len(self.loading) >= self.capacity

    def _broadcast(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
