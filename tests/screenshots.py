"""The pictures in screenshots/, of the simulated runner; usage: python -m tests.screenshots

They are made on a running simulation, so that two runs differ in their numbers.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from dmr_tui.commands.target import demo_runner
from dmr_tui.machine.probe import MachineProbe
from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.endpoint import Endpoint, parse_host
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.ui.app import DashboardApp
from dmr_tui.ui.chat.chat_pane import ChatPane

FOLDER = Path(__file__).parent.parent / "screenshots"
WARM_S = 75.0
"""Seconds until the charts have something to show."""
PATIENCE_S = 120.0

Journey = Callable[[DashboardApp, Pilot[None]], Awaitable[None]]


async def until(app: DashboardApp, fact: Callable[[Snapshot], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not fact(app.snapshot):
        assert time.monotonic() < deadline, "never came true"
        await asyncio.sleep(0.05)


async def ask(app: DashboardApp, pilot: Pilot[None]) -> None:
    """One answer in the chat, and calls of others in flight."""
    began = time.monotonic()
    await until(app, lambda shown: shown.models)
    await pilot.press("c")
    for character in "What does the KV cache hold?":
        await pilot.press({" ": "space", "?": "question_mark"}.get(character, character))
    await pilot.press("enter")
    chat = app.screen.query_one(ChatPane)
    await until(app, lambda _: chat.last is not None and not chat.streaming)
    await pilot.press("escape")
    await asyncio.sleep(max(0.0, WARM_S - (time.monotonic() - began)))
    await until(app, lambda shown: shown.in_flight)


async def chat_only(app: DashboardApp, pilot: Pilot[None]) -> None:
    """The small window, with the chat in front."""
    await ask(app, pilot)
    await pilot.press("c")


async def details(app: DashboardApp, pilot: Pilot[None]) -> None:
    """Everything about a model."""
    await until(app, lambda shown: any(row.context.effective for row in shown.models))
    await pilot.press("i")


async def requests(app: DashboardApp, pilot: Pilot[None]) -> None:
    """Everyone's calls, one of them in flight."""
    began = time.monotonic()
    await until(app, lambda shown: shown.models)
    await pilot.press("2")
    await asyncio.sleep(max(0.0, WARM_S - (time.monotonic() - began)))
    await until(app, lambda shown: shown.in_flight)


async def memory(app: DashboardApp, pilot: Pilot[None]) -> None:
    """The models that do not fit, and what one of them would need."""
    await until(app, lambda s: s.memory is not None and s.memory.fits and len(s.machine.ram) > 25)
    await pilot.press("3", "end", "up")
    await pilot.pause(0.5)


async def timeline(app: DashboardApp, pilot: Pilot[None]) -> None:
    """Why models come and go when memory is short."""
    await until(app, lambda shown: shown.models)
    await pilot.press("4")
    await until(app, lambda shown: len(shown.events) > 12 and shown.log)


async def nothing(app: DashboardApp, pilot: Pilot[None]) -> None:
    """No runner anywhere."""
    await until(app, lambda shown: shown.runner.up is False)


async def picture(
    name: str,
    size: tuple[int, int],
    journey: Journey,
    endpoints: tuple[Endpoint, ...],
    machine: MachineProbe,
    theme: str = "dmr-dark",
) -> None:
    monitor = Monitor(endpoints, machine)
    app = DashboardApp(monitor, demo=lambda: monitor, theme=theme)
    try:
        async with app.run_test(size=size) as pilot:
            await journey(app, pilot)
            await pilot.pause(0.5)
            (FOLDER / f"{name}.svg").write_text(app.export_screenshot(), encoding="utf-8")
    finally:
        monitor.stop()


async def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    wide, small = (140, 42), (80, 24)
    with demo_runner() as (demo, machine):
        shots = [
            picture("dashboard", wide, ask, (demo,), machine),
            picture("light", wide, ask, (demo,), machine, "dmr-light"),
            picture("small", small, ask, (demo,), machine),
            picture("chat", small, chat_only, (demo,), machine),
            picture("details", wide, details, (demo,), machine),
            picture("requests", wide, requests, (demo,), machine),
            picture(
                "no-runner",
                (110, 34),
                nothing,
                (parse_host("http://localhost:12434", "default"),),
                machine,
            ),
        ]
        for shot in shots:
            await shot
    with demo_runner("pressure") as (demo, machine):
        await picture("timeline", wide, timeline, (demo,), machine)
    with demo_runner("workflow") as (demo, machine):
        await picture("memory", wide, memory, (demo,), machine)


if __name__ == "__main__":
    asyncio.run(main())
