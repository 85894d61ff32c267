"""The archive keeps every call once, whatever happens to it, to its file or to the disk."""

import errno
import os
import random
import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import fields, replace
from pathlib import Path

import pytest

from dmr_tui.measure.request_numbers import ended
from dmr_tui.monitor.archive import file as file_module
from dmr_tui.monitor.archive import kinds
from dmr_tui.monitor.archive.file import ArchiveDamaged, ArchiveFailed
from dmr_tui.monitor.archive.selection import matches
from dmr_tui.monitor.archive.store import Archive
from dmr_tui.runner.request import Request, Slower
from dmr_tui.runner.wire import Timings
from dmr_tui.state.request_filter import RequestFilter

HERE = "http://localhost:12434"
DIGEST = "sha256:" + "ab" * 32
EVERYTHING = RequestFilter()
NOW = 1_790_000_000.0
FULL = Request(
    id=f"{DIGEST}_1789999990123456789",
    model="ai/qwen3:8B-Q4_K_M",
    digest=DIGEST,
    api="OpenAI chat",
    caller="n8n",
    started_at=1789999990.1234567,
    outcome="failed",
    status=500,
    finished_at=NOW,
    limit=300.0,
    finish_reason="length",
    error="slot 17 failed",
    prompt_tokens=900,
    cached_tokens=90,
    completion_tokens=9,
    timings=Timings(810, 1.25, 9, 2.5, 90, 4, 3),
    message_count=2,
    request_bytes=1234,
    response_bytes=99,
    context_size=4096,
    user_agent="n8n/1.2",
    origin="ollama/chat",
    streamed=False,
    parameters=(("max_tokens", "5"), ("tools", "2")),
    messages=(("system", 10), ("user", 2000)),
    window=8192,
    processing_at=NOW - 5.0,
    load_s=3.5,
    tries=2,
    first_started_at=NOW - 60.0,
    slow=Slower(40.0, 0.3),
    engine_failure="died",
    unreadable="answer",
)


def call(number: int = 0, **changes: object) -> Request:
    """A call that ended `number` seconds after NOW."""
    at = NOW + number
    return Request(
        **{
            "id": f"{DIGEST}_{int(at * 1e9)}",
            "model": "ai/qwen3:8B-Q4_K_M",
            "digest": DIGEST,
            "api": "OpenAI chat",
            "caller": "n8n",
            "started_at": at - 1.0,
            "outcome": "ok",
            "status": 200,
            "finished_at": at,
            **changes,
        }  # type: ignore[arg-type]
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "requests.db"


@pytest.fixture
def archive(path: Path):  # type: ignore[no-untyped-def]
    opened = Archive(path, clock=lambda: NOW)
    assert opened.open() == ""
    yield opened
    opened.close()


def ids(
    archive: Archive, wanted: RequestFilter = EVERYTHING, runner: str | None = None
) -> list[str]:
    return [request.id for request in archive.find(wanted, {}, runner, 100_000)]


def test_every_fact_survives(archive: Archive, path: Path) -> None:
    unset = [f.name for f in fields(Request) if getattr(FULL, f.name) == f.default and f.compare]
    assert unset == [], "this test has to see every fact"
    sparse = call(1, timings=Timings(prompt_ms=2.0), streamed=True, finished_at=None)
    archive.add([FULL, sparse], HERE)
    archive.close()
    again = Archive(path)
    assert again.open() == ""
    found = again.find(EVERYTHING, {}, HERE, 10)
    assert found == [sparse, FULL]
    assert repr(found) == repr([sparse, FULL]), "true is not 1"
    assert again.find_one(FULL.id, HERE) == FULL
    assert again.find_one(FULL.id, "http://other") is None
    again.close()


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "no number"},
        {"id": "x_007"},
        {"id": "x_" + "9" * 40},
        {"id": "_5"},
        {"id": ""},
        {"error": "line\nwith \x00 and \x1b[2J", "outcome": "failed"},
        {"model": "模型:最新", "caller": "客户"},
    ],
)
def test_odd_calls_survive_as_they_are(archive: Archive, odd: dict[str, object]) -> None:
    archive.add([call(**odd)], HERE)
    assert archive.find(EVERYTHING, {}, None, 10) == [call(**odd)]


def test_what_sqlite_cannot_hold_does_not_stop_the_others(archive: Archive) -> None:
    broken = call(1, model="ai/\ud800", error="\udfff", completion_tokens=10**30, status=10**20)
    archive.add([call(), broken], HERE)
    kept, other = archive.find(EVERYTHING, {}, None, 10)
    assert (kept.model, kept.error, kept.completion_tokens) == ("ai/?", "?", None)
    assert other == call()


def test_a_long_error_is_cut(archive: Archive) -> None:
    archive.add([call(error="word " * 10_000, outcome="failed")], HERE)
    assert 1000 < len(archive.find(EVERYTHING, {}, None, 1)[0].error) < 3000


def test_twice_is_once(archive: Archive) -> None:
    archive.add([call(), call(), call(1)], HERE)
    archive.add([call()], HERE)
    archive.add([call()], "http://other")
    assert archive.count(EVERYTHING, {}, HERE) == 2
    assert archive.count(EVERYTHING, {}, None) == 3


BARE = replace(call(), outcome="end unknown", status=0, finished_at=None)
MORE = replace(
    call(),
    timings=Timings(1, 2.0, 3, 4.0),
    window=8192,
    load_s=2.0,
    tries=2,
    first_started_at=NOW - 50.0,
    response_bytes=70,
)


@pytest.mark.parametrize("order", [(BARE, MORE), (MORE, BARE), (call(), MORE, BARE, call())])
def test_what_is_known_wins(archive: Archive, order: tuple[Request, ...]) -> None:
    for request in order:
        archive.add([request], HERE)
    assert archive.find(EVERYTHING, {}, HERE, 10) == [MORE]
    assert archive.count(RequestFilter(since=NOW - 0.1), {}, HERE) == 1, "its end is known"


def test_whoever_heard_the_end_first_is_right(archive: Archive) -> None:
    archive.add([call(finished_at=NOW)], HERE)
    archive.add([call(finished_at=NOW + 3.0)], HERE)
    (kept,) = archive.find(EVERYTHING, {}, HERE, 10)
    assert kept.finished_at == NOW
    assert archive.count(RequestFilter(since=NOW + 1.0), {}, HERE) == 0


def test_an_end_that_was_heard_is_better_than_one_that_was_guessed(archive: Archive) -> None:
    archive.add([call(finished_at=None, timings=Timings(prompt_ms=60_000.0))], HERE)
    assert archive.count(RequestFilter(since=NOW + 30.0), {}, HERE) == 1
    archive.add([call()], HERE)
    assert archive.count(RequestFilter(since=NOW + 30.0), {}, HERE) == 0


def test_a_new_time_limit_is_kept(archive: Archive) -> None:
    archive.add([call()], HERE)
    archive.add([call(limit=120.0)], HERE)
    assert archive.find(EVERYTHING, {}, HERE, 10)[0].limit == 120.0


def test_only_the_last_try_is_found(archive: Archive) -> None:
    first, second = call(), call(5, tries=2, first_started_at=NOW - 1.0)
    archive.add([first], HERE)
    archive.add([second], HERE)
    archive.supersede([first.id], HERE)
    archive.supersede([second.id, "nobody's"], "http://other")
    assert ids(archive) == [second.id]
    assert archive.count(EVERYTHING, {}, HERE) == 1
    archive.add([first], HERE)
    assert ids(archive) == [second.id], "still superseded when the runner tells it again"
    assert archive.find_one(first.id, HERE) == first


def test_the_newest_first_and_no_more_than_asked(archive: Archive) -> None:
    archive.add([call(n) for n in (3, 1, 4, 0, 2)], HERE)
    newest = archive.find(EVERYTHING, {}, None, 3)
    assert [r.finished_at for r in newest] == [NOW + 4, NOW + 3, NOW + 2]
    oldest = list(archive.walk(EVERYTHING, {}, None))
    assert [r.finished_at for r in oldest] == [NOW + n for n in range(5)]


def test_what_was_added_since(archive: Archive) -> None:
    archive.add([call(5), call(6, caller="curl")], HERE)
    place = archive.last_place()
    assert archive.added_after(place, EVERYTHING, {}) == ([], place)
    archive.add([call(1), call(2, caller="curl"), call(5)], HERE)
    archive.add([call(-1), call(3)], HERE)
    archive.supersede([call(3).id], HERE)
    added, place = archive.added_after(place, RequestFilter(caller="n8n", since=NOW), {})
    assert added == [call(1)]
    assert archive.added_after(place, EVERYTHING, {}) == ([], place)


def test_the_same_filter_in_memory_and_in_the_archive(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "MOST_FORMS", 150)
    dice = random.Random(7)
    names = {"n8n": "Invoices 2024", "curl": "Probe"}
    outcomes = ("ok", "cut", "client left", "failed", "context overflow")
    errors = ("request (9004 tokens) exceeds 8192", "slot 17 GONE", "no model 'gemma3'", "x" * 195)
    requests = [
        call(
            n,
            model=dice.choice(("ai/qwen3:8B", "gemma3", "hf.co/x/Y-GGUF:Q4", "docker.io/ai/q2")),
            digest=dice.choice((None, DIGEST)),
            caller=dice.choice(("n8n", "curl", "tool9", "unnamed (Ollama)")),
            api=dice.choice(("OpenAI chat", "Ollama")),
            outcome=(outcome := dice.choice(outcomes)),
            error=""
            if outcome == "ok"
            else f"{dice.choice(errors)} {dice.choice(('', dice.randrange(60)))} late",
            finished_at=dice.choice((None, NOW + n)),
            timings=dice.choice((None, Timings(prompt_ms=dice.random() * 1e4))),
        )
        for n in range(600)
    ]
    archive.add(requests[:300], HERE)
    archive.add(requests[300:], "http://other")
    words = (
        *("", "qwen3", "QWEN", "2", "90", "9004", "(9004", "9004)", "17", "slot 1", "slot 5"),
        *("invoices", "2024", "n8n", "abab", "late", "lat", "7 ok", "tool9 3", "1 2", "exceeds"),
        *("8192 invoices", "client", "nothing", "gemma3'", "x 4", "ollama)", "late 5"),
    )
    seen = set()
    for _ in range(700):
        wanted = RequestFilter(
            words=dice.choice(words),
            model=dice.choice((None, None, None, "qwen3:8B", "q2", "gemma3")),
            caller=dice.choice((None, None, None, "Probe", "n8n", "tool9")),
            outcome=dice.choice((None, None, None, "failed")),
            since=dice.choice((None, None, NOW + 299.5)),
        )
        runner = dice.choice((None, HERE))
        here = requests if runner is None else requests[:300]
        expected = {r.id for r in here if matches(wanted, r, names)}
        found = archive.find(wanted, names, runner, 10_000)
        assert {r.id for r in found} == expected, wanted
        assert archive.count(wanted, names, runner) == len(found)
        assert [ended(r) for r in found] == sorted((ended(r) for r in found), reverse=True)
        seen.add(len(expected))
    assert len(seen) > 50, "the filters differ"


def test_errors_of_all_sorts_do_not_fill_the_table_of_kinds(
    archive: Archive, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "MOST_FORMS", 20)
    words = [f"{'abcdefghij'[n // 10]}{'abcdefghij'[n % 10]}" for n in range(100)]
    archive.add([call(n, outcome="failed", error=f"bad {words[n]}") for n in range(100)], HERE)
    assert ids(archive, RequestFilter(words="bad jj")) == [call(99).id]
    assert ids(archive, RequestFilter(words="bad", caller="curl")) == []
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM kinds").fetchone() == (21,)


def test_clients_of_all_names_do_not_fill_the_table_of_kinds(
    archive: Archive, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "MOST_KINDS", 20)
    archive.add([call(n, caller=f"client {n}", user_agent=f"c{n}") for n in range(100)], HERE)
    assert len(ids(archive, EVERYTHING)) == 100, "each request is there"
    assert ids(archive, RequestFilter(caller="client 19")) == [call(19).id]
    assert len(ids(archive, RequestFilter(caller=kinds.OTHERS))) == 80
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM kinds").fetchone() == (21,)


def test_names_and_time_limits_of_callers(archive: Archive, path: Path) -> None:
    archive.name_caller("n8n", "Invoices")
    archive.limit_caller("n8n", 120.0)
    archive.limit_caller("curl", 5.0)
    archive.name_caller("tool", "Tool")
    archive.close()
    assert archive.caller_names() == {"n8n": "Invoices", "tool": "Tool"}, "opened by itself"
    assert archive.caller_limits() == {"n8n": 120.0, "curl": 5.0}
    archive.name_caller("n8n", "")
    archive.limit_caller("curl", None)
    archive.name_caller("tool", "Other")
    assert archive.caller_names() == {"tool": "Other"}
    assert archive.caller_limits() == {"n8n": 120.0}


def test_bodies_only_if_they_are_wanted(archive: Archive, path: Path) -> None:
    archive.add([call()], HERE)
    archive.put_bodies(call().id, HERE, "the secret prompt", "the secret answer")
    assert archive.bodies(call().id, HERE) is None
    archive.close()
    assert b"secret" not in path.read_bytes()
    asked = Archive(path, bodies=True)
    asked.open()
    asked.put_bodies(call().id, HERE, '{"a": "ü\ud800"}' * 1000, "")
    asked.put_bodies("unknown", HERE, "x", "y")
    assert asked.bodies(call().id, HERE) == ('{"a": "ü\ud800"}' * 1000, "")
    assert asked.bodies("unknown", HERE) is None
    asked.close()


def test_a_body_that_is_cut_off_is_not_taken_for_a_whole_one(archive: Archive, path: Path) -> None:
    archive.add([call()], HERE)
    asked = Archive(path, bodies=True)
    asked.put_bodies(call().id, HERE, "the prompt " * 1000, "the answer")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE bodies SET request = substr(request, 1, 20)")
    assert asked.bodies(call().id, HERE) is None


def test_age(archive: Archive, path: Path) -> None:
    day = 86_400
    archive.add([call(-31 * day, caller="old"), call(-29 * day), call(-30 * day - 5)], HERE)
    archive.supersede([call(-30 * day - 5).id], HERE)
    assert archive.prune() == 2
    assert ids(archive) == [call(-29 * day).id]
    assert archive.find_one(call(-30 * day - 5).id, HERE) is None
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT caller FROM kinds").fetchall() == [("n8n",)]
    archive.add([call(caller="old")], HERE)
    assert ids(archive, RequestFilter(caller="old")) == [call().id], "its kind came back"


@pytest.mark.parametrize("megabytes", [0.5, 2.0], ids=["a bit", "much"])
def test_size(path: Path, megabytes: float) -> None:
    archive = Archive(path, keep_mb=megabytes, bodies=True, clock=lambda: NOW)
    archive.open()
    calls = int(megabytes * 5000)
    archive.add([call(n, error=f"{'e' * 300}") for n in range(calls)], HERE)
    noise = random.Random(1).randbytes(20_000).hex()
    for n in (0, calls - 1):
        archive.put_bodies(call(n).id, HERE, noise, noise)
    checkpoint = sqlite3.connect(path)
    checkpoint.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    checkpoint.close()
    assert path.stat().st_size > 2e6 * megabytes
    deleted = archive.prune()
    share = path.stat().st_size / 1e6 / megabytes
    assert 0.85 < share <= 1.0, "the file itself has become smaller, and not by more"
    left = ids(archive)
    assert len(left) == calls - deleted
    assert left == [call(n).id for n in range(calls - 1, deleted - 1, -1)], "the newest stay"
    assert archive.bodies(call(calls - 1).id, HERE) == (noise, noise)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM bodies").fetchone() == (1,)
    archive.close()


def test_pruning_when_nothing_is_to_be_done_writes_nothing(archive: Archive, path: Path) -> None:
    archive.add([call()], HERE)
    watcher = sqlite3.connect(path)
    before = watcher.execute("PRAGMA data_version").fetchone()
    assert archive.prune() == 0
    assert watcher.execute("PRAGMA data_version").fetchone() == before
    watcher.close()


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from tests.monitor.archive.test_archive import HERE, NOW, call
from dmr_tui.monitor.archive.store import Archive
archive = Archive(Path(sys.argv[1]), clock=lambda: NOW)
print("ready", flush=True)
sys.stdin.readline()
message = archive.open()
for n in range(150):
    archive.add([call(n), call(n, id=f"{sys.argv[2]}_{n}", caller=f"{sys.argv[2]}{n % 40}")], HERE)
    if n % 30 == 7:
        archive.prune()
archive.close()
print(message)
"""


def test_several_instances_at_the_same_time(path: Path) -> None:
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [
        subprocess.Popen(
            [*command, name, "", root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("a", "b", "c")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        said, _ = writer.communicate(timeout=60)
        assert (said, writer.returncode) == ("\n", 0)
    archive = Archive(path)
    assert archive.open() == ""
    found = ids(archive)
    assert len(found) == len(set(found)) == 4 * 150
    assert len(ids(archive, RequestFilter(caller="n8n"))) == 150
    assert {p.name for p in path.parent.glob("*damaged*")} == set()
    archive.close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM kinds").fetchone() == (1 + 3 * 40,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_kind_that_another_instance_deleted(archive: Archive, path: Path) -> None:
    archive.add([call(), call(-100 * 86_400, caller="curl")], HERE)
    other = Archive(path, clock=lambda: NOW)
    other.open()
    assert other.prune() == 1
    other.add([call(1, caller="wget")], HERE)
    assert [r.caller for r in archive.find(EVERYTHING, {}, None, 1)] == ["wget"]
    archive.add([call(3, caller="curl")], HERE)
    assert ids(archive, RequestFilter(caller="curl")) == [call(3).id]
    other.close()


def test_a_kind_that_was_not_written_after_all(archive: Archive, path: Path) -> None:
    broken = replace(call(1, caller="curl"), request_bytes={})  # type: ignore[arg-type]
    with pytest.raises(ArchiveFailed):
        archive.add([broken], HERE)
    other = Archive(path)
    other.open()
    other.add([call(2, caller="wget")], HERE)
    other.close()
    archive.add([call(1, caller="curl")], HERE)
    assert ids(archive, RequestFilter(caller="curl")) == [call(1).id]


def test_two_that_begin_the_file_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refused:
        """SQLite says this at once, whatever the time to wait, if two change the mode."""

        times = 2

        def execute(self, sql: str) -> None:
            if self.times:
                self.times -= 1
                error = sqlite3.OperationalError("database is locked")
                error.sqlite_errorcode = sqlite3.SQLITE_BUSY
                raise error

    refused = Refused()
    file_module._use_log(refused)  # type: ignore[arg-type]
    assert refused.times == 0
    monkeypatch.setattr(file_module, "BUSY_S", 0.1)
    refused.times = 1000
    with pytest.raises(sqlite3.OperationalError):
        file_module._use_log(refused)  # type: ignore[arg-type]


DAMAGED = b"SQLite format 3\0" + b"x" * 52 + b"DMRT" + b"x" * 900
"""An archive of which only the beginning is whole."""


def test_a_damaged_file_is_moved_aside(path: Path) -> None:
    content = DAMAGED
    path.parent.mkdir()
    path.write_bytes(content)
    archive = Archive(path, clock=lambda: NOW)
    message = archive.open()
    (aside,) = path.parent.glob("requests.damaged-*.db")
    assert message == f"the archive was damaged and is now {aside.name}; a new one was begun"
    assert aside.read_bytes() == content
    archive.add([call()], HERE)
    assert ids(archive) == [call().id]
    archive.close()
    path.write_bytes(content)
    again = Archive(path, clock=lambda: NOW)
    assert aside.stem in again.open()
    assert len(list(path.parent.glob("requests.damaged-*.db"))) == 2, "neither is lost"
    again.close()


@pytest.mark.parametrize(
    "content",
    [b"My notes.\n" * 500, b"SQLite format 3\0" + b"x" * 900, b"\0" * 5000, b"x"],
    ids=["text", "another database", "zeros", "a letter"],
)
def test_a_file_that_is_no_archive_stays_where_it_is(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ArchiveFailed, match="is no archive of dmr-tui"):
        Archive(path).open()
    assert path.read_bytes() == content
    assert not list(path.parent.glob("*damaged*"))


def test_a_pipe_is_no_archive(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(ArchiveFailed, match="is no file"):
        Archive(path).open()


def test_a_damaged_file_found_by_many_is_moved_once(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(DAMAGED)
    start = threading.Barrier(6)
    said: list[str] = []

    def begin(number: int) -> None:
        archive = Archive(path)
        start.wait()
        said.append(archive.open())
        archive.add([call(number)], HERE)
        archive.close()

    threads = [threading.Thread(target=begin, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(bool, said)) == [False] * 5 + [True]
    assert len(list(path.parent.glob("requests.damaged-*.db"))) == 1
    archive = Archive(path)
    archive.open()
    assert len(ids(archive)) == 6
    archive.close()


def test_damaged_at_work(archive: Archive, path: Path) -> None:
    archive.add([call(n, error="e" * 500) for n in range(2000)], HERE)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other = Archive(path)
    other.open()
    with path.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(random.Random(1).randbytes(100 * 4096))
    with pytest.raises(ArchiveDamaged, match="is damaged"):
        archive.find(EVERYTHING, {}, None, 3000)
    log = path.with_name("requests.db-wal")
    inode = log.stat().st_ino
    message = archive.open()
    assert "damaged and is now requests.damaged-" in message
    (aside,) = path.parent.glob("requests.damaged-*.db-wal")
    assert aside.stat().st_ino == inode, "its log went with it"
    archive.add([call()], HERE)
    assert ids(archive) == [call().id]
    other.add([call(1)], HERE)
    assert ids(archive) == [call(1).id, call().id], "the other instance follows"
    other.close()


@pytest.mark.parametrize("pattern", ["*", "requests.db"])
def test_a_file_that_was_deleted_is_made_again(archive: Archive, path: Path, pattern: str) -> None:
    other = Archive(path)
    other.open()
    archive.add([call()], HERE)
    assert ids(other) == [call().id]
    for file in path.parent.glob(pattern):
        file.unlink()
    archive.add([call(1)], HERE)
    other.add([call(2)], HERE)
    assert ids(archive) == ids(other) == [call(2).id, call(1).id]
    assert path.exists()
    other.close()


def test_an_archive_of_a_newer_version_stays_as_it_is(path: Path, archive: Archive) -> None:
    archive.add([call()], HERE)
    archive.close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(ArchiveFailed, match="was made by a newer dmr-tui"):
        archive.open()
    assert not list(path.parent.glob("*damaged*"))
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM requests").fetchone() == (1,)


def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE precious (x)")
    before = path.read_bytes()
    with pytest.raises(ArchiveFailed, match="belongs to another program"):
        Archive(path).open()
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["requests.db"]


def test_a_full_disk_is_said_and_nothing_is_half_done(archive: Archive) -> None:
    archive.add([call()], HERE)
    assert archive._db is not None
    archive._db.execute("PRAGMA max_page_count = 20")
    many = [call(n, caller=f"tool{n}", error="e" * 900) for n in range(1, 500)]
    with pytest.raises(ArchiveFailed, match=r"^the disk is full$"):
        archive.add(many, HERE)
    assert ids(archive) == [call().id], "what is there can be read"
    archive._db.execute("PRAGMA max_page_count = 100000")
    archive.add(many, HERE)
    assert len(ids(archive)) == 500
    assert len(ids(archive, RequestFilter(caller="tool7"))) == 1


ON_A_SMALL_DISK = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.monitor.archive.test_archive import EVERYTHING, HERE, call
from dmr_tui.monitor.archive.store import Archive, ArchiveFailed
disk = Path(sys.argv[1])
filler = disk / "filler"
filler.write_bytes(bytes(300_000))
archive = Archive(disk / "requests.db")
def tried(work):
    try:
        return work() or "done"
    except ArchiveFailed as failure:
        return failure
def add(number):
    return tried(lambda: archive.add([call(number, error="e" * 900)], HERE))
print(tried(archive.open))
number = 0
while add(number) == "done":
    number += 1
print(add(number))
print(tried(Archive(disk / "more" / "requests.db").open))
print(len(archive.find(EVERYTHING, {}, None, 10_000)) == number)
filler.unlink()
print(add(number))
print(len(archive.find(EVERYTHING, {}, None, 10_000)) == number + 1)
archive.close()
os.system(f"mount -o remount,ro {disk}")
print(tried(archive.open))
print(tried(Archive(disk / "new" / "requests.db").open))
reader = Archive(disk / "requests.db", read_only=True)
print(tried(reader.open))
print(len(reader.find(EVERYTHING, {}, None, 10_000)) == number + 1)
"""


def test_a_disk_that_is_really_full_or_read_only(tmp_path: Path) -> None:
    own = ["unshare", "--user", "--map-root-user", "--mount"]
    mount = f"mount -t tmpfs -o size=1m none {tmp_path}"
    try:
        subprocess.run([*own, "sh", "-c", mount], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no disk of one's own can be mounted here")
    script = tmp_path.with_name(f"{tmp_path.name}.py")
    script.write_text(ON_A_SMALL_DISK)
    run = f"{mount} && {sys.executable} {script} {tmp_path} {Path(__file__).parents[3]}"
    done = subprocess.run([*own, "sh", "-c", run], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    opened, full, elsewhere, kept, again, all_there, reopened, new, read, still = (
        done.stdout.splitlines()
    )
    assert (opened, full, elsewhere) == ("done", "the disk is full", "the disk is full")
    assert (kept, again, all_there) == ("True", "done", "True")
    assert reopened.startswith("it cannot be written: ")
    assert new.startswith("it cannot be written: ")
    assert (read, still) == ("done", "True"), "a disk that is read-only can be read"


def test_a_full_disk_where_a_file_is_to_be_made(path: Path) -> None:
    with pytest.raises(ArchiveFailed, match="the disk is full"), file_module.failures(path):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_the_file_is_only_for_its_owner(archive: Archive, path: Path) -> None:
    before = os.umask(0)
    try:
        fresh = Archive(path.parent / "sub" / "requests.db")
        fresh.open()
        fresh.add([call()], HERE)
        found = {p.name: stat.S_IMODE(p.stat().st_mode) for p in fresh.path.parent.iterdir()}
        folder = stat.S_IMODE(fresh.path.parent.stat().st_mode)
        fresh.close()
    finally:
        os.umask(before)
    assert folder == 0o700
    assert found == {"requests.db": 0o600, "requests.db-wal": 0o600, "requests.db-shm": 0o600}


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveFailed, match="it cannot be written: "):
        Archive(tmp_path / "file" / "requests.db").open()
    with pytest.raises(ArchiveFailed, match="it cannot be written: "):
        Archive(tmp_path).open()


def test_locked_by_another_program(
    archive: Archive, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_module, "BUSY_S", 0.05)
    archive.open()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ArchiveFailed, match=r"^the file is locked by another program$"):
        archive.add([call()], HERE)
    assert ids(archive) == [], "reading goes on"
    other.execute("ROLLBACK")
    archive.add([call()], HERE)
    assert ids(archive) == [call().id]
    other.close()


def test_reading_changes_nothing(archive: Archive, path: Path) -> None:
    archive.add([call()], HERE)
    reader = Archive(path, read_only=True)
    reader.open()
    assert ids(reader) == [call().id]
    with pytest.raises(ArchiveFailed, match="it cannot be written"):
        reader.add([call(1)], HERE)
    archive.add([call(1)], HERE)
    assert len(ids(reader)) == 2, "what others write is seen"
    reader.close()
    archive.close()
    path.write_bytes(b"this is no database" * 500)
    with pytest.raises(ArchiveDamaged, match="is damaged"):
        reader.open()
    assert [p.name for p in path.parent.iterdir()] == ["requests.db"]
    with pytest.raises(ArchiveFailed, match="it cannot be opened"):
        Archive(path.parent / "none.db", read_only=True).open()


@pytest.mark.parametrize(
    "damage",
    [
        *("messages = '[[1,'", "parameters = 7", "messages = '[[1, 2]]'", "kind = 99"),
        *("started_at = 'never'", "started_at = NULL", "prompt_tokens = 'many'"),
        *("error = x'ff00'", "predicted_ms = 'long'", "started_at = 9e999", "finished_at = x'01'"),
    ],
)
def test_a_damaged_row_costs_itself_alone(archive: Archive, path: Path, damage: str) -> None:
    before, damaged, after = call(1), call(2), call(3)
    archive.add([before, damaged, after], HERE)
    with sqlite3.connect(path) as db:
        db.execute(f"UPDATE requests SET {damage} WHERE ended = ?", (NOW + 2,))
    db.close()
    assert ids(archive) == [after.id, before.id]
    assert [request.id for request in archive.walk(EVERYTHING, {}, None)] == [before.id, after.id]
    assert [request.id for request in archive.added_after(0, EVERYTHING, {})[0]] == [
        before.id,
        after.id,
    ]
    assert archive.find_one(damaged.id, HERE) is None
