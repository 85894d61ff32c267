"""A request of any client: its facts without its bodies."""

from dataclasses import dataclass, field
from typing import Literal

from dmr_tui.runner import wire

Outcome = Literal[
    "in flight",
    "ok",
    "cut",
    "client left",
    "context overflow",
    "out of memory",
    "model missing",
    "backend missing",
    "failed",
    "end unknown",
]
"""`cut` is an answer that ended at max_tokens; `client left` was the caller's doing; the end of a
request is unknown if the runner dropped its record first."""
EARLY_S = 1.0
"""Seconds by which a short request may seem to end before it began: another computer's clock is
known only that well."""
FAILURES: frozenset[Outcome] = frozenset(
    {"context overflow", "out of memory", "model missing", "backend missing", "failed"}
)


EngineFailure = Literal["", "unreachable", "died"]
"""The fate of the engine during a request, where the record does not say so."""
SlownessHint = Literal["", "GPU unused", "CPU full"]
"""The reason of a slow request that the readings of the computer suggest."""


@dataclass(frozen=True, slots=True)
class Slower:
    """By how much a request decoded slower than usual, and the likely reason."""

    baseline: float
    """Median tokens per second of the model's last requests at similar depth."""
    share: float
    """By how much it is slower, 0 to 1."""
    concurrent: int = 1
    """Requests that the runner served at that time, this one included."""
    hint: SlownessHint = ""
    """Looked for only where no other request was served."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request of any client; times in seconds since 1970 by the runner's clock."""

    id: str
    model: str
    """As the caller wrote it."""
    digest: str | None
    api: str
    caller: str
    started_at: float
    outcome: Outcome
    status: int
    """HTTP status; 0 while in flight."""
    finished_at: float | None = None
    """The arrival of its event or, if we did not listen yet, when its slot became free."""
    limit: float | None = None
    """Seconds after which the caller is known to hang up."""
    finish_reason: str | None = None
    error: str = ""
    """In the words of the runner or the engine."""
    engine_failure: EngineFailure = ""
    prompt_tokens: int | None = None
    """New and cached ones."""
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    timings: wire.Timings | None = None
    message_count: int | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    context_size: int | None = None
    """The context window that the runner had configured for it."""
    user_agent: str = ""
    origin: str = ""
    streamed: bool | None = None
    unreadable: str = ""
    """The bodies of its record that cannot be read: "request", "answer", "request and answer"."""
    parameters: tuple[tuple[str, str], ...] = ()
    """Options of the request: name and value, without any text of the prompt."""
    messages: tuple[tuple[str, int], ...] = ()
    """Role and bytes of each message."""
    fingerprint: int | None = field(default=None, compare=False, repr=False)
    """Equal for equal bodies, within this process: how retries are recognized."""
    window: int | None = None
    """Tokens of its slot's context window, if the engine logged it."""
    processing_at: float | None = None
    """The time at which the engine began with it, by its log."""
    load_s: float | None = None
    """Seconds of the load just before it; the record begins after that."""
    tries: int = 1
    """Times that the caller has sent it so far."""
    first_started_at: float | None = None
    """The time of the first try, if this is a later one."""
    slow: Slower | None = None
    """None if it did not decode slower than usual, or if what is usual is not known."""

    @property
    def duration(self) -> float | None:
        """Seconds from its start to its end; None if either is unknown, or the clock jumped."""
        if self.finished_at is None or self.finished_at < self.started_at - EARLY_S:
            return None
        return max(0.0, self.finished_at - self.started_at)
