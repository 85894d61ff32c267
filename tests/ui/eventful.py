"""A made-up runner with an eventful hour: its timeline, and the log of a real one."""

import json
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace
from textual.pilot import Pilot

from dmr_tui.runner.logs.log_line import LogLine, parse_line
from dmr_tui.state.event import Event
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.state.source_state import SourceState
from dmr_tui.text.events import EventText, words
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.messages import RequestWanted
from dmr_tui.ui.timeline.log_pane import LogPane
from dmr_tui.ui.timeline.timeline_pane import TimelinePane
from dmr_tui.ui.timeline.timeline_screen import TimelineScreen
from tests.ui.still import MODELS, NOW, StillMonitor, snapshot
from tests.waiting import until

WIDE, NORMAL, SMALL, NARROW = (140, 42), (100, 45), (80, 24), (60, 20)
QWEN, GEMMA = MODELS[0].id, MODELS[1].id

_RECORDING = Path(__file__).parents[1] / "recordings" / "v1.2.6" / "logs.json"


def recorded(end: float = NOW - 60) -> tuple[LogLine, ...]:
    """The log of a real runner, moved in time so that it ends at `end`, with our model's name."""
    body = json.loads(_RECORDING.read_text())["response"]["body"]
    named = body.replace("reference=ai/tiny:Q4", "reference=ai/qwen3:8B-Q4_K_M")
    lines = [parse_line(line) for line in named.splitlines()]
    shift = end - lines[-1].at
    return tuple(
        replace(line, at=line.at + shift, digest=QWEN if line.digest else None) for line in lines
    )


LOG = recorded()
LOAD_AT = next(line.at for line in LOG if "backend args" in line.text)


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A detail that brings its words along."""

    text: str
    cause: str


@words.register
def _made_up(detail: MadeUp, event: Event) -> EventText:
    return EventText(detail.text, detail.cause)


def event(
    number: int, at: float, kind: str, text: str, source: str, cause: str = "", **more: object
) -> Event:
    """One entry of the timeline."""
    return Event(f"{number}", at, kind, MadeUp(text, cause), source, **more)  # type: ignore[arg-type]


EVENTS = (
    event(0, NOW - 4000, "runner started", "v1.2.6", "log"),
    event(
        1,
        NOW - 3000,
        "reconfigured",
        "context 4,096 to 8,192",
        "config",
        model="ai/qwen3:8B-Q4_K_M",
        digest=QWEN,
    ),
    event(2, LOAD_AT, "load started", "on llama.cpp, asked for 8,192 tokens", "log", digest=QWEN),
    event(
        3,
        LOAD_AT + 0.07,
        "loaded",
        "8,192 tokens in each of 4 slots",
        "log",
        severity="good",
        digest=QWEN,
        seconds=0.07,
    ),
    event(
        4,
        LOAD_AT + 3.19,
        "request failed",
        "20,019 tokens exceed the context window of 8,192",
        "feed",
        severity="error",
        digest=QWEN,
        request="sha256:1_77",
        cause="The prompt is longer than the window of a slot. Shorten it, or: "
        "docker model configure --context-size 32768 qwen3:8B-Q4_K_M",
    ),
    event(
        5,
        NOW - 50,
        "unloaded",
        "to make room for gemma3:4B-Q4_K_M, after 4:12 of use",
        "log",
        severity="warning",
        digest=QWEN,
    ),
    event(
        6,
        NOW - 44,
        "out of memory",
        "cudaMalloc failed: 14.2 GiB asked for",
        "log",
        severity="error",
        digest=GEMMA,
        cause="Other models hold the memory, or its context window is larger than it allows. "
        "Unload another model, or take a shorter context: dmr-tui shows the longest that fits"
        " (3 Memory, or status).",
    ),
    event(
        7,
        NOW - 40,
        "client left",
        "n8n hung up after 300 s, its time limit",
        "feed",
        severity="warning",
        digest=QWEN,
        request="sha256:1_78",
    ),
    event(
        8,
        NOW - 20,
        "reload thrash",
        "loaded 3 times in 10 minutes, in turn with gemma3:4B-Q4_K_M",
        "log",
        severity="warning",
        digest=QWEN,
        cause="Two models that do not fit together evict each other. Give one a smaller context.",
    ),
    event(
        9,
        NOW - 12,
        "config drift",
        "the engine gives 4,096 tokens, 8,192 are configured",
        "config",
        severity="warning",
        digest=QWEN,
        cause="The model was loaded before it was configured; unload it.",
    ),
)


def still(**more: object) -> Snapshot:
    """A runner with an eventful hour."""
    return snapshot(**{"events": EVENTS, "log": LOG, **more})


def no_log(**more: object) -> Snapshot:
    """A runner from before March 2026."""
    sources = tuple(s for s in snapshot().sources if s.name != "log")
    absent = SourceState("log", "absent", "404: 404 page not found")
    return still(**{"log": (), "sources": (*sources, absent), **more})


def with_log(health: str, reason: str = "", **more: object) -> Snapshot:
    """The log in some state."""
    sources = tuple(s for s in snapshot().sources if s.name != "log")
    state = SourceState("log", health, reason)  # type: ignore[arg-type]
    return still(**{"log": (), "sources": (*sources, state), **more})


HARMFUL = (
    LogLine(NOW - 9, "error", "engine", "\x1b[2J\x1b]0;owned\x07 [red]x[/y] \u202eno", None, ""),
    LogLine(NOW - 8, "info", "runner", "模型" * 200, None, "ai/[bold]"),
    LogLine(0.0, "", "runner", "", None, ""),
    LogLine(NOW - 7, "warn", "runner", "a[" * 2_500_000 + "tail", None, ""),
)


class Watched(DashboardApp):
    """Keeps what is said to the app."""

    def __init__(self, monitor: StillMonitor) -> None:
        super().__init__(monitor)
        self.still = monitor
        self.wanted: list[str] = []

    async def on_request_wanted(self, event: RequestWanted) -> None:
        event.stop()
        event.prevent_default()
        self.wanted.append(event.id)


def watched(shown: Snapshot | None = None) -> Watched:
    """An app with that Snapshot."""
    return Watched(StillMonitor(still() if shown is None else shown))


async def opened(pilot: Pilot[None], app: Watched) -> tuple[TimelinePane, LogPane]:
    """Go to the timeline."""
    await pilot.press("4")
    await until(lambda: isinstance(app.screen, TimelineScreen))
    await pilot.pause()
    return app.screen.query_one(TimelinePane), app.screen.query_one(LogPane)


def more_lines(count: int, start: float = NOW - 59, text: str = "line") -> tuple[LogLine, ...]:
    """Lines with numbers."""
    return tuple(
        LogLine(start + number / 1000, "info", "runner", f"{text} {number}", None, "")
        for number in range(count)
    )
