"""Archives of earlier versions: read through views, and rewritten by the first that may write.

Version 1 had the tables `kinds` and `calls`, and held sentences: how slow a request was, and what
became of its engine. Any version may lack columns that a later one added.
"""

import re
import sqlite3

from dmr_tui.monitor.archive.rows import STATEMENTS, TABLES, quoted

_SLOW = re.compile(r"(\d{1,3})% slower than its usual ([\d.e+]{1,12}) tok/s(?:: (.{0,200}))?")
_AT_ONCE = re.compile(r"(\d{1,6}) calls at once")
_HINTS = {
    "the GPU was hardly used, so the processor may have done the work": "GPU unused",
    "the processor was full all the time": "CPU full",
}
_UNREACHABLE = "the engine could not be reached"
_DIED = "the engine died while it answered"


def _after_died(column: str) -> str:
    """Return SQL for a text without what version 1 wrote of the engine in front of it."""
    return (
        f"CASE WHEN {column} = '{_UNREACHABLE}' THEN ''"
        f" WHEN {column} LIKE '{_DIED}%' THEN ltrim(substr({column}, {len(_DIED) + 1}), ': ')"
        f" ELSE {column} END"
    )


_OF_VERSION_1 = {
    "kinds": {
        "limit": "limit_s",
        "engine_failure": f"CASE WHEN error_form = '{_UNREACHABLE}' THEN 'unreachable'"
        f" WHEN error_form LIKE '{_DIED}%' THEN 'died' ELSE '' END",
        "error_form": _after_died("error_form"),
    },
    "requests": {
        "error": _after_died("error"),
        "slow_baseline": "slow_fact(slow, 'baseline')",
        "slow_share": "slow_fact(slow, 'share')",
        "slow_concurrent": "slow_fact(slow, 'concurrent')",
        "slow_hint": "slow_fact(slow, 'hint')",
    },
}
_ABSENT = {"engine_failure": "''"}


def read_as_today(db: sqlite3.Connection, version: int) -> None:
    """Lay views of today's names over tables that are not as today's; for this connection only."""
    for table in TABLES:
        if select := _select(db, table, version):
            db.execute(f"CREATE TEMP VIEW {table} AS {select}")
    if version == 1:
        db.execute(
            "CREATE TEMP VIEW bodies AS SELECT call AS id, request, response FROM main.bodies"
        )


def rewrite(db: sqlite3.Connection, version: int) -> None:
    """Bring the tables to today's form; within a transaction."""
    if version == 1:
        selects = {table: _select(db, table, version) for table in TABLES}
        db.execute("ALTER TABLE kinds RENAME TO kinds_1")
        for name in ("calls_by_key", "calls_by_end"):
            db.execute(f"DROP INDEX IF EXISTS {name}")
        db.execute("ALTER TABLE bodies RENAME COLUMN call TO id")
        for statement in STATEMENTS:
            if "callers" not in statement and "bodies" not in statement:
                db.execute(statement)
        for table, select in selects.items():
            old = select.replace("main.kinds", "main.kinds_1")
            db.execute(f"INSERT INTO {table} ({quoted(_columns(table))}) {old}")
        db.execute("DROP TABLE calls")
        db.execute("DROP TABLE kinds_1")
        return
    for table, columns in TABLES.items():
        there = _there(db, table)
        for column in columns:
            if column not in there:
                default = _ABSENT.get(column, "NULL")
                db.execute(f'ALTER TABLE {table} ADD COLUMN "{column}" DEFAULT {default}')


def is_of_today(db: sqlite3.Connection, version: int) -> bool:
    """Return whether the tables have every column of today."""
    return version != 1 and not any(_select(db, table, version) for table in TABLES)


def _select(db: sqlite3.Connection, table: str, version: int) -> str:
    """Return SQL that reads a table in today's form; empty if it is in that form."""
    db.create_function("slow_fact", 2, _slow_fact, deterministic=True)
    stored = "calls" if table == "requests" and version == 1 else table
    there, special = _there(db, stored), _OF_VERSION_1[table] if version == 1 else {}
    columns = _columns(table)
    if stored == table and not special and there >= set(columns):
        return ""
    parts = [
        (special.get(column) or (f'"{column}"' if column in there else _ABSENT.get(column, "NULL")))
        + f' AS "{column}"'
        for column in columns
    ]
    return f"SELECT {', '.join(parts)} FROM main.{stored}"


def _columns(table: str) -> tuple[str, ...]:
    return ("id", *(("superseded",) if table == "requests" else ()), *TABLES[table])


def _there(db: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in db.execute(f"PRAGMA main.table_info({table})")}


def _slow_fact(sentence: object, fact: str) -> float | int | str | None:
    """Return one fact of a sentence such as "39% slower than its usual 42 tok/s: …"."""
    match = _SLOW.fullmatch(sentence) if isinstance(sentence, str) else None
    if match is None:
        return None
    if fact == "share":
        return int(match[1]) / 100.0
    if fact == "baseline":
        try:
            return float(match[2])
        except ValueError:
            return None
    at_once = _AT_ONCE.fullmatch(match[3] or "")
    if fact == "concurrent":
        return int(at_once[1]) if at_once else 1
    return _HINTS.get(match[3] or "", "")
