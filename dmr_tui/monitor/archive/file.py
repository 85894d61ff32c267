"""The archive's file: opened, made, or moved aside; its failures in words."""

import errno
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from shutil import disk_usage

from dmr_tui.monitor.archive.rows import APPLICATION, STATEMENTS, VERSION
from dmr_tui.monitor.archive.versions import is_of_today, read_as_today, rewrite

BUSY_S = 2.0
"""Seconds to wait for another instance."""
MAGIC = b"SQLite format 3\0"
HEADER = 100
"""Bytes at the beginning of every database; those from 68 to 71 name the program."""
NO_ROOM = 2**16
"""Free bytes below which an error of the disk means that it is full."""
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

Identity = tuple[int, int]
"""Device and inode: the same file, whatever its name."""


class ArchiveFailed(Exception):
    """The archive cannot be used; the text says why."""


class ArchiveDamaged(ArchiveFailed):
    """The file holds no archive that this version can read."""


def identity(path: Path) -> Identity | None:
    """Return the identity of the file that has that name now."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def failures(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into ArchiveFailed."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _failure(error, path) from error


def _failure(error: Exception, path: Path) -> ArchiveFailed:
    # The lower byte is the kind of error, the rest says more of it.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return ArchiveDamaged(f"{path} is damaged: {error}")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return ArchiveFailed("the file is locked by another program")
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
        return ArchiveFailed(f"it cannot be written: {error}: {path}")
    # Where a file beside it could not grow, SQLite has other words for that.
    unsure = code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
    no_room = code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in _NO_ROOM
    if no_room or (unsure and _is_full(path)):
        return ArchiveFailed("the disk is full")
    if isinstance(error, OSError):
        return ArchiveFailed(f"it cannot be written: {error.strerror}: {error.filename or path}")
    if code == sqlite3.SQLITE_CANTOPEN:
        return ArchiveFailed(f"it cannot be opened: {error}: {path}")
    return ArchiveFailed(f"it cannot be used: {error}: {path}")


def _is_full(path: Path) -> bool:
    try:
        return disk_usage(path.parent).free < NO_ROOM
    except OSError:
        return False


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the archive as it is; nothing is changed or moved."""
    _refuse_no_file(path)
    try:
        return _viewed(path, "?mode=ro")
    except sqlite3.OperationalError as error:
        cannot_share = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
        if error.sqlite_errorcode & 0xFF not in cannot_share or _logs(path)[0].exists():
            raise
        # Nothing can be written beside it, so that no other program writes into it either.
        return _viewed(path, "?mode=ro&immutable=1")


def _viewed(path: Path, options: str) -> sqlite3.Connection:
    db, version = _connected(path, options)
    try:
        if version:
            read_as_today(db, version)
    except BaseException:
        db.close()
        raise
    return db


def open_to_write(
    path: Path, damaged: Identity | None, clock: Callable[[], float]
) -> tuple[sqlite3.Connection, str]:
    """Return the archive, and a message for the user if a new one was begun.

    `damaged` is a file that was found to be damaged at work, though it opens.
    """
    _make(path)
    if (opened := _tried(path, damaged)) is not None:
        return opened, ""
    with _alone(path):
        # Meanwhile another instance may have moved it aside: then there is a good one.
        if (opened := _tried(path, damaged)) is not None:
            return opened, ""
        aside = _move_aside(path, clock())
        _make_alone(path)
        message = f"the archive was damaged and is now {aside.name}; a new one was begun"
        return _begin(path, None), message


def _tried(path: Path, damaged: Identity | None) -> sqlite3.Connection | None:
    """Return the archive; None if it is damaged.

    Raises ArchiveFailed for the file of another program.
    """
    with path.open("rb") as file:
        head = file.read(HEADER)
    foreign = ArchiveFailed(f"{path} is no archive of dmr-tui: move it away, or name another file")
    if head and not head.startswith(MAGIC):
        raise foreign
    try:
        return _begin(path, damaged)
    except ArchiveDamaged:
        pass
    except sqlite3.DatabaseError as error:
        if not isinstance(_failure(error, path), ArchiveDamaged):
            raise
    # However damaged the rest is, the first page says whose it is.
    if head[68:72] != APPLICATION.to_bytes(4, "big"):
        raise foreign
    return None


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists() and any(log.exists() for log in _logs(path)):
        with _alone(path):
            _make_alone(path)
    else:
        _touch(path)


def _make_alone(path: Path) -> None:
    # The user may have deleted the file without its log, which does not belong to the next one;
    # once there is a next one, it is not known any more whose log it is.
    if not path.exists():
        for log in _logs(path):
            log.unlink(missing_ok=True)
    _touch(path)


def _logs(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in ("-wal", "-shm")]


def _refuse_no_file(path: Path) -> None:
    # Opening a pipe without a writer would wait for ever.
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ArchiveFailed(f"{path} is no file")


def _touch(path: Path) -> None:
    _refuse_no_file(path)
    # SQLite gives the files beside it the mode that this one has.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _begin(path: Path, damaged: Identity | None) -> sqlite3.Connection:
    if damaged is not None and identity(path) == damaged:
        raise ArchiveDamaged(f"{path} is damaged")
    db, version = _connected(path)
    try:
        if version == 0:
            _create(db)
        elif not is_of_today(db, version):
            _migrate(db)
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA journal_size_limit = 4194304")
    except BaseException:
        db.close()
        raise
    return db


def _connected(path: Path, options: str = "") -> tuple[sqlite3.Connection, int]:
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}{options}" if options else path,
        uri=bool(options),
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    # The disk may have changed any byte: that costs the text, and not the whole answer.
    db.text_factory = partial(str, encoding="utf-8", errors="replace")
    try:
        return db, _check(db, path)
    except BaseException:
        db.close()
        raise


def _check(db: sqlite3.Connection, path: Path) -> int:
    """Return the version of its tables, 0 if it has none."""
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not tables:
        return 0
    (application,) = db.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION:
        raise ArchiveFailed(f"{path} belongs to another program")
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > VERSION:
        raise ArchiveFailed(f"{path} was made by a newer dmr-tui: update, or name another file")
    db.execute(f"SELECT max(id) FROM {'calls' if version == 1 else 'requests'}").fetchone()
    return version


def _create(db: sqlite3.Connection) -> None:
    # Has to be said before anything is written.
    db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    _use_log(db)
    with transaction(db):
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            for statement in STATEMENTS:
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(f"PRAGMA user_version = {VERSION}")


def _migrate(db: sqlite3.Connection) -> None:
    """Bring an older archive to today's form; a failure leaves it as it was."""
    with transaction(db):
        # Another instance may have done so while this one waited.
        version = int(db.execute("PRAGMA user_version").fetchone()[0])
        if not is_of_today(db, version):
            rewrite(db, version)
            db.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def transaction(db: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """Do what follows as a whole, or not at all."""
    db.execute(begin)
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # A full disk may have ended it already.
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _use_log(db: sqlite3.Connection) -> None:
    # Changing the mode does not wait for others as everything else does.
    until = time.monotonic() + BUSY_S
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Only one instance at a time looks for damage and moves the file aside."""
    lock = path.with_name(f"{path.name}.lock")
    _touch(lock)
    with closing(sqlite3.connect(lock, timeout=10.0, isolation_level=None)) as db:
        # An empty database stays empty: only its lock is used, which ends with the process.
        db.execute("BEGIN EXCLUSIVE")
        yield


def _move_aside(path: Path, now: float) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(now))
    name, number = f"{path.stem}.damaged-{stamp}", 1
    aside = path.with_name(f"{name}{path.suffix}")
    while aside.exists():
        number += 1
        aside = path.with_name(f"{name}-{number}{path.suffix}")
    # The log first: beside a new file of this name it would be played into that one.
    for old, new in zip([*_logs(path), path], [*_logs(aside), aside], strict=True):
        with suppress(FileNotFoundError):
            old.rename(new)
    return aside
