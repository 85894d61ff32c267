"""What a screen asked for: heard now, kept before, each call once."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dmr_tui.monitor.archive import writer
from dmr_tui.monitor.archive.store import Archive
from dmr_tui.monitor.requests.request_log import Ledger
from dmr_tui.monitor.requests.tracker import Traffic
from dmr_tui.runner.request import Request
from dmr_tui.state.request_filter import CallFilter, View
from dmr_tui.state.requests import Calls
from tests.waiting import until

RUNNER = "localhost:12434"
NOW = 2_000_000_000.0


def call(number: int, **more: object) -> Request:
    request = Request(
        id=f"x_{number}",
        model="ai/qwen3",
        digest=None,
        api="OpenAI chat",
        caller="curl",
        started_at=NOW + number,
        outcome="ok",
        status=200,
        finished_at=NOW + number + 1,
    )
    return replace(request, **more)  # type: ignore[arg-type]


@asynccontextmanager
async def kept(path: Path | None) -> AsyncIterator[tuple[Ledger, Traffic]]:
    """A ledger at work, until everything that waits is written."""
    ledger = Ledger(None if path is None else lambda: Archive(path), lambda: None)
    traffic = Traffic()
    ledger.watch(RUNNER, traffic)
    task = asyncio.create_task(ledger.run())
    try:
        yield ledger, traffic
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def shown(ledger: Ledger) -> Calls:
    calls = ledger.calls()
    assert calls is not None
    return calls


def ids(ledger: Ledger) -> list[str]:
    return [row.id for row in shown(ledger).rows]


def hear(traffic: Traffic, *calls: Request) -> None:
    """As if the feed had told of them."""
    for request in calls:
        traffic._remember(request, None)


async def restored(ledger: Ledger) -> None:
    await until(lambda: ledger.keeper is not None and ledger.sources[0].health == "ok")


async def test_calls_survive_a_restart_and_none_is_there_twice(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    async with kept(path) as (ledger, traffic):
        hear(traffic, *(call(n) for n in range(5)))
        await restored(ledger)
    async with kept(path) as (ledger, traffic):
        ledger.look(View(calls=CallFilter()))
        hear(traffic, call(4), call(5))
        await until(lambda: not shown(ledger).reading)
        assert ids(ledger) == ["x_5", "x_4", "x_3", "x_2", "x_1", "x_0"]
        assert shown(ledger).matching == 6
        hear(traffic, call(6))
        assert ids(ledger)[0] == "x_6"
        assert shown(ledger).matching == 7
        assert {request.id for request in traffic.finished} >= {"x_0", "x_6"}


async def test_a_filter_holds_for_both(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    async with kept(path) as (ledger, traffic):
        await restored(ledger)
        hear(traffic, call(1, outcome="failed"), call(2), call(3, caller="n8n"))
    async with kept(path) as (ledger, traffic):
        ledger.look(View(calls=CallFilter(outcome="failed")))
        hear(traffic, call(4), call(5, outcome="failed"))
        await until(lambda: not shown(ledger).reading)
        assert ids(ledger) == ["x_5", "x_1"]
        ledger.look(View(calls=CallFilter("n8n")))
        await until(lambda: not shown(ledger).reading)
        assert ids(ledger) == ["x_3"]


async def test_nothing_is_held_for_a_screen_that_does_not_ask(tmp_path: Path) -> None:
    async with kept(tmp_path / "requests.db") as (ledger, traffic):
        hear(traffic, call(1))
        assert ledger.calls() is None
        ledger.look(View(calls=CallFilter()))
        first = shown(ledger)
        assert first is shown(ledger), "the same while nothing changed"
        ledger.look(View())
        assert ledger.calls() is None


async def test_a_later_try_takes_the_place_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    async with kept(path) as (ledger, traffic):
        ledger.look(View(calls=CallFilter()))
        first = call(1, outcome="client left", fingerprint=7)
        second = call(3, outcome="ok", fingerprint=7)
        hear(traffic, first, second)
        assert [(row.id, row.tries) for row in shown(ledger).rows] == [("x_3", 2)]
        await restored(ledger)
    async with kept(path) as (ledger, traffic):
        ledger.look(View(calls=CallFilter()))
        await until(lambda: not shown(ledger).reading)
        assert [(row.id, row.tries) for row in shown(ledger).rows] == [("x_3", 2)]


async def test_more_that_is_known_changes_the_row(tmp_path: Path) -> None:
    async with kept(tmp_path / "requests.db") as (ledger, traffic):
        ledger.look(View(calls=CallFilter()))
        hear(traffic, call(1), call(2))
        traffic._improve(call(1, window=4096))
        assert [row.window for row in shown(ledger).rows] == [None, 4096]


async def test_a_caller_is_called_by_its_name_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    async with kept(path) as (ledger, traffic):
        await restored(ledger)
        hear(traffic, call(1, caller="LangChain JS"))
        await ledger.name_caller("LangChain JS", "orders", 60.0)
        ledger.look(View(calls=CallFilter(caller="orders")))
        assert ids(ledger) == ["x_1"]
    async with kept(path) as (ledger, traffic):
        await restored(ledger)
        await until(lambda: ledger.names == {"LangChain JS": "orders"})
        await until(lambda: traffic.limits == {"LangChain JS": 60.0})


async def test_without_an_archive_this_session_is_there() -> None:
    async with kept(None) as (ledger, traffic):
        ledger.look(View(calls=CallFilter(), groups=True))
        hear(traffic, call(1))
        assert ids(ledger) == ["x_1"]
        assert not shown(ledger).reading
        await ledger.name_caller("curl", "me", None)
        assert [group.name for group in shown(ledger).by_caller] == ["me"]
        assert ledger.sources == ()


async def test_an_archive_that_cannot_be_written_stops_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("not a folder")
    async with kept(folder / "requests.db") as (ledger, traffic):
        ledger.look(View(calls=CallFilter()))
        hear(traffic, call(1))
        await until(lambda: ledger.sources[0].health == "stale")
        assert ledger.sources[0].reason
        assert ids(ledger) == ["x_1"]
        await until(lambda: not shown(ledger).reading)


async def test_what_could_not_be_written_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "AGAIN_S", 0.05)
    folder = tmp_path / "file"
    folder.write_text("not a folder")
    path = folder / "requests.db"
    async with kept(path) as (ledger, traffic):
        hear(traffic, call(1))
        await until(lambda: ledger.sources[0].health == "stale")
        folder.unlink()
        await until(lambda: ledger.sources[0].health == "ok")
    async with kept(path) as (ledger, _):
        ledger.look(View(calls=CallFilter()))
        await until(lambda: not shown(ledger).reading)
        assert ids(ledger) == ["x_1"]


async def test_a_damaged_archive_is_moved_aside_and_said(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    path.write_bytes(os.urandom(8192))
    async with kept(path) as (ledger, traffic):
        await until(lambda: "damaged" in ledger.sources[0].reason)
        assert ledger.sources[0].health == "ok"
        hear(traffic, call(1))
    async with kept(path) as (ledger, _):
        ledger.look(View(calls=CallFilter()))
        await until(lambda: not shown(ledger).reading)
        assert ids(ledger) == ["x_1"]
    aside = [name for name in os.listdir(tmp_path) if "damaged" in name]
    assert len(aside) == 1


def test_the_groups_are_counted_once_a_second() -> None:
    calls: list[int] = []
    ledger = Ledger(None, lambda: calls.append(1))
    traffic = Traffic()
    ledger.watch(RUNNER, traffic)
    ledger.look(View(calls=CallFilter(), groups=True))
    first = shown(ledger)
    hear(traffic, call(1))
    assert shown(ledger) is first
    ledger._counted_at -= 2.0
    assert shown(ledger) is not first
