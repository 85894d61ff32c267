"""What a screen asked for: heard now, kept before, each call once."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dmr_tui.monitor.archive import writer
from dmr_tui.monitor.archive.store import Archive
from dmr_tui.monitor.requests.request_log import RequestLog
from dmr_tui.monitor.requests.tracker import RequestTracker
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import Record
from dmr_tui.state.request_filter import RequestFilter, View
from dmr_tui.state.requests import FinishedRequests
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
async def kept(path: Path | None) -> AsyncIterator[tuple[RequestLog, RequestTracker]]:
    """A ledger at work, until everything that waits is written."""
    request_log = RequestLog(None if path is None else Archive(path), lambda: None)
    tracker = RequestTracker()
    request_log.watch(RUNNER, tracker)
    tracker.listen(request_log)
    async with running(request_log):
        yield request_log, tracker


@asynccontextmanager
async def running(request_log: RequestLog) -> AsyncIterator[None]:
    task = asyncio.create_task(request_log.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def shown(request_log: RequestLog) -> FinishedRequests:
    calls = request_log.requests()
    assert calls is not None
    return calls


def ids(request_log: RequestLog) -> list[str]:
    return [row.id for row in shown(request_log).rows]


def hear(tracker: RequestTracker, *calls: Request) -> None:
    """As if the feed had told of them."""
    for request in calls:
        tracker._remember(request, None)


async def restored(request_log: RequestLog) -> None:
    await until(lambda: request_log.writer is not None and request_log.sources[0].health == "ok")


async def test_calls_survive_a_restart_and_none_is_there_twice(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    async with kept(path) as (request_log, tracker):
        hear(tracker, *(call(n) for n in range(5)))
        await restored(request_log)
    async with kept(path) as (request_log, tracker):
        request_log.look(View(requests=RequestFilter()))
        hear(tracker, call(4), call(5))
        await until(lambda: not shown(request_log).reading)
        assert ids(request_log) == ["x_5", "x_4", "x_3", "x_2", "x_1", "x_0"]
        assert shown(request_log).matching == 6
        hear(tracker, call(6))
        assert ids(request_log)[0] == "x_6"
        assert shown(request_log).matching == 7
        assert {request.id for request in tracker.finished} >= {"x_0", "x_6"}


async def test_a_filter_holds_for_both(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    async with kept(path) as (request_log, tracker):
        await restored(request_log)
        hear(tracker, call(1, outcome="failed"), call(2), call(3, caller="n8n"))
    async with kept(path) as (request_log, tracker):
        request_log.look(View(requests=RequestFilter(outcome="failed")))
        hear(tracker, call(4), call(5, outcome="failed"))
        await until(lambda: not shown(request_log).reading)
        assert ids(request_log) == ["x_5", "x_1"]
        request_log.look(View(requests=RequestFilter("n8n")))
        await until(lambda: not shown(request_log).reading)
        assert ids(request_log) == ["x_3"]


async def test_an_answer_to_a_filter_that_was_changed_meanwhile_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    async with kept(path) as (request_log, tracker):
        hear(tracker, call(1), call(2, model="ai/gemma3"))
        await restored(request_log)
        writer = request_log.writer
        assert writer is not None
        await until(lambda: not writer._waiting)
    async with kept(path) as (request_log, _):
        await restored(request_log)
        writer = request_log.writer
        assert writer is not None
        find, asked = writer.find, []

        async def slowly(*what: Any, **more: Any) -> Any:
            found = await find(*what, **more)
            if not asked:
                asked.append(what)
                request_log.look(View(requests=RequestFilter(model="gemma3")))
            return found

        writer.find = slowly  # type: ignore[method-assign]
        request_log.look(View(requests=RequestFilter(model="qwen3")))
        await until(lambda: not shown(request_log).reading)
        assert asked
        assert ids(request_log) == ["x_2"]


async def test_nothing_is_held_for_a_screen_that_does_not_ask(tmp_path: Path) -> None:
    async with kept(tmp_path / "requests.db") as (request_log, tracker):
        hear(tracker, call(1))
        assert request_log.requests() is None
        request_log.look(View(requests=RequestFilter()))
        first = shown(request_log)
        assert first is shown(request_log), "the same while nothing changed"
        request_log.look(View())
        assert request_log.requests() is None


async def test_a_later_try_takes_the_place_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    async with kept(path) as (request_log, tracker):
        request_log.look(View(requests=RequestFilter()))
        first = call(1, outcome="client left", fingerprint=7)
        second = call(3, outcome="ok", fingerprint=7)
        hear(tracker, first, second)
        assert [(row.id, row.tries) for row in shown(request_log).rows] == [("x_3", 2)]
        await restored(request_log)
    async with kept(path) as (request_log, tracker):
        request_log.look(View(requests=RequestFilter()))
        await until(lambda: not shown(request_log).reading)
        assert [(row.id, row.tries) for row in shown(request_log).rows] == [("x_3", 2)]


async def test_more_that_is_known_changes_the_row(tmp_path: Path) -> None:
    async with kept(tmp_path / "requests.db") as (request_log, tracker):
        request_log.look(View(requests=RequestFilter()))
        hear(tracker, call(1), call(2))
        tracker._improve(call(1, window=4096))
        assert [row.window for row in shown(request_log).rows] == [None, 4096]


async def test_a_caller_is_called_by_its_name_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    async with kept(path) as (request_log, tracker):
        await restored(request_log)
        hear(tracker, call(1, caller="LangChain JS"))
        await request_log.name_caller("LangChain JS", "orders", 60.0)
        request_log.look(View(requests=RequestFilter(caller="orders")))
        assert ids(request_log) == ["x_1"]
    async with kept(path) as (request_log, tracker):
        await restored(request_log)
        await until(lambda: request_log.names == {"LangChain JS": "orders"})
        await until(lambda: tracker.limits == {"LangChain JS": 60.0})


async def test_a_name_that_is_given_before_the_archive_is_open_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    async with kept(path) as (request_log, _):
        await restored(request_log)
        await request_log.name_caller("curl", "old", 60.0)
        await request_log.name_caller("n8n", "flows", None)
    request_log, tracker = RequestLog(Archive(path), lambda: None), RequestTracker()
    await request_log.name_caller("curl", "new", None)
    request_log.watch(RUNNER, tracker)
    async with running(request_log):
        await until(lambda: request_log.names == {"curl": "new", "n8n": "flows"})
        assert request_log.limits == {}
    async with kept(path) as (request_log, _):
        await until(lambda: request_log.names == {"curl": "new", "n8n": "flows"})


async def test_a_name_that_is_given_while_the_others_are_read_is_newer(tmp_path: Path) -> None:
    read, go_on = threading.Event(), threading.Event()

    class Slow(Archive):
        def caller_names(self) -> dict[str, str]:
            names = super().caller_names()
            read.set()
            assert go_on.wait(10)
            return names

    path = tmp_path / "requests.db"
    async with kept(path) as (request_log, _):
        await restored(request_log)
        await request_log.name_caller("curl", "old", 60.0)
        await request_log.name_caller("n8n", "flows", None)
    request_log = RequestLog(Slow(path), lambda: None)
    request_log.watch(RUNNER, RequestTracker())
    async with running(request_log):
        assert await asyncio.to_thread(read.wait, 10)
        given = asyncio.create_task(request_log.name_caller("curl", "new", 30.0))
        await until(lambda: request_log.names == {"curl": "new"})
        go_on.set()
        await given
        await until(lambda: request_log.names == {"curl": "new", "n8n": "flows"})
        assert request_log.limits == {"curl": 30.0}


async def test_without_an_archive_this_session_is_there() -> None:
    async with kept(None) as (request_log, tracker):
        request_log.look(View(requests=RequestFilter(), groups=True))
        hear(tracker, call(1))
        assert ids(request_log) == ["x_1"]
        assert not shown(request_log).reading
        await request_log.name_caller("curl", "me", None)
        assert [group.name for group in shown(request_log).by_caller] == ["me"]
        assert request_log.sources == ()


async def test_the_next_runner_knows_the_time_limits_that_the_user_set() -> None:
    async with kept(None) as (request_log, _):
        await request_log.name_caller("curl", "", 45.0)
        after = RequestTracker()
        request_log.watch("another", after)
        assert after.limits == {"curl": 45.0}


async def test_an_archive_that_cannot_be_written_stops_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("not a folder")
    async with kept(folder / "requests.db") as (request_log, tracker):
        request_log.look(View(requests=RequestFilter()))
        hear(tracker, call(1))
        await until(lambda: request_log.sources[0].health == "stale")
        assert request_log.sources[0].reason
        assert ids(request_log) == ["x_1"]
        await until(lambda: not shown(request_log).reading)


async def test_what_could_not_be_written_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "AGAIN_S", 0.05)
    folder = tmp_path / "file"
    folder.write_text("not a folder")
    path = folder / "requests.db"
    async with kept(path) as (request_log, tracker):
        hear(tracker, call(1))
        await until(lambda: request_log.sources[0].health == "stale")
        folder.unlink()
        await until(lambda: request_log.sources[0].health == "ok")
    async with kept(path) as (request_log, _):
        request_log.look(View(requests=RequestFilter()))
        await until(lambda: not shown(request_log).reading)
        assert ids(request_log) == ["x_1"]


async def test_a_damaged_archive_is_moved_aside_and_said(tmp_path: Path) -> None:
    path = tmp_path / "requests.db"
    path.write_bytes(b"SQLite format 3\0" + os.urandom(52) + b"DMRT" + os.urandom(8120))
    async with kept(path) as (request_log, tracker):
        await until(lambda: "damaged" in request_log.sources[0].reason)
        assert request_log.sources[0].health == "ok"
        hear(tracker, call(1))
    async with kept(path) as (request_log, _):
        request_log.look(View(requests=RequestFilter()))
        await until(lambda: not shown(request_log).reading)
        assert ids(request_log) == ["x_1"]
    aside = [name for name in os.listdir(tmp_path) if "damaged" in name]
    assert len(aside) == 1


async def test_one_thread_at_a_time_is_at_work_on_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, overlap, busy = threading.Event(), threading.Event(), threading.Lock()
    add, close = Archive.add, Archive.close

    def slow_add(archive: Archive, requests: Sequence[Request], runner: str) -> None:
        if not busy.acquire(blocking=False):
            overlap.set()
            return
        at_work.set()
        overlap.wait(0.3)
        add(archive, requests, runner)
        busy.release()

    def watched_close(archive: Archive) -> None:
        if busy.locked():
            overlap.set()
        close(archive)

    monkeypatch.setattr(Archive, "add", slow_add)
    monkeypatch.setattr(Archive, "close", watched_close)
    async with kept(tmp_path / "requests.db") as (_, tracker):
        # Written for the request log, whose task is the one that is cancelled.
        hear(tracker, call(1))
        await until(at_work.is_set)
    assert not overlap.is_set()


def test_the_groups_are_counted_once_a_second() -> None:
    calls: list[int] = []
    request_log = RequestLog(None, lambda: calls.append(1))
    tracker = RequestTracker()
    request_log.watch(RUNNER, tracker)
    tracker.listen(request_log)
    request_log.look(View(requests=RequestFilter(), groups=True))
    first = shown(request_log)
    hear(tracker, call(1))
    assert shown(request_log) is first
    request_log._counted_at -= 2.0
    assert shown(request_log) is not first


async def test_more_that_is_known_before_the_write_keeps_the_bodies(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "requests.db", bodies=True)
    archive_writer = writer.ArchiveWriter(archive, lambda: None)
    archive_writer.put(
        RUNNER, call(1), Record("x_1", "ai/qwen3", request="sent", response="answered")
    )
    archive_writer.put(RUNNER, call(1, window=4096), None)
    found = await archive_writer.find(RUNNER, RequestFilter())
    assert found is not None
    assert [row.window for row in found[0]] == [4096]
    assert await archive_writer.archived_bodies(RUNNER, "x_1") == ("sent", "answered")
    archive.close()
