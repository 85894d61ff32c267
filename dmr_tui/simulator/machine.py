"""The computer that the simulated runner would need: its GPU and memory follow the models."""

import math
import random
import threading
import time
from typing import TYPE_CHECKING

from dmr_tui.machine.gpu import Gpu, GpuReport
from dmr_tui.machine.host import Host
from dmr_tui.machine.probe import Machine
from dmr_tui.machine.reading import Reading
from dmr_tui.simulator.model import GIB

if TYPE_CHECKING:
    from dmr_tui.simulator.server import Simulator

_RAM = 64 * GIB
_SWAP = 8 * GIB
_POWER_LIMIT = 450.0
_IDLE_WATTS, _PREFILL_WATTS, _DECODE_WATTS = 24.0, 402.0, 318.0
_IDLE_DEGREES, _DEGREES_PER_WATT = 34.0, 0.105
_IDLE_MHZ, _READY_MHZ, _BUSY_MHZ = 210.0, 1_410.0, 2_715.0
_RUNNER_RAM = int(0.55 * GIB)


class _Glide:
    """A value that follows its target with some inertia."""

    def __init__(self, value: float, seconds: float) -> None:
        self.value = value
        self._seconds = seconds

    def towards(self, target: float, elapsed: float) -> float:
        self.value += (target - self.value) * (1 - math.exp(-elapsed / self._seconds))
        return self.value


class SimulatedMachine:
    """Reads a computer with one RTX 4090 and 64 GiB of memory; from any thread."""

    def __init__(self, simulator: "Simulator") -> None:
        self._world = simulator.world
        self._busy_host = simulator.busy_host
        self._lock = threading.Lock()
        self._last = self._world.gpu.busy()
        rng = random.Random(simulator.seed)
        self._waves = [(rng.uniform(0.05, 0.7), rng.uniform(0, 6.28)) for _ in range(5)]
        self._power = _Glide(_IDLE_WATTS, 0.7)
        self._degrees = _Glide(_IDLE_DEGREES + _IDLE_WATTS * _DEGREES_PER_WATT, 9.0)
        self._clock = _Glide(_IDLE_MHZ, 0.4)
        self._cpu = _Glide(6.0, 1.5)
        self._swap = _Glide(0.0, 25.0)

    def read(self) -> Machine:
        """The computer now; what a GPU "used" is what it did since the last reading."""
        with self._lock:
            busy = self._world.gpu.busy()
            elapsed = busy.at - self._last.at
            prefill = _share(busy.prefill - self._last.prefill, elapsed)
            decode = _share(busy.decode - self._last.decode, elapsed)
            self._last = busy
            gpu = self._gpu(prefill, decode, elapsed)
            return Machine(self._host(prefill, decode, elapsed), GpuReport("simulated", (gpu,)))

    def close(self) -> None:
        """There is no driver to give back."""

    def _gpu(self, prefill: float, decode: float, elapsed: float) -> Gpu:
        gpu = self._world.gpu
        work = min(1.0, prefill + decode)
        ripple = self._ripple()
        use = 100 * min(1.0, prefill + 0.96 * decode) + (1.5 * ripple if work else abs(ripple))
        watts = _IDLE_WATTS + prefill * (_PREFILL_WATTS - _IDLE_WATTS)
        watts += min(decode, 1 - prefill) * (_DECODE_WATTS - _IDLE_WATTS) + 3 * ripple
        power = self._power.towards(watts, elapsed)
        rest = _READY_MHZ if gpu.holders else _IDLE_MHZ
        clock = self._clock.towards(rest + work * (_BUSY_MHZ - rest), elapsed)
        warm = _IDLE_DEGREES + power * _DEGREES_PER_WATT
        return Gpu(
            index=0,
            name="NVIDIA GeForce RTX 4090",
            use=Reading(float(round(max(0.0, min(100.0, use))))),
            memory_used=Reading(min(gpu.used, gpu.total)),
            memory_total=Reading(gpu.total),
            temperature=Reading(float(round(self._degrees.towards(warm, elapsed)))),
            power=Reading(round(min(power, _POWER_LIMIT), 1)),
            power_limit=Reading(_POWER_LIMIT),
            clock=Reading(float(15 * round(clock / 15))),
        )

    def _host(self, prefill: float, decode: float, elapsed: float) -> Host:
        holders = self._world.gpu.holders
        loading = bool(self._world.loader.loading)
        target = 4 + 9 * prefill + 7 * decode + (22 if loading else 0)
        if self._busy_host:
            target += 18
        cpu = self._cpu.towards(target, elapsed) + 0.8 * self._ripple()
        others = (57.5 if self._busy_host else 13.2) * GIB * (1 + 0.004 * self._ripple())
        wanted = others + holders * _RUNNER_RAM * (4 if self._busy_host else 1)
        over = max(0.0, wanted - 0.93 * _RAM)
        swap = self._swap.towards(over, elapsed)
        return Host(
            cpu=Reading(round(max(0.5, min(100.0, cpu)), 1)),
            cpu_count=self._world.cpus,
            ram_used=Reading(int(min(wanted, 0.97 * _RAM))),
            ram_total=Reading(_RAM),
            swap_used=Reading(int(min(swap, _SWAP))),
            swap_total=Reading(_SWAP),
        )

    def _ripple(self) -> float:
        """Between -1 and 1, without jumps."""
        now = time.monotonic()
        return sum(math.sin(now * speed + start) for speed, start in self._waves) / 5


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole > 0 else 0.0
