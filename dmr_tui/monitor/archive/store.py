"""The requests that ended, kept across restarts in one SQLite file: numbers, no prompts."""

import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dmr_tui.monitor.archive.file import (
    ArchiveDamaged,
    ArchiveFailed,
    failures,
    identity,
    open_to_read,
    open_to_write,
    transaction,
)
from dmr_tui.monitor.archive.kinds import Kinds
from dmr_tui.monitor.archive.rows import (
    PUT_REQUEST,
    REQUEST_COLUMNS,
    key_of,
    quoted,
    requests_of,
    row_of,
)
from dmr_tui.runner.request import Request
from dmr_tui.state.request_filter import CallerNames, RequestFilter

__all__ = ["Archive", "ArchiveDamaged", "ArchiveFailed"]

PRUNED_TO = 0.95
"""Share of the allowed size that is left by a deletion, so that it is not done each time."""
PRUNED_TOGETHER = 5000
"""Requests in one transaction: meanwhile another instance has to wait."""
PRUNED_AT_ONCE = 20_000
"""Requests that one `prune` deletes at the most: meanwhile nothing can be read."""

LONGEST_LIMIT_S = 1e6
"""A longer time limit of a caller was not set by a user."""
LONGEST_BODY = 2**26
"""Bytes of a body; a few bytes of a damaged one can become gigabytes."""

_COLUMNS = quoted(REQUEST_COLUMNS[1:])


class Archive:
    """One file, which several instances may have open; used by one thread at a time.

    Its methods raise ArchiveFailed, and ArchiveDamaged if `open` has to be called again.
    """

    def __init__(
        self,
        path: Path,
        *,
        keep_days: float = 30.0,
        keep_mb: float = 500.0,
        bodies: bool = False,
        read_only: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._keep_s = keep_days * 86_400.0
        self._keep_bytes = keep_mb * 1e6
        self._with_bodies = bodies
        self._read_only = read_only
        self._clock = clock
        self._db: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._damaged: tuple[int, int] | None = None
        self._kinds: Kinds | None = None
        self.damaged_rows = 0

    def open(self) -> str:
        """Open the file or begin a new one; return a message for the user, mostly none."""
        self.close()
        message = ""
        with failures(self.path):
            if self._read_only:
                self._db = open_to_read(self.path)
            else:
                self._db, message = open_to_write(self.path, self._damaged, self._clock)
        self._identity = identity(self.path)
        self._kinds = Kinds(self._db)
        return message

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            with failures(self.path):
                self._db.close()
            self._db = self._kinds = None

    def add(self, requests: Sequence[Request], runner: str) -> None:
        """Keep these requests; of one that is there already, what is known wins."""
        with self._writing() as (db, kinds):
            stored = kinds.put(requests, runner)
            rows = (row_of(r, runner, kind) for r, kind in zip(requests, stored, strict=True))
            db.executemany(PUT_REQUEST, rows)

    def supersede(self, ids: Sequence[str], runner: str) -> None:
        """Mark tries that a later one stands for: only `find_one` finds them."""
        with self._writing() as (db, _):
            keys = [(key_of(runner, id),) for id in ids]
            db.executemany("UPDATE requests SET superseded = 1 WHERE key = ?", keys)

    def find(
        self, wanted: RequestFilter, names: CallerNames, runner: str | None, limit: int
    ) -> list[Request]:
        """Return the newest requests that are wanted, of one runner or of all; the newest first.

        `damaged_rows` then says how many of them could not be read.
        """
        self.damaged_rows = 0
        with self._reading() as (_, kinds):
            rows = self._select(
                _COLUMNS, wanted, names, runner, order="ORDER BY ended DESC", limit=limit
            )
            return list(requests_of(rows, kinds.by_id, self._count_damaged))

    def walk(
        self, wanted: RequestFilter, names: CallerNames, runner: str | None
    ) -> Generator[Request, None, None]:
        """Yield all wanted requests, the oldest first; ask nothing else until its end.

        `damaged_rows` then says how many of them could not be read.
        """
        self.damaged_rows = 0
        with self._reading() as (_, kinds):
            rows = self._select(_COLUMNS, wanted, names, runner, order="ORDER BY ended")
            yield from requests_of(rows, kinds.by_id, self._count_damaged)

    def count(self, wanted: RequestFilter, names: CallerNames, runner: str | None) -> int:
        """Return how many requests are wanted."""
        with self._reading():
            return int(next(self._select("count(*)", wanted, names, runner), (0,))[0])

    def added_after(
        self, place: int, wanted: RequestFilter, names: CallerNames
    ) -> tuple[list[Request], int]:
        """Return the wanted requests that were added since, and the place from which to go on."""
        with self._reading() as (db, kinds):
            (last,) = db.execute("SELECT coalesce(max(id), 0) FROM requests").fetchone()
            rows = self._select(_COLUMNS, wanted, names, None, order="ORDER BY id", after=place)
            return list(requests_of(rows, kinds.by_id)), last

    def last_place(self) -> int:
        """Return the place of the request that was added last."""
        with self._reading() as (db, _):
            return int(db.execute("SELECT coalesce(max(id), 0) FROM requests").fetchone()[0])

    def find_one(self, id: str, runner: str) -> Request | None:
        """Return that request, also if a later try stands for it."""
        with self._reading() as (db, kinds):
            sql = f"SELECT {_COLUMNS} FROM requests WHERE key = ?"
            rows = db.execute(sql, (key_of(runner, id),))
            return next(requests_of(rows, kinds.by_id), None)

    def name_caller(self, caller: str, name: str) -> None:
        """Call a caller by a name; an empty one gives its own back."""
        self._note_caller(caller, "name", name or None)

    def caller_names(self) -> dict[str, str]:
        """Return the names that the user gave, by the caller's own name."""
        return self._noted("name", "typeof(name) = 'text' AND name <> ''")

    def limit_caller(self, caller: str, seconds: float | None) -> None:
        """Remember after how many seconds a caller hangs up."""
        self._note_caller(caller, "limit_s", seconds)

    def caller_limits(self) -> dict[str, float]:
        """Return the time limits that the user set, in seconds, by the caller's own name."""
        return self._noted(
            "limit_s", f"typeof(limit_s) = 'real' AND limit_s BETWEEN 0.001 AND {LONGEST_LIMIT_S}"
        )

    def put_bodies(self, id: str, runner: str, request_text: str, response_text: str) -> None:
        """Keep what was sent with a request that is in the archive, if bodies are to be kept."""
        if not self._with_bodies:
            return
        packed = [
            zlib.compress(text.encode("utf-8", "surrogatepass"))
            for text in (request_text, response_text)
        ]
        with self._writing() as (db, _):
            db.execute(
                "INSERT OR REPLACE INTO bodies (id, request, response)"
                " SELECT id, ?, ? FROM requests WHERE key = ?",
                (*packed, key_of(runner, id)),
            )

    def bodies(self, id: str, runner: str) -> tuple[str, str] | None:
        """Prompt and answer; None if they were not kept."""
        with self._reading() as (db, _):
            row = db.execute(
                "SELECT request, response FROM bodies"
                " WHERE id = (SELECT id FROM requests WHERE key = ?)",
                (key_of(runner, id),),
            ).fetchone()
        if row is None:
            return None
        try:
            request, response = map(_unpacked, row)
        except (zlib.error, TypeError, UnicodeDecodeError):
            return None
        return request, response

    def prune(self) -> int:
        """Delete what is too old or too much, a part of it if it is very much; return how many."""
        deleted = self._prune_age()
        if self._size() > self._keep_bytes:
            deleted += self._prune_size(PRUNED_AT_ONCE - deleted)
        if deleted:
            self._shrink()
        return deleted

    def _prune_age(self) -> int:
        oldest, deleted = self._clock() - self._keep_s, 0
        too_old = "WHERE superseded IN (0, 1) AND ended < ? LIMIT ?"
        while deleted < PRUNED_AT_ONCE and (
            count := self._delete(too_old, oldest, PRUNED_TOGETHER)
        ):
            deleted += count
        return deleted

    def _prune_size(self, most: int) -> int:
        with self._reading() as (db, _):
            (requests,) = db.execute("SELECT count(*) FROM requests").fetchone()
        mean = self._size() / max(1, requests)
        deleted = 0
        while deleted < most and (excess := self._size() - PRUNED_TO * self._keep_bytes) > 0.0:
            # In the order in which they came: a clock that jumped does not matter.
            count = self._delete("ORDER BY id LIMIT ?", min(PRUNED_TOGETHER, 1 + excess // mean))
            if not count:
                break
            deleted += count
        return deleted

    def _delete(self, which: str, *values: float) -> int:
        with self._reading() as (db, _):
            ids = db.execute(f"SELECT id FROM requests {which}", values).fetchall()
        if ids:
            with self._writing() as (db, _):
                db.executemany("DELETE FROM bodies WHERE id = ?", ids)
                db.executemany("DELETE FROM requests WHERE id = ?", ids)
        return len(ids)

    def _size(self) -> int:
        with self._reading() as (db, _):
            page, pages, free = (
                int(db.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_size", "page_count", "freelist_count")
            )
            return page * (pages - free)

    def _shrink(self) -> None:
        with self._writing() as (db, _):
            db.execute("DELETE FROM kinds WHERE id NOT IN (SELECT kind FROM requests)")
        with self._open_file() as (db, _):
            # It frees one page each step, and `execute` makes a single one.
            db.executescript("PRAGMA incremental_vacuum")
            # The file itself gets smaller only when the log is taken over into it.
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _count_damaged(self) -> None:
        self.damaged_rows += 1

    def _note_caller(self, caller: str, column: str, value: str | float | None) -> None:
        with self._writing() as (db, _):
            db.execute(
                f"INSERT INTO callers (caller, {column}) VALUES (?1, ?2)"
                f" ON CONFLICT (caller) DO UPDATE SET {column} = excluded.{column}",
                (caller, value),
            )
            db.execute("DELETE FROM callers WHERE name IS NULL AND limit_s IS NULL")

    def _noted(self, column: str, condition: str) -> dict[str, Any]:
        # What is of another type, or cannot be meant, is left out.
        with self._reading() as (db, _):
            sql = f"SELECT caller, {column} FROM callers WHERE typeof(caller) = 'text' AND "
            return dict(db.execute(sql + condition).fetchall())

    def _select(
        self,
        columns: str,
        wanted: RequestFilter,
        names: CallerNames,
        runner: str | None,
        *,
        order: str = "",
        limit: int = -1,
        after: int | None = None,
    ) -> Iterator[tuple[Any, ...]]:
        db, kinds = self._connection()
        chosen = kinds.chosen(wanted, names, runner)
        if not chosen.surely and not chosen.perhaps:
            return iter(())
        conditions, values = ["superseded = 0"], list[Any]()
        if wanted.since is not None:
            conditions.append("ended >= ?")
            values.append(wanted.since)
        if after is not None:
            # Few are new: found by their id instead of by walking all that is there.
            conditions = ["+superseded = 0", "id > ?", *conditions[1:]]
            values.insert(0, after)
        if not chosen.all:
            is_kind = "kind IN (SELECT value FROM json_each(?))"
            conditions.append(is_kind)
            values.append(json.dumps(chosen.surely))
        if chosen.perhaps:
            conditions[-1] = f"({is_kind} OR ({is_kind} AND is_wanted(kind, error)))"
            values.append(json.dumps(chosen.perhaps))
            db.create_function(
                "is_wanted", 2, lambda kind, error: kinds.matches_error(wanted, names, kind, error)
            )
        sql = f"SELECT {columns} FROM requests WHERE {' AND '.join(conditions)} {order} LIMIT ?"
        return db.execute(sql, (*values, limit))

    @contextmanager
    def _reading(self) -> Iterator[tuple[sqlite3.Connection, Kinds]]:
        """Everything within sees the same state of the file."""
        with self._open_file() as (db, kinds), transaction(db, "BEGIN"):
            kinds.read()
            yield db, kinds

    @contextmanager
    def _writing(self) -> Iterator[tuple[sqlite3.Connection, Kinds]]:
        with self._open_file() as (db, kinds), transaction(db):
            yield db, kinds

    @contextmanager
    def _open_file(self) -> Iterator[tuple[sqlite3.Connection, Kinds]]:
        # Another instance may have moved a damaged file aside, or the user deleted it.
        if self._db is None or identity(self.path) != self._identity:
            self.open()
        try:
            with failures(self.path):
                yield self._connection()
        except BaseException as error:
            if self._kinds is not None:
                # What was added to them may have been taken back.
                self._kinds.forget()
            if isinstance(error, ArchiveDamaged):
                self._damaged = self._identity
            raise

    def _connection(self) -> tuple[sqlite3.Connection, Kinds]:
        assert self._db is not None
        assert self._kinds is not None
        return self._db, self._kinds


def _unpacked(packed: Any) -> str:
    """Return the text of a body. Raises zlib.error, UnicodeDecodeError, TypeError if it is none."""
    stream = zlib.decompressobj()
    text = stream.decompress(packed, LONGEST_BODY)
    if not stream.eof:
        raise zlib.error("it goes on, or is cut off")
    return text.decode("utf-8", "surrogatepass")
