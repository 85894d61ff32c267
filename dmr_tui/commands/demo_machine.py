"""The computer of the demo: its GPU and memory follow the simulated runner's models."""

import hashlib
import math
import random
import threading
import time
from collections.abc import Sequence

from dmr_tui.machine.container import Container, ContainerReport
from dmr_tui.machine.gpu.gpu import Gpu, GpuProcess, GpuReport
from dmr_tui.machine.host import Host
from dmr_tui.machine.pressure import Pressure
from dmr_tui.machine.probe import Part
from dmr_tui.machine.processes import EngineProcess, ProcessReport
from dmr_tui.machine.reading import Reading
from dmr_tui.simulator.models.model import GIB, MIB
from dmr_tui.simulator.server import Simulator
from dmr_tui.simulator.service.runner_process import Runner

_RAM = 64 * GIB
_SWAP = 8 * GIB
_POWER_LIMIT = 450.0
_IDLE_WATTS, _PREFILL_WATTS, _DECODE_WATTS = 24.0, 402.0, 318.0
_IDLE_DEGREES, _DEGREES_PER_WATT = 34.0, 0.105
_IDLE_MHZ, _READY_MHZ, _BUSY_MHZ = 210.0, 1_410.0, 2_715.0
_IDLE_MEMORY_MHZ, _MEMORY_MHZ = 405.0, 10_501.0
_QUIET_DEGREES = 52.0
"""Below it the fans stand still."""
_CONTAINER = hashlib.sha256(b"docker-model-runner").hexdigest()
_OTHERS, _BUSY_OTHERS = 13.2 * GIB, 59.2 * GIB
_USER_PIDS = 2_411
_SELF_PID = 40_118


class _Smoothed:
    """A value that follows its target with some inertia."""

    def __init__(self, value: float, seconds: float) -> None:
        self.value = value
        self._seconds = seconds

    def towards(self, target: float, elapsed: float) -> float:
        self.value += (target - self.value) * (1 - math.exp(-elapsed / self._seconds))
        return self.value


class SimulatedMachine:
    """Reads a made-up computer with one RTX 4090 and 64 GiB of memory; from any thread."""

    def __init__(self, simulator: Simulator) -> None:
        self._world = simulator.world
        self._busy_host = simulator.busy_host
        self._lock = threading.Lock()
        self._last = dict.fromkeys(("host", "gpu"), self._world.gpu.busy())
        rng = random.Random(simulator.seed)
        self._waves = [(rng.uniform(0.05, 0.7), rng.uniform(0, 6.28)) for _ in range(5)]
        self._power = _Smoothed(_IDLE_WATTS, 0.7)
        self._degrees = _Smoothed(_IDLE_DEGREES + _IDLE_WATTS * _DEGREES_PER_WATT, 9.0)
        self._clock = _Smoothed(_IDLE_MHZ, 0.4)
        self._cpu = _Smoothed(6.0, 1.5)
        self._swap = _Smoothed(0.0, 25.0)
        self._swapped = 0.0

    @property
    def parts(self) -> Sequence[Part]:
        """Host, GPU, engine processes, container."""
        return (
            Part("machine", "host", self.read_host),
            Part("NVIDIA GPUs", "gpu", self.read_gpus),
            Part("engine processes", "processes", self.read_engines),
            Part("container", "container", self.read_container),
        )

    def read_host(self) -> Host:
        """Memory and processor now."""
        with self._lock:
            return self._host(*self._worked("host"))

    def read_gpus(self) -> GpuReport:
        """The GPU now; its use is that since the last reading."""
        with self._lock:
            return GpuReport("simulated", (self._gpu(*self._worked("gpu")),))

    def read_engines(self) -> ProcessReport:
        """A process for each runner that is loaded or being loaded."""
        runners = self._runners()
        with self._lock:
            return ProcessReport(tuple(self._engine(runner) for runner in runners))

    def read_container(self) -> ContainerReport:
        """The container in which all of it runs."""
        taken = [self._world.loader.memory_of(runner) for runner in self._runners()]
        version = self._world.release.version
        container = Container(
            id=_CONTAINER,
            name="docker-model-runner",
            image=f"docker/model-runner:{version}-{'cpu' if self._world.gpu.unused else 'cuda'}",
            state="running",
            limit=Reading(None, "no limit"),
            needed=Reading(60 * MIB + sum(each.own for each in taken)),
            mapped=Reading(sum(each.mapped for each in taken)),
            oom_kills=Reading(self._world.loader.kills_here),
            gpus=not self._world.gpu.unused,
            restarts=0,
        )
        return ContainerReport(container, "docker")

    def _runners(self) -> list[Runner]:
        alive = (runner for runner in self._world.loader.all() if not runner.dead)
        return sorted(alive, key=lambda runner: runner.pid)

    def _engine(self, runner: Runner) -> EngineProcess:
        taken = self._world.loader.memory_of(runner)
        age = time.time() - runner.started / 1e9
        grown = min(1.0, 0.2 + age / max(0.1, runner.model.profile.load_seconds))
        own, mapped = int(taken.own * grown), taken.mapped
        return EngineProcess(
            pid=runner.pid,
            name=runner.program,
            backend=runner.key.backend,
            digest=runner.key.digest,
            mode=runner.key.mode,
            started_at=runner.started / 1e9,
            arguments=tuple(runner.command.strip("[]").split()),
            resident=Reading(own + mapped),
            own=Reading(own),
            mapped=Reading(mapped),
            swapped=Reading(0),
            cpu=Reading(round(self._engine_cpu(runner), 1)),
            container=_CONTAINER,
        )

    def _engine_cpu(self, runner: Runner) -> float:
        if not runner.requests:
            return 0.3 + 0.2 * abs(self._ripple())
        return 100.0 * 0.9 * self._world.cpus if self._world.gpu.unused else 97.0 + self._ripple()

    def _worked(self, reader: str) -> tuple[float, float, float]:
        """Shares of prefill and decode in the time since the last reading, and that time."""
        busy, last = self._world.gpu.busy(), self._last[reader]
        self._last[reader] = busy
        elapsed = busy.at - last.at
        prefill = _share(busy.prefill - last.prefill, elapsed)
        return prefill, _share(busy.decode - last.decode, elapsed), elapsed

    def close(self) -> None:
        """Do nothing: there is no driver to give back."""

    def _gpu(self, prefill: float, decode: float, elapsed: float) -> Gpu:
        gpu = self._world.gpu
        if gpu.unused:
            prefill = decode = 0.0
        work = min(1.0, prefill + decode)
        ripple = self._ripple()
        use = 100 * min(1.0, prefill + 0.96 * decode) + (1.5 * ripple if work else abs(ripple))
        watts = _IDLE_WATTS + prefill * (_PREFILL_WATTS - _IDLE_WATTS)
        watts += min(decode, 1 - prefill) * (_DECODE_WATTS - _IDLE_WATTS) + 3 * ripple
        power = self._power.towards(watts, elapsed)
        holders = {r: size for r, size in gpu.holders.items() if isinstance(r, Runner) and size}
        rest = _READY_MHZ if holders else _IDLE_MHZ
        clock = self._clock.towards(rest + work * (_BUSY_MHZ - rest), elapsed)
        degrees = self._degrees.towards(_IDLE_DEGREES + power * _DEGREES_PER_WATT, elapsed)
        fan = max(0.0, 1.6 * (degrees - _QUIET_DEGREES) + 30.0) if degrees > _QUIET_DEGREES else 0
        return Gpu(
            index=0,
            name="NVIDIA GeForce RTX 4090",
            use=Reading(float(round(max(0.0, min(100.0, use))))),
            memory_used=Reading(min(gpu.used, gpu.total)),
            memory_total=Reading(gpu.total),
            temperature=Reading(float(round(degrees))),
            power=Reading(round(min(power, _POWER_LIMIT), 1)),
            power_limit=Reading(_POWER_LIMIT),
            clock=Reading(float(15 * round(clock / 15))),
            maker="NVIDIA",
            source="simulated",
            id="GPU-5e0c7b1a-demo",
            memory_clock=Reading(_MEMORY_MHZ if holders else _IDLE_MEMORY_MHZ),
            fan=Reading(float(round(min(100.0, fan)))),
            throttle=Reading(("power limit",) if power > 0.95 * _POWER_LIMIT else ()),
            pcie=Reading("gen 4 ×16"),
            driver="580.82.07",
            processes=Reading(self._gpu_users(holders)),
        )

    def _gpu_users(self, holders: dict[Runner, int]) -> tuple[GpuProcess, ...]:
        other = self._world.gpu.other
        desktop = min(other, 560 * MIB)
        users = [
            *(GpuProcess(r.pid, r.program, Reading(size)) for r, size in holders.items()),
            GpuProcess(_USER_PIDS, "Xorg", Reading(desktop * 3 // 5)),
            GpuProcess(_USER_PIDS + 96, "gnome-shell", Reading(desktop * 2 // 5)),
        ]
        if other > GIB:
            users.append(GpuProcess(_SELF_PID, "comfyui", Reading(other - desktop)))
        return tuple(sorted(users, key=lambda each: -(each.memory.value or 0)))

    def _host(self, prefill: float, decode: float, elapsed: float) -> Host:
        taken = [self._world.loader.memory_of(runner) for runner in self._runners()]
        loading = bool(self._world.loader.loading)
        target = 4 + 9 * prefill + 7 * decode + (22 if loading else 0)
        if self._world.gpu.unused:
            target += 78 * min(1.0, prefill + decode)
        if self._busy_host:
            target += 18
        cpu = self._cpu.towards(target, elapsed) + 0.8 * self._ripple()
        others = (_BUSY_OTHERS if self._busy_host else _OTHERS) * (1 + 0.004 * self._ripple())
        wanted = others + sum(each.own for each in taken)
        over = max(0.0, wanted - 0.93 * _RAM)
        swap = self._swap.towards(over, elapsed)
        moved, self._swapped = swap - self._swapped, swap
        return Host(
            cpu=Reading(round(max(0.5, min(100.0, cpu)), 1)),
            cpu_count=self._world.cpus,
            ram_used=Reading(int(min(wanted, 0.97 * _RAM))),
            ram_total=Reading(_RAM),
            swap_used=Reading(int(min(swap, _SWAP))),
            swap_total=Reading(_SWAP),
            pressure=self._pressure(over, moved / elapsed if elapsed > 0 else 0.0),
        )

    def _pressure(self, over: float, moved: float) -> Pressure:
        """Tasks wait for memory as far as more is wanted than there is."""
        short = min(1.0, over / (2 * GIB))
        wave = 1.0 + 0.2 * self._ripple()
        return Pressure(
            some=Reading(round(42.0 * short * wave, 2)),
            full=Reading(round(14.0 * short * wave, 2)),
            swap_in=Reading(max(0.0, -moved) + 6 * MIB * short),
            swap_out=Reading(max(0.0, moved) + 6 * MIB * short),
            oom_kills=Reading(self._world.loader.kills),
        )

    def _ripple(self) -> float:
        """Between -1 and 1, without jumps."""
        now = time.monotonic()
        return sum(math.sin(now * speed + start) for speed, start in self._waves) / 5


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole > 0 else 0.0
