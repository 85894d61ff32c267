"""Facts about the loaded models from the log lines of their engines."""

from msgspec.structs import replace

from dmr_tui.runner.logs.log_event import (
    BufferAllocated,
    DeviceSummed,
    LayersOffloaded,
    Loaded,
    LoadFailed,
    LoadStarted,
    LogEvent,
    RunnerStarted,
    SlotsReady,
    Unloaded,
)
from dmr_tui.state.engine_facts import SUMMED, EngineFacts

FORGET_AFTER_S = 330.0
"""DMR gives up on a load after 300 s; a load without an end is over by then."""


class EngineLog:
    """Joins log lines to models by digest.

    Engine lines carry no name: they belong to the one load that is under way. While two models
    load at once, lines cannot be told apart, so nothing is joined until both have ended.
    """

    def __init__(self) -> None:
        self.facts: dict[str, EngineFacts] = {}
        self._loading: list[str] = []
        self._ended = 0
        """Number of those that have ended, where the log does not say which."""
        self._mixed = False
        self._trying = False
        self._last_kind = ""

    def take(self, event: LogEvent) -> None:
        """Add one event; the log is read from its beginning after each reconnect."""
        match event:
            case LoadStarted(at, backend, digest, _) if digest and backend == "llama.cpp":
                self._forget(at)
                self.facts[digest] = EngineFacts(at)
                self._loading.append(digest)
                self._trying, self._last_kind = False, ""
                self._mixed = len(self._loading) > 1
            case SlotsReady(_, slots, context) if (digest := self._only()) is not None:
                self.facts[digest] = replace(self.facts[digest], context=context, slots=slots)
            case BufferAllocated() if self._tries(event):
                pass
            case BufferAllocated() | DeviceSummed() | LayersOffloaded():
                if (digest := self._only()) is not None:
                    self.facts[digest] = _with(self.facts[digest], event)
            case Loaded(at):
                if (digest := self._only()) is not None:
                    self.facts[digest] = replace(self.facts[digest], ready_at=at)
                self._end(digest)
            case LoadFailed(digest=None) if self._mixed:
                # The runner says the same next, and knows of which load.
                pass
            case LoadFailed(digest=named) if named is None or named in self._loading:
                if (digest := named or self._only()) is not None:
                    self.facts.pop(digest, None)
                self._end(digest)
            case RunnerStarted():
                self.clear()
            case Unloaded(_, digest, "completion") if digest:
                self.facts.pop(digest, None)
                if digest in self._loading:
                    # It is one of those that have ended: none is unloaded that is still loading.
                    self._ended = max(0, self._ended - 1)
                    self._end(digest)
            case _:
                pass

    def gone(self, digest: str) -> None:
        """Forget an engine that `ps` shows no more, unless its load is under way in the log."""
        if digest not in self._loading:
            self.facts.pop(digest, None)

    def clear(self) -> None:
        """Forget everything, because the log is read again or belongs to another runner."""
        self.facts.clear()
        self._loading.clear()
        self._ended, self._mixed = 0, False

    def _tries(self, event: BufferAllocated) -> bool:
        """Return whether the line is of a trial, in which an engine takes nothing.

        llama.cpp tries a load before the real one to see whether it would fit. With -v it prints
        the same lines then: nothing for the weights, but the compute buffer in full.
        """
        if event.kind == "weights":
            if event.size > 0:
                self._trying = False
            elif self._last_kind != "weights":
                self._trying = True
        self._last_kind = event.kind
        return self._trying

    def _only(self) -> str | None:
        alone = len(self._loading) == 1 and not self._mixed
        return self._loading[0] if alone and self._loading[0] in self.facts else None

    def _end(self, digest: str | None) -> None:
        """End that load, or without a digest one of those that are under way."""
        if digest is None:
            self._ended += 1
        else:
            self._loading = [other for other in self._loading if other != digest]
        if len(self._loading) <= self._ended:
            self._loading.clear()
            self._ended, self._mixed = 0, False

    def _forget(self, now: float) -> None:
        fresh = [
            digest
            for digest in self._loading
            if digest in self.facts and now - self.facts[digest].started_at < FORGET_AFTER_S
        ]
        self._ended = max(0, self._ended - len(self._loading) + len(fresh))
        self._loading = fresh


def _with(
    facts: EngineFacts, event: BufferAllocated | DeviceSummed | LayersOffloaded
) -> EngineFacts:
    if isinstance(event, LayersOffloaded):
        return replace(facts, layers=f"{event.layers} of {event.of}")
    if isinstance(event, DeviceSummed):
        # Of a plan before the load; what is really taken follows line by line.
        if any(not device.startswith(SUMMED) for device, _, _ in facts.buffers):
            return facts
        device = SUMMED + event.device
        others = [buffer for buffer in facts.buffers if buffer[0] != device]
        sums = (("weights", event.weights), ("cache", event.cache), ("compute", event.compute))
        return replace(facts, buffers=(*others, *((device, kind, size) for kind, size in sums)))
    single = [buffer for buffer in facts.buffers if not buffer[0].startswith(SUMMED)]
    return replace(facts, buffers=(*single, (event.device, event.kind, event.size)))
