"""Runner slots: loading, sharing, idling and evicting, one runner for a model and a mode."""

import asyncio
import math
import random
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from dmr_tui.simulator.configuration import MODES, RunnerConfig
from dmr_tui.simulator.engine import Engine
from dmr_tui.simulator.engine_log import EngineLog
from dmr_tui.simulator.footprint import Footprint, fitted, footprint
from dmr_tui.simulator.gpu import SimulatedGpu
from dmr_tui.simulator.logbook import Logbook
from dmr_tui.simulator.model import MIB, Model
from dmr_tui.simulator.recorder import Recorder
from dmr_tui.simulator.runner import (
    SLOTS_MAXIMUM,
    Key,
    Runner,
    arguments,
    socket_name,
)
from dmr_tui.simulator.shape import Shape, shape

_READY_POLL = 0.5
_LOAD_START = 0.06
_OUT_OF_MEMORY_AFTER = 0.35
_IDLE_GRACE = 0.1

MakeEngine = Callable[[Model, Shape, EngineLog], Engine]


class LoadFailed(Exception):
    """A runner could not be made ready; the text is what the caller is told."""


class AlreadyActive(Exception):
    """A runner that is in use cannot be configured."""


class Loader:
    """The runners; everything here happens on one event loop."""

    def __init__(
        self,
        *,
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
        self._log = log
        self._recorder = recorder
        self._gpu = gpu
        self._rng = rng
        self._make_engine = make_engine
        self._pids = count(41_207, 13)
        self.kills = 0
        """Engines that were killed for memory."""
        self.kills_here = 0
        """Those of them since the container was started."""
        self._changed = asyncio.Event()

    def status(self) -> list[dict[str, Any]]:
        """`GET /engines/ps`: every runner, in no order."""
        rows = [r.status(self._keep_alive(key), False) for key, r in self.runners.items()]
        rows += [r.status(None, True) for r in self.loading.values()]
        self._rng.shuffle(rows)
        return rows

    async def load(self, key: Key, reference: str, model: Model) -> Runner:
        """A runner for one call, which has to `release` it; loads it first if it must.

        Raises LoadFailed. Cancelled while it loads, it stops loading.
        """
        while True:
            if key in self.loading:
                await self._change()
                continue
            if runner := self.runners.get(key):
                if not runner.dead:
                    runner.calls += 1
                    return runner
                if runner.calls == 0:
                    self._evict_one(key)
                else:
                    await self._change()
                continue
            if self._used() >= self.capacity:
                counts = {"runners": len(self.runners), "loading": len(self.loading)}
                self._log.info("Evicting to make room", **counts, slots=self.capacity)
                if self._evict(idle_only=False):
                    continue
                await self._change()
                continue
            return await self._start(key, reference, model)

    def release(self, runner: Runner) -> None:
        """The call is over; the idle clock starts with the last one."""
        runner.calls -= 1
        if self.runners.get(runner.key) is runner and runner.calls == 0:
            runner.idle_since = time.time_ns()
            if runner.dead:
                self._evict_one(runner.key)
        self._broadcast()

    def place(self, reference: str, model: Model, mode: str, at: int, ready: int) -> Runner:
        """A runner that was loaded from `at` to `ready`, Unix nanoseconds, without the wait.

        Raises LoadFailed if every slot is busy.
        """
        key = Key(model.backend, model.digest, mode)
        if key in self.runners:
            return self.runners[key]
        if self._used() >= self.capacity:
            self._evict(idle_only=False)
        if self._used() >= self.capacity:
            raise LoadFailed("every slot is busy")
        runner, size, log = self._prepare(key, reference, model, at)
        self._gpu.take(runner, self.footprint(runner).gpu)
        log.starting(model, min(ready, at + int(_LOAD_START * 1e9)))
        self._log_buffers(runner, log, ready)
        log.loaded(size.slots, size.context, socket_name(runner.slot), ready)
        runner.idle_since = ready
        self.runners[key] = runner
        self._broadcast()
        return runner

    def unload_all(self) -> int:
        """Evict every idle runner and forget every configuration; how many went."""
        self.configs.clear()
        return self._evict(idle_only=False)

    def unload(self, backend: str, digests: list[str]) -> int:
        """Evict the idle runners of some models, of any backend if none is named."""
        before = len(self.runners)
        for digest in digests:
            for key in [k for k in self.configs if (k.backend, k.digest) == (backend, digest)]:
                del self.configs[key]
            for mode in MODES:
                self._evict_model(backend, digest, mode)
        return before - len(self.runners)

    def configure(self, key: Key, config: RunnerConfig) -> None:
        """Set what a runner is started with; an idle one is evicted. Raises AlreadyActive."""
        facts = {"backend": key.backend, "model": key.digest}
        if self.configs.get(key) == config:
            self._log.info("Runner configuration unchanged", **facts)
            return
        if key in self.runners:
            self._evict_model(key.backend, key.digest, key.mode)
        if key in self.runners:
            raise AlreadyActive
        self._log.info("Configuring runner", **facts)
        self.configs[key] = config
        self._broadcast()

    def kill_for_memory(self, runner: Runner) -> None:
        """The kernel ends the engine process of `runner`, as there is no memory left."""
        self.kills += 1
        self.kills_here += 1
        self.kill(runner)

    def kill(self, runner: Runner) -> None:
        """The engine process of `runner` ends without being asked to."""
        runner.dead = True
        runner.engine.die()
        text = f"{runner.key.backend} terminated unexpectedly: {runner.key.backend} exit status: "
        text += "signal: killed"
        facts = {"backend": runner.key.backend, "model": runner.reference, "error": text}
        self._log.warn("Backend running model exited with error", **facts)
        self._gpu.give_back(runner)
        self._broadcast()

    def forget(self) -> None:
        """The runner's own process has ended, and all engines with it."""
        for runner in (*self.runners.values(), *self.loading.values()):
            runner.dead = True
            runner.engine.die()
        self.runners.clear()
        self.configs.clear()
        self._gpu.clear()
        self.kills_here = 0
        self._broadcast()

    async def watch_idle(self) -> None:
        """Evict runners when their time is up, until cancelled."""
        # Whoever waited for the old one did so on the loop of an earlier time of service.
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
        runner, size, log = self._prepare(key, reference, model, time.time_ns())
        self.loading[key] = runner
        try:
            await self._bring_up(runner, size, log)
            self.runners[key] = runner
            runner.calls = 1
            return runner
        except (LoadFailed, asyncio.CancelledError) as error:
            text = str(error) if isinstance(error, LoadFailed) else "context canceled"
            facts = {"backend": key.backend, "model": key.digest, "mode": key.mode}
            self._log.warn("Backend runner initialization failed", **facts, error=text)
            log.close()
            self._gpu.give_back(runner)
            self._recorder.remove(key.digest)
            raise
        finally:
            del self.loading[key]
            self._broadcast()

    def _prepare(
        self, key: Key, reference: str, model: Model, at: int
    ) -> tuple[Runner, Shape, EngineLog]:
        config = self.configs.get(key) or RunnerConfig(context_size=model.packaged_context)
        self._recorder.configure(key.digest, config.shown())
        taken = {r.slot for r in (*self.runners.values(), *self.loading.values())}
        slot = next(number for number in range(self.capacity) if number not in taken)
        size = shape(model, config)
        if size.passed is None and config.flag("-c", "--ctx-size") is None:
            size = fitted(model, size, self._gpu.free)
        log = EngineLog(self._log, at, silent=model.backend != "llama.cpp")
        engine = self._make_engine(model, size, log)
        command = arguments(model, key.mode, slot, size.passed, config)
        self._log.info("backend args", at, backend=key.backend, args=command)
        pid = next(self._pids)
        runner = Runner(key, reference, model, slot, engine, size, command, pid, at)
        return runner, size, log

    def footprint(self, runner: Runner) -> Footprint:
        """What the engine of `runner` takes once it is loaded."""
        return footprint(runner.model, runner.shape, gpu=not self._gpu.unused)

    def _log_buffers(self, runner: Runner, log: EngineLog, at: int | None = None) -> None:
        config = self.configs.get(runner.key)
        if config is not None and config.verbose:
            log.buffers(self.footprint(runner), runner.model.layers.blocks, at)

    async def _bring_up(self, runner: Runner, size: Shape, log: EngineLog) -> None:
        loop = asyncio.get_running_loop()
        started, seconds = loop.time(), runner.model.profile.load_seconds
        taken = self.footprint(runner)
        needed = taken.gpu
        await asyncio.sleep(min(_LOAD_START, seconds))
        log.starting(runner.model)
        if needed > self._gpu.free:
            await asyncio.sleep(seconds * _OUT_OF_MEMORY_AFTER)
            fits_without = needed - taken.cache <= self._gpu.free
            last = log.out_of_memory((taken.cache if fits_without else taken.weights) / MIB)
            self._fail(runner, last)
        self._gpu.take(runner, needed, filled_in=max(0.0, started + seconds - loop.time()))
        await asyncio.sleep(started + seconds - loop.time())
        self._log_buffers(runner, log)
        log.loaded(size.slots, size.context, socket_name(runner.slot))
        # The runner asks for readiness every half second, so that is when a load can end.
        ready = math.ceil((loop.time() - started) / _READY_POLL) * _READY_POLL
        await asyncio.sleep(started + ready - loop.time())
        if runner.dead:
            raise LoadFailed("inference backend quit unexpectedly")

    def _fail(self, runner: Runner, printed: str) -> None:
        name = runner.key.backend
        reason = "not enough GPU memory to load the model (CUDA)"
        text = f"{name} terminated unexpectedly: {name} failed: {reason}"
        text = f"{text}\n\nVerbose output:\n{printed}"
        facts = {"backend": name, "model": runner.reference, "error": text}
        self._log.warn("Backend running model exited with error", **facts)
        raise LoadFailed(text)

    def _evict(self, *, idle_only: bool) -> int:
        gone = 0
        for key, runner in list(self.runners.items()):
            keep_alive = self._keep_alive(key)
            left = runner.idle_left(keep_alive)
            due = not idle_only or runner.dead or (left is not None and left < 0)
            if runner.calls == 0 and due:
                self._evict_one(key)
                gone += 1
        if gone:
            self._log.info("Evicted runner(s)", count=gone)
        return gone

    def _evict_model(self, backend: str, digest: str, mode: str) -> None:
        keys = [
            key
            for key, runner in self.runners.items()
            if runner.calls == 0
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
        self._log.info(
            "Evicting backend runner",
            backend=key.backend,
            model=key.digest,
            modelRef=runner.reference,
            mode=key.mode,
        )
        runner.engine.die()
        self._gpu.give_back(runner)
        self._recorder.remove(key.digest)
        self._broadcast()

    def _keep_alive(self, key: Key) -> int | None:
        config = self.configs.get(key)
        return None if config is None else config.keep_alive

    def _used(self) -> int:
        return len(self.runners) + len(self.loading)

    def _broadcast(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _change(self) -> None:
        await self._changed.wait()
