"""Facts about one loaded model from the log lines of its engine."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

SUMMED = "sum of "
"""Prefix of a device in the table of sums, which single lines replace."""


class EngineFacts(Struct, frozen=True):
    """Facts that one loaded engine printed about itself; times by the runner's clock."""

    started_at: float
    context: int | None = None
    """Tokens that each slot can hold."""
    slots: int | None = None
    ready_at: float | None = None
    buffers: tuple[tuple[str, str, int], ...] = ()
    """Device, kind and bytes, as far as the engine prints them."""
    layers: str = ""
    """Layers on the GPU: "20 of 33"."""

    @property
    def weights(self) -> int | None:
        """Bytes of weights on all devices."""
        return self._size("weights")

    @property
    def cache(self) -> int | None:
        """Bytes of the KV cache and of recurrent state on all devices."""
        return self._size("cache")

    @property
    def compute(self) -> int | None:
        """Bytes of the compute buffers on all devices."""
        return self._size("compute")

    def _size(self, kind: str) -> int | None:
        sizes = [size for _, each, size in self.buffers if each == kind]
        return sum(sizes) if sizes else None

    @property
    def load_s(self) -> float | None:
        """Seconds from the start of the process to the model being read."""
        return None if self.ready_at is None else self.ready_at - self.started_at


class LoggedEngines(Struct, frozen=True):
    """The facts about the loaded engines in the log."""

    facts: Mapping[str, EngineFacts] = MappingProxyType({})
    """By the model's digest."""
    readable: bool = True
    """False if the log is known to be unreadable."""
