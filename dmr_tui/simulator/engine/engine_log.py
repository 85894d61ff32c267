"""The lines that llama-server prints: its own clock, a level, a part and a function."""

import time

from dmr_tui.simulator.engine.launch import EngineMemory
from dmr_tui.simulator.logbook import Logbook
from dmr_tui.simulator.models.model import MIB, Model
from dmr_tui.simulator.output.answer_format import ENGINE_BUILD
from dmr_tui.simulator.output.timings import Timings


class EngineLog:
    """One engine process's part of the runner's log; its clock starts when it starts.

    `at` is in Unix nanoseconds everywhere, and now if left out.
    """

    def __init__(self, log: Logbook, started: int | None = None, *, silent: bool = False) -> None:
        self._log = log
        self._started = time.time_ns() if started is None else started
        self._silent = silent

    def close(self) -> None:
        """Print nothing more: the process has ended."""
        self._silent = True

    def line(
        self, part: str, function: str, text: str, *, level: str = "I", at: int | None = None
    ) -> None:
        """Print a line of one part of the server."""
        self.plain(f"{part:<4} {function[:12]:>12}: {text}", at, level=level)

    def plain(self, text: str, at: int | None = None, *, level: str = "I") -> None:
        """Print a line of llama.cpp's library, which has no part."""
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
        """Print a line about one slot and its task."""
        self.line("slot", function, f"id {slot:2d} | task {task} | {text}", at=at, level=level)

    def starting(self, model: Model, at: int | None = None) -> None:
        """Print that the process is up and begins to read the model."""
        self.line("srv", "init", "initializing ...", at=at)
        self.line("srv", "init", f"build_info: {ENGINE_BUILD}", at=at)
        verbosity = "verbosity = 3 (adjust with the `-lv N` CLI arg)"
        self.line("cmn", "common_params", f"common_params_print_info: {verbosity}", at=at)
        warning = "security: no API key is set and CORS allows all origins"
        link = "(see https://github.com/ggml-org/llama.cpp/pull/25655)"
        self.line("srv", "init", f"{warning} {link}", level="W", at=at)
        self.line("srv", "init", "loading model", at=at)
        self.line("srv", "load_model", f"loading model '{model.path}'", at=at)

    def buffers(self, memory: EngineMemory, blocks: int, at: int | None = None) -> None:
        """Print the memory that a verbose engine takes, and its layers on the GPU."""
        share, layers = memory.share, blocks + 1
        weights, cache = int(memory.weights * share), int(memory.cache * share)
        if memory.on_gpu is not None:
            offloaded = layers if share >= 1.0 else round(blocks * share)
            self.plain(f"load_tensors: offloaded {offloaded}/{layers} layers to GPU", at)
        for function, device, width, kind, size in (
            ("load_tensors", "CPU_Mapped", 12, "model", memory.weights - weights),
            ("load_tensors", "CUDA0", 12, "model", weights),
            ("llama_kv_cache", "CPU", 10, "KV", memory.cache - cache),
            ("llama_kv_cache", "CUDA0", 10, "KV", cache),
            ("sched_reserve", memory.device, 10, "compute", memory.compute),
        ):
            if size:
                mib = f"{size / MIB:8.2f} MiB"
                self.plain(f"{function}: {device:>{width}} {kind} buffer size = {mib}", at)

    def loaded(self, slots: int, context: int, socket: str, at: int | None = None) -> None:
        """Print that the model is in memory and requests can come."""
        self.line("cmn", "init", "llama threadpool init, n_threads = 8", at=at)
        slots_text = f"n_slots = {slots}, n_ctx_slot = {context // slots}, kv_unified = 'false'"
        self.line("srv", "load_model", f"initializing, {slots_text}", at=at)
        self.line("srv", "init", "model loaded", at=at)
        self.line("srv", "init", f"listening on unix://{socket}", at=at)

    def out_of_memory(self, mib: float) -> str:
        """Print that the model does not fit; returns the last lines of the process."""
        allocating = f"allocating {mib:.2f} MiB on device 0: cudaMalloc failed: out of memory"
        lines = (
            f"ggml_backend_cuda_buffer_type_alloc_buffer: {allocating}",
            "main: exiting due to model loading error",
        )
        for line in lines:
            self._log.engine(line)
        return "\n".join(lines)

    def launched(self, slot: int, task: int, at: int | None = None) -> None:
        """Print that a task begins in a slot."""
        self.slot("launch_slot_", slot, task, "processing task, is_child = 0", at=at)

    def timings(
        self, slot: int, task: int, timings: Timings, graphs: int, at: int | None = None
    ) -> None:
        """Print the timings of an answer that is complete."""
        for text in timings.log_lines(graphs):
            self.slot("print_timing", slot, task, text, at=at)

    def released(self, slot: int, task: int, tokens: int, at: int | None = None) -> None:
        """Print that the slot is free again; `tokens` of its context are used."""
        text = f"stop processing: n_tokens = {tokens}, truncated = 0"
        self.slot("release", slot, task, text, at=at)

    def cancelled(self, task: int) -> None:
        """Print that the client has left."""
        self.line("srv", "stop", f"cancel task, id_task = {task}", level="W")
