"""A runner's log as events, and the timeline that was told it."""

from datetime import UTC, datetime

from dmr_tui.monitor.history.timeline import Timeline
from dmr_tui.runner.logs.log_event import (
    Loaded,
    LoadStarted,
    LogEvent,
    ModelRequested,
    SlotsReady,
    Unloaded,
)
from dmr_tui.runner.request import Outcome, Request
from dmr_tui.runner.wire import Configured, RunnerConfig, Running
from dmr_tui.state.event import Event
from dmr_tui.text.events import event_text

T = 1_795_387_000.0
A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64
TINY = "sha256:6b2404074c575d7e3705cef045147e5e9e5c98913a28d63b0da565148f05413e"
MID = "sha256:984bca8e2fb43f669259d237b63dd8aa71d2416e345a3ec716a1c8b98b9bbb38"


def told(*events: LogEvent) -> Timeline:
    """A timeline that was told a log, and then the same log again."""
    timeline = Timeline()
    for event in events:
        timeline.take_log(event)
    before = timeline.events
    for _ in range(2):
        timeline.restart_log()
        for event in events:
            timeline.take_log(event)
        assert timeline.events is before
    return timeline


def started(at: float, digest: str = A, asked: int | None = 8192, **more: str) -> LoadStarted:
    return LoadStarted(at, "llama.cpp", digest, asked, **more)


def load(
    at: float, digest: str = A, context: int = 8192, asked: int | None = 8192, seconds: float = 2.0
) -> list[LogEvent]:
    """A load from its start to its end."""
    return [
        ModelRequested(at - 0.01, digest, "completion"),
        started(at, digest, asked),
        SlotsReady(at + seconds / 2, 4, context),
        Loaded(at + seconds),
    ]


def unloaded(at: float, digest: str = A, model: str = "ai/x", mode: str = "completion") -> Unloaded:
    return Unloaded(at, digest, mode, model)


def kinds(timeline: Timeline) -> list[str]:
    return [event.kind for event in timeline.events]


def only(timeline: Timeline, kind: str) -> Event:
    (event,) = [event for event in timeline.events if event.kind == kind]
    return event


def texts(timeline: Timeline, kind: str) -> list[str]:
    return [event_text(event) for event in timeline.events if event.kind == kind]


def configured(
    context: int | None = None,
    keep_alive: str | None = None,
    flags: list[str] | None = None,
    digest: str = A,
    mode: str = "completion",
) -> Configured:
    config = RunnerConfig(context, flags, keep_alive)
    return Configured("llama.cpp", "docker.io/ai/x:latest", digest, mode, config)


def run(
    name: str,
    *,
    loading: bool = False,
    used: float | None = None,
    keep_alive: str | None = None,
    backend: str = "llama.cpp",
) -> Running:
    last = None if used is None else datetime.fromtimestamp(used, UTC)
    return Running(backend, name, "completion", last, False, loading, keep_alive)


def call(
    start: float,
    outcome: Outcome = "ok",
    end: float | None = None,
    *,
    caller: str = "curl",
    limit: float | None = None,
    status: int = 200,
    error: str = "",
    digest: str = A,
) -> Request:
    return Request(
        id=f"{digest}_{start}",
        model="ai/x",
        digest=digest,
        api="OpenAI chat",
        caller=caller,
        started_at=start,
        outcome=outcome,
        status=status,
        finished_at=end,
        limit=limit,
        error=error,
    )
