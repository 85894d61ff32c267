"""A Model Runner without models, over real HTTP: for the demo, screenshots and tests."""

import asyncio
import concurrent.futures
import json
import random
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from dmr_tui.simulator.connection import InferenceRequest
from dmr_tui.simulator.engine.upstream import model_of_engine
from dmr_tui.simulator.http.faults import Faults
from dmr_tui.simulator.http.listener import Listener
from dmr_tui.simulator.http.routes import application
from dmr_tui.simulator.models.library import LATEST, PULLABLE, generated
from dmr_tui.simulator.models.model_store import Catalogue
from dmr_tui.simulator.scenarios.drivers import Stage
from dmr_tui.simulator.scenarios.past import Past
from dmr_tui.simulator.scenarios.scenarios import SCENARIOS
from dmr_tui.simulator.service.release import release
from dmr_tui.simulator.service.world import World

_PATIENCE = 10.0
_UPTIME_NS = 21 * 60 * 10**9

T = TypeVar("T")


class Simulator:
    """A simulated runner; may be steered from any thread while it is served."""

    def __init__(
        self,
        scenario: str = "quiet",
        *,
        seed: int = 0,
        version: str | None = None,
        cpus: int = 8,
        engine_url: str | None = None,
        models: int | None = None,
    ) -> None:
        """`scenario` is one of SCENARIOS; `models` adds so many to its catalogue.

        With `engine_url` a real llama-server there answers, with its one model. Raises ValueError
        for an unknown scenario or version, NoEngine if nothing answers at `engine_url`.
        """
        if scenario not in SCENARIOS:
            raise ValueError(f"{scenario!r} is no scenario; there are {', '.join(SCENARIOS)}")
        chosen = SCENARIOS[scenario]
        if engine_url is not None:
            model = model_of_engine(engine_url)
            chosen = replace(chosen, models=(model,), drivers=(), prepare=_one_loaded)
        self.scenario = scenario
        self.seed = seed
        self.busy_host = chosen.busy_host
        self.faults = Faults(seed)
        self.world = World(
            release=release(version or chosen.version),
            catalogue=Catalogue([*chosen.models, *generated(models or 0)], PULLABLE, LATEST),
            seed=seed,
            cpus=cpus,
            vllm=chosen.vllm,
            uses_gpu=chosen.uses_gpu,
            engine_url=engine_url,
            started=time.time_ns() - _UPTIME_NS,
        )
        past = Past(self.world, random.Random(seed))
        chosen.prepare(self.world, past)
        past.happen()
        self._app = application(self.world, self.faults)
        self._drivers = chosen.drivers
        self._loop: asyncio.AbstractEventLoop | None = None

    def restart(self) -> None:
        """Restart the container: runners, records and streams are gone, the log is new."""
        self._wait(self.world.restart())

    def load(self, reference: str, mode: str = "completion") -> None:
        """Load a model at once, as if a request had named it `reference`."""
        model = self.world.store.catalogue.resolve(reference)
        now = time.time_ns()
        self._do(lambda: self.world.loader.place(reference, model, mode, now, now))

    def unload_all(self) -> int:
        """Unload every idle runner and forget every configuration; returns how many went."""
        return self._do(self.world.loader.unload_all)

    def kill_engine(self, reference: str) -> None:
        """End the engine processes of a model, whatever they do."""
        digest = self.world.store.catalogue.digest(reference)

        def kill() -> None:
            for runner in list(self.world.loader.runners.values()):
                if runner.key.digest == digest:
                    self.world.loader.kill(runner)

        self._do(kill)

    def send(
        self,
        body: Mapping[str, Any],
        *,
        path: str = "/engines/v1/chat/completions",
        headers: Mapping[str, str] | None = None,
    ) -> "concurrent.futures.Future[tuple[int, bytes]]":
        """Send an inference request as another client would; cancel the future to hang up.

        Its result is status and body. Only while it is served.
        """
        assert self._loop is not None, "requests need a simulator that is served"
        request = InferenceRequest(path, json.dumps(body).encode(), headers=dict(headers or {}))
        return asyncio.run_coroutine_threadsafe(self.world.answer(request), self._loop)

    def stop_listening(self) -> None:
        """Be down: open connections end, new ones are refused."""
        self._do(self._listener.stop_listening)

    def listen_again(self) -> None:
        """Accept connections again, at the same address."""
        self._wait(self._listener.listen())

    async def listen(
        self, host: str, port: int, socket_path: str | None, ready: Callable[[str], object]
    ) -> None:
        """Serve until `stop` is called; `ready` gets the URL. Raises OSError."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._listener = Listener(self._app, self.faults, host, port, socket_path)
        self.world.run_in_background(self.world.loader.watch_idle())
        for number, driver in enumerate(self._drivers):
            rng = random.Random(f"{self.seed} {self.scenario} {number}")
            self.world.run_in_background(driver(Stage(self.world, self.faults, rng)))
        try:
            await self._listener.listen()
            ready(self._listener.url)
            await self._stopping.wait()
        finally:
            await self.world.end()
            await self._listener.end()
            self._loop = None

    def stop(self) -> None:
        """End `listen`; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)

    def _do(self, action: Callable[[], T]) -> T:
        async def act() -> T:
            return action()

        return self._wait(act())

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None:
            return asyncio.run(work)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)


@contextmanager
def serve(
    simulator: Simulator, *, host: str = "127.0.0.1", port: int = 0, uds: str | None = None
) -> Iterator[str]:
    """Serve in a thread and yield the URL: http://… or, for a socket's path `uds`, unix://….

    At the end every stream is ended and the thread is gone. Raises OSError if the address is taken.
    """
    ready: concurrent.futures.Future[str] = concurrent.futures.Future()

    def listen() -> None:
        try:
            asyncio.run(simulator.listen(host, port, uds, ready.set_result))
        except OSError as error:
            ready.set_exception(error)

    thread = threading.Thread(target=listen, name="simulator", daemon=True)
    thread.start()
    try:
        yield ready.result(_PATIENCE)
    finally:
        simulator.stop()
        thread.join(_PATIENCE)


def run(simulator: Simulator, *, host: str, port: int) -> None:
    """Serve until Ctrl-C or SIGTERM; prints the address and the scenario in one line."""

    def announce(url: str) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda *_: simulator.stop())
        print(f"simulated Model Runner, scenario {simulator.scenario}: {url}", flush=True)

    asyncio.run(simulator.listen(host, port, None, announce))


def _one_loaded(world: World, past: Past) -> None:
    past.loaded(30.0, next(iter(world.store.catalogue)))
