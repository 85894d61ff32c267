"""Archives of earlier versions: read as they are, rewritten once, never lost."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from dmr_tui.monitor.archive import file
from dmr_tui.monitor.archive.file import ArchiveFailed
from dmr_tui.monitor.archive.rows import KIND_COLUMNS, REQUEST_COLUMNS
from dmr_tui.monitor.archive.store import Archive
from dmr_tui.runner.request import Request, Slower
from dmr_tui.runner.wire import Timings
from dmr_tui.state.request_filter import RequestFilter

VERSION_1 = Path(__file__).parents[2] / "recordings" / "archive-v1.sqlite3"
"""Written by version 0.1.0 of before: 33 requests, bodies, names and limits of callers."""
HERE = "http://localhost:12434"
EVERYTHING = RequestFilter()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(shutil.copy(VERSION_1, tmp_path / "requests.db"))


def version(path: Path) -> int:
    db = sqlite3.connect(path)
    try:
        return int(db.execute("PRAGMA user_version").fetchone()[0])
    finally:
        db.close()


def opened(path: Path, *, read_only: bool) -> Archive:
    archive = Archive(path, read_only=read_only, keep_days=36_500.0)
    archive.open()
    return archive


def found(archive: Archive, wanted: RequestFilter = EVERYTHING) -> list[Request]:
    return archive.find(wanted, {}, HERE, 1000)


def check(archive: Archive) -> None:
    """Everything that version 1 held is there, as facts."""
    requests = found(archive)
    assert len(requests) == 31
    assert archive.count(EVERYTHING, {}, None) == 33
    slow = [request.slow for request in requests if request.slow is not None]
    assert sorted(slow, key=lambda each: each.baseline) == [
        Slower(7.08, 0.45, hint="CPU full"),
        Slower(40.0, 0.30),
        Slower(42.0, 0.39, concurrent=3),
        Slower(42.3, 0.52, hint="GPU unused"),
        Slower(118.0, 0.41),
        Slower(1230.0, 0.97, concurrent=12),
    ]
    failures = sorted((r.engine_failure, r.error) for r in requests if r.engine_failure)
    assert failures == [
        ("died", ""),
        ("died", "ggml_cuda: out of memory"),
        ("unreachable", ""),
    ]
    full = next(request for request in requests if request.limit == 300.0)
    assert full.timings == Timings(810, 1.25, 9, 2.5, 90, 4, 3)
    assert (full.error, full.tries, full.load_s) == ("slot 17 failed", 2, 3.5)
    assert full.parameters == (("max_tokens", "5"), ("tools", "2"))
    assert full.messages == (("system", 10), ("user", 2000))
    (timed_out,) = found(archive, RequestFilter(words="client left"))
    assert timed_out.limit == 120.0
    assert len(found(archive, RequestFilter(words="slot 17"))) == 2
    assert archive.caller_names() == {"n8n": "Invoices"}
    assert archive.caller_limits() == {"n8n": 120.0, "curl": 5.0}
    kept = next(r for r in requests if archive.bodies(r.id, HERE) is not None)
    assert archive.bodies(kept.id, HERE) == ('{"prompt":"hello"}', '{"answer":"ü\ud800"}')


def test_an_archive_of_version_1_is_read_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    archive = opened(path, read_only=True)
    check(archive)
    archive.close()
    assert path.read_bytes() == before


def test_the_first_that_may_write_rewrites_it(path: Path) -> None:
    archive = opened(path, read_only=False)
    check(archive)
    archive.add([Request("new_1", "ai/x", None, "OpenAI chat", "curl", 1.8e9, "ok", 200)], HERE)
    archive.close()
    assert version(path) == 2
    again = opened(path, read_only=True)
    assert len(found(again)) == 32
    again.close()


def test_no_sentence_of_ours_is_left_in_it(path: Path) -> None:
    opened(path, read_only=False).close()
    db = sqlite3.connect(path)
    text = "\n".join(db.iterdump())
    db.close()
    for words in ("slower than its usual", "calls at once", "engine died", "could not be reached"):
        assert words not in text
    assert "CREATE TABLE requests" in text
    assert "calls" not in text


def test_a_rewriting_that_fails_leaves_it_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rewrite = file.rewrite

    def half(db: sqlite3.Connection, version: int) -> None:
        rewrite(db, version)
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(file, "rewrite", half)
    with pytest.raises(ArchiveFailed):
        opened(path, read_only=False)
    assert version(path) == 1
    archive = opened(path, read_only=True)
    check(archive)
    archive.close()


@pytest.mark.parametrize("read_only", [True, False])
def test_a_column_that_is_not_there_yet(tmp_path: Path, *, read_only: bool) -> None:
    """A field that a later dmr-tui adds to a request."""
    path = tmp_path / "requests.db"
    archive = opened(path, read_only=False)
    archive.add([Request("a_1", "ai/x", None, "OpenAI chat", "curl", 1.8e9, "ok", 200)], HERE)
    archive.close()
    db = sqlite3.connect(path)
    db.execute("ALTER TABLE requests DROP COLUMN window")
    db.execute("ALTER TABLE kinds DROP COLUMN engine_failure")
    db.close()
    archive = opened(path, read_only=read_only)
    (request,) = found(archive)
    assert (request.window, request.engine_failure) == (None, "")
    archive.close()


def test_every_field_of_a_request_has_its_column() -> None:
    held = {*KIND_COLUMNS, *REQUEST_COLUMNS}
    apart = {"id", "timings", "slow", "fingerprint"}
    assert set(Request.__dataclass_fields__) - held == apart
