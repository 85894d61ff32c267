"""Power, temperature and clock of an Apple GPU by macmon, if it is there; it needs no root."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from dmr_tui.machine.reading import Reading

AGAIN_S = 30.0
"""Seconds between two starts of a macmon that ends by itself."""
SILENT_S = 10.0
"""Seconds of silence after which the last line of macmon counts no longer."""
_LONGEST = 2**16
_ABSENT = "macOS tells it only to root, or to macmon, which is not installed"
_NOT_YET = "macmon has not told it yet"
_VITALS = ("temperature", "power", "clock")

Vitals = dict[str, Reading[float]]


class Macmon:
    """The macmon process, which runs as long as dmr-tui and prints a line every two seconds."""

    def __init__(
        self, command: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._command = command or shutil.which("macmon")
        self._clock = clock
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._started_at = float("-inf")
        self._failed = ""
        self._newest: tuple[float, Vitals] | None = None

    def read(self) -> Vitals:
        """Return temperature in °C, power in watts and clock in MHz."""
        if self._command is None:
            return _nothing(_ABSENT)
        running = self._process is not None and self._process.poll() is None
        if not running and self._clock() - self._started_at >= AGAIN_S:
            self._start(self._command)
        elif not running and self._process is not None:
            self._failed = f"macmon ended by itself (exit code {self._process.returncode})"
        if self._failed:
            return _nothing(self._failed)
        if self._newest is None:
            return _nothing(_NOT_YET)
        at, newest = self._newest
        age = self._clock() - at
        return newest if age < SILENT_S else _nothing(f"macmon has been silent for {age:.0f} s")

    def close(self) -> None:
        """Stop macmon for good."""
        self._command = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join(timeout=1.0)

    def _start(self, command: str) -> None:
        self._started_at = self._clock()
        self._newest, self._failed = None, ""
        try:
            process = subprocess.Popen(
                [command, "pipe", "-s", "0", "-i", "2000"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                stdin=subprocess.DEVNULL,
                text=True,
                errors="replace",
            )
        except OSError as error:
            self._process, self._failed = None, f"macmon: {error.strerror}"
            return
        self._process = process
        self._reader = threading.Thread(target=self._follow, args=(process,), daemon=True)
        self._reader.start()

    def _follow(self, process: subprocess.Popen[str]) -> None:
        if process.stdout is None:
            return
        with process.stdout as lines:
            while line := lines.readline(_LONGEST):
                try:
                    figures = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(figures, dict) and process is self._process:
                    self._newest = (self._clock(), vitals(figures))


def vitals(figures: Mapping[str, Any]) -> Vitals:
    """Return the GPU's figures in a line of macmon, in its older or its newer form."""
    temperatures, usage = figures.get("temp"), figures.get("gpu_usage")
    celsius = temperatures.get("gpu_temp_avg") if isinstance(temperatures, dict) else None
    clock = figures.get("gpu_freq_mhz")
    if clock is None and isinstance(usage, list) and usage:
        clock = usage[0]
    return {
        "temperature": _figure(celsius, 150.0),
        "power": _figure(figures.get("gpu_power"), 1_000.0),
        "clock": _figure(clock, 10_000.0),
    }


def _nothing(reason: str) -> Vitals:
    return dict.fromkeys(_VITALS, Reading(None, reason))


def _figure(value: Any, highest: float) -> Reading[float]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0.0 <= value <= highest:
        return Reading(None, "macmon does not tell it")
    return Reading(float(value))
