"""The lines that llama-server prints: its own clock, a level, a part and a function."""

import time

from dmr_tui.simulator.footprint import Footprint
from dmr_tui.simulator.logbook import Logbook
from dmr_tui.simulator.model import MIB, Model
from dmr_tui.simulator.release import ENGINE_BUILD
from dmr_tui.simulator.timings import Timings


class EngineLog:
    """One engine process's part of the runner's log; its clock starts when it starts."""

    def __init__(self, log: Logbook, started: int | None = None, *, silent: bool = False) -> None:
        self._log = log
        self._started = time.time_ns() if started is None else started
        self._silent = silent

    def close(self) -> None:
        """The process has ended: it prints nothing more."""
        self._silent = True

    def line(
        self, part: str, function: str, text: str, *, level: str = "I", at: int | None = None
    ) -> None:
        """One line; `at` in Unix nanoseconds, now if left out."""
        self.plain(f"{part:<4} {function[:12]:>12}: {text}", at, level=level)

    def plain(self, text: str, at: int | None = None, *, level: str = "I") -> None:
        """A line of llama.cpp's library, which has no part."""
        if self._silent:
            return
        now = time.time_ns() if at is None else at
        us = max(0, now - self._started) // 1000
        minutes, us = divmod(us, 60_000_000)
        clock = f"{minutes}.{us // 1_000_000:02d}.{us // 1000 % 1000:03d}.{us % 1000:03d}"
        self._log.engine(f"{clock} {level} {text}", now)

    def slot(
        self,
        function: str,
        slot: int,
        task: int,
        text: str,
        *,
        at: int | None = None,
        level: str = "I",
    ) -> None:
        """A line about one slot and its task."""
        self.line("slot", function, f"id {slot:2d} | task {task} | {text}", at=at, level=level)

    def starting(self, model: Model, at: int | None = None) -> None:
        """The process is up and begins to read the model."""
        self.line("srv", "init", "initializing ...", at=at)
        self.line("srv", "init", f"build_info: {ENGINE_BUILD}", at=at)
        verbosity = "verbosity = 3 (adjust with the `-lv N` CLI arg)"
        self.line("cmn", "common_params", f"common_params_print_info: {verbosity}", at=at)
        warning = "security: no API key is set and CORS allows all origins"
        link = "(see https://github.com/ggml-org/llama.cpp/pull/25655)"
        self.line("srv", "init", f"{warning} {link}", level="W", at=at)
        self.line("srv", "init", "loading model", at=at)
        self.line("srv", "load_model", f"loading model '{model.path}'", at=at)

    def buffers(self, taken: Footprint, blocks: int, at: int | None = None) -> None:
        """What a verbose engine says of the memory that it takes."""
        share, layers = taken.share, blocks + 1
        if taken.on_gpu is not None:
            offloaded = layers if share >= 1.0 else round(blocks * share)
            self.plain(f"load_tensors: offloaded {offloaded}/{layers} layers to GPU", at)
        for function, device, width, kind, size in (
            ("load_tensors", "CPU_Mapped", 12, "model", taken.weights - int(taken.weights * share)),
            ("load_tensors", "CUDA0", 12, "model", int(taken.weights * share)),
            ("llama_kv_cache", "CPU", 10, "KV", taken.cache - int(taken.cache * share)),
            ("llama_kv_cache", "CUDA0", 10, "KV", int(taken.cache * share)),
            ("sched_reserve", taken.device, 10, "compute", taken.compute),
        ):
            if size:
                mib = f"{size / MIB:8.2f} MiB"
                self.plain(f"{function}: {device:>{width}} {kind} buffer size = {mib}", at)

    def loaded(self, slots: int, context: int, socket: str, at: int | None = None) -> None:
        """The model is in memory and calls can come."""
        self.line("cmn", "init", "llama threadpool init, n_threads = 8", at=at)
        shape = f"n_slots = {slots}, n_ctx_slot = {context // slots}, kv_unified = 'false'"
        self.line("srv", "load_model", f"initializing, {shape}", at=at)
        self.line("srv", "init", "model loaded", at=at)
        self.line("srv", "init", f"listening on unix://{socket}", at=at)

    def out_of_memory(self, mib: float) -> str:
        """The model does not fit; gives what the process printed last."""
        allocating = f"allocating {mib:.2f} MiB on device 0: cudaMalloc failed: out of memory"
        lines = (
            f"ggml_backend_cuda_buffer_type_alloc_buffer: {allocating}",
            "main: exiting due to model loading error",
        )
        for line in lines:
            self._log.engine(line)
        return "\n".join(lines)

    def timings(
        self, slot: int, task: int, timings: Timings, graphs: int, at: int | None = None
    ) -> None:
        """The stopwatch of an answer that is complete."""
        for text in timings.log_lines(graphs):
            self.slot("print_timing", slot, task, text, at=at)

    def released(self, slot: int, task: int, tokens: int, at: int | None = None) -> None:
        """The slot is free again; `tokens` of its context are used."""
        text = f"stop processing: n_tokens = {tokens}, truncated = 0"
        self.slot("release", slot, task, text, at=at)

    def left(self, task: int) -> None:
        """The caller has gone."""
        self.line("srv", "stop", f"cancel task, id_task = {task}", level="W")
