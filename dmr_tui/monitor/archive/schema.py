"""The tables of the archive, and what is written into them when more becomes known of a request."""

from dmr_tui.monitor.archive.rows import KIND_COLUMNS, REQUEST_COLUMNS

VERSION = 2
APPLICATION = 0x444D5254
"""Marks the file as ours (`PRAGMA application_id`)."""
TABLES = {"kinds": KIND_COLUMNS, "requests": REQUEST_COLUMNS}
"""The columns without `id`, and without `superseded` of the requests."""


def quoted(columns: tuple[str, ...]) -> str:
    """Return names of columns as SQL: one of them is a keyword."""
    return ", ".join(f'"{column}"' for column in columns)


def _marks(columns: tuple[str, ...]) -> str:
    return ", ".join("?" * len(columns))


STATEMENTS = (
    # Ids are never used again, as another instance may still remember what they meant.
    f"CREATE TABLE kinds (id INTEGER PRIMARY KEY AUTOINCREMENT, {quoted(KIND_COLUMNS)})",
    "CREATE TABLE requests (id INTEGER PRIMARY KEY, superseded INTEGER NOT NULL DEFAULT 0,"
    f" {quoted(REQUEST_COLUMNS)})",
    "CREATE UNIQUE INDEX requests_by_key ON requests (key)",
    "CREATE INDEX requests_by_end ON requests (superseded, ended, kind)",
    "CREATE TABLE callers (caller TEXT PRIMARY KEY, name TEXT, limit_s REAL) WITHOUT ROWID",
    "CREATE TABLE bodies (id INTEGER PRIMARY KEY, request BLOB, response BLOB)",
)

INSERT_KIND = f"INSERT INTO kinds ({quoted(KIND_COLUMNS)}) VALUES ({_marks(KIND_COLUMNS)})"

_OPEN = "(SELECT outcome FROM kinds WHERE id = {}.kind) IN ('in flight', 'end unknown')"
_KEEPS_ITS_END = f"({_OPEN.format('excluded')} AND NOT {_OPEN.format('requests')})"
_MERGED = {
    "kind": f"CASE WHEN {_KEEPS_ITS_END} THEN requests.kind ELSE excluded.kind END",
    "error": f"CASE WHEN {_KEEPS_ITS_END} THEN requests.error ELSE excluded.error END",
    "ended": """CASE WHEN requests.finished_at IS NOT NULL THEN requests.ended
        WHEN excluded.finished_at IS NOT NULL THEN excluded.ended
        ELSE max(requests.ended, excluded.ended) END""",
    # The first to hear of the end was nearest to it.
    "finished_at": "coalesce(requests.finished_at, excluded.finished_at)",
    "request_bytes": "max(requests.request_bytes, excluded.request_bytes)",
    "response_bytes": "max(requests.response_bytes, excluded.response_bytes)",
    # A dashboard that began after the first try takes the second one for the first.
    "tries": "max(requests.tries, excluded.tries)",
    "first_started_at": """min(coalesce(requests.first_started_at, excluded.first_started_at),
        coalesce(excluded.first_started_at, requests.first_started_at))""",
}
_SETS = ", ".join(
    f'"{name}" = ' + _MERGED.get(name, f'coalesce(excluded."{name}", requests."{name}")')
    for name in REQUEST_COLUMNS
    if name != "key"
)
PUT_REQUEST = (
    f"INSERT INTO requests ({quoted(REQUEST_COLUMNS)}) VALUES ({_marks(REQUEST_COLUMNS)})"
    f" ON CONFLICT (key) DO UPDATE SET {_SETS}"
)
"""A known value wins over an unknown one, whichever came first."""
