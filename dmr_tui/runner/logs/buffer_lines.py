"""The lines of llama.cpp about the memory that it takes while it loads a model.

A llama-server prints the single lines with `-v` only; some builds always print the table.
"""

import re
from functools import cache

from dmr_tui.runner.logs.fields import times
from dmr_tui.runner.logs.log_event import BufferAllocated, DeviceSummed, LayersOffloaded

MIB = 2**20
_KINDS = {
    "model": "weights",
    "KV": "cache",
    "RS": "cache",
    "compute": "compute",
    "output": "output",
}

BufferEvent = BufferAllocated | DeviceSummed | LayersOffloaded


def buffer_event(line: str, place: int, uptime: float | None) -> BufferEvent | None:
    """The event of a line about buffers or layers, whose message begins at `place`."""
    if line.find("buffer size =", place) >= 0:
        return _buffer(line, place, uptime)
    if line.find("offloaded ", place) >= 0:
        return _layers(line, place, uptime)
    if line.find("memory_breakdown", place) >= 0:
        return _summed(line, place, uptime)
    return None


def _buffer(line: str, place: int, uptime: float | None) -> BufferAllocated | None:
    match = _patterns()["buffer"].search(line, place)
    if match is None:
        return None
    at, born = times(line, uptime)
    return BufferAllocated(at, match[1], _KINDS[match[2]], round(float(match[3]) * MIB), born)


def _layers(line: str, place: int, uptime: float | None) -> LayersOffloaded | None:
    match = _patterns()["layers"].search(line, place)
    if match is None:
        return None
    at, born = times(line, uptime)
    return LayersOffloaded(at, int(match[1]), int(match[2]), born)


def _summed(line: str, place: int, uptime: float | None) -> DeviceSummed | None:
    """A row such as `|   - CUDA0 (RTX 4090) | 24564 = 5871 + (18058 = 16386 + 1024 + 648) + 635 |`.

    That of the host is shorter: `|   - Host | 1234 = 682 + 0 + 552 |`.
    """
    match = _patterns()["row"].search(line, place)
    if match is None:
        return None
    device, *sizes = match.groups()
    at, born = times(line, uptime)
    weights, cache, compute = (int(size) * MIB for size in sizes)
    return DeviceSummed(at, device.partition(" (")[0].strip(), weights, cache, compute, born)


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    # Few logs have such a line, so compiling waits for the first.
    return {
        "buffer": re.compile(
            r"[\w:]\s+([A-Za-z][\w.-]{0,39})\s+(model|KV|RS|compute|output) buffer size ="
            r"\s+(\d{1,9}\.\d+) MiB",
            re.ASCII,
        ),
        "layers": re.compile(r"offloaded (\d{1,5})/(\d{1,5}) layers to GPU", re.ASCII),
        "row": re.compile(
            r"\|\s+- ([^|]{1,80}?)\s*\|[^|]*?"
            r"\b\d{1,9} =\s+(\d{1,9}) \+\s+(\d{1,9}) \+\s+(\d{1,9})\)?(?:\s|$)[^|=]*\|",
            re.ASCII,
        ),
    }
