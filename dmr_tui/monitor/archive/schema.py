"""The tables of the archive, and what is written into them when more becomes known of a call."""

from dmr_tui.monitor.archive.rows import CALL_COLUMNS, KIND_COLUMNS

VERSION = 1
APPLICATION = 0x444D5254
"""Marks the file as ours (`PRAGMA application_id`)."""

STATEMENTS = (
    # Ids are never used again, as another instance may still remember what they meant.
    """CREATE TABLE kinds (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        runner TEXT NOT NULL,
        model TEXT NOT NULL,
        digest TEXT,
        api TEXT NOT NULL,
        caller TEXT NOT NULL,
        outcome TEXT NOT NULL,
        status INTEGER NOT NULL,
        limit_s REAL,
        finish_reason TEXT,
        user_agent TEXT NOT NULL,
        origin TEXT NOT NULL,
        streamed INTEGER,
        context_size INTEGER,
        stem TEXT NOT NULL,
        error_form TEXT NOT NULL
    )""",
    """CREATE TABLE calls (
        id INTEGER PRIMARY KEY,
        key INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        superseded INTEGER NOT NULL DEFAULT 0,
        ended REAL NOT NULL,
        record NOT NULL,
        started_at REAL NOT NULL,
        finished_at REAL,
        first_started_at REAL,
        processing_at REAL,
        load_s REAL,
        prompt_tokens INTEGER,
        cached_tokens INTEGER,
        completion_tokens INTEGER,
        prompt_n INTEGER,
        prompt_ms REAL,
        predicted_n INTEGER,
        predicted_ms REAL,
        cache_n INTEGER,
        draft_n INTEGER,
        draft_n_accepted INTEGER,
        message_count INTEGER,
        request_bytes INTEGER NOT NULL,
        response_bytes INTEGER NOT NULL,
        window INTEGER,
        tries INTEGER NOT NULL,
        parameters TEXT,
        messages TEXT,
        error TEXT,
        slow TEXT
    )""",
    "CREATE UNIQUE INDEX calls_by_key ON calls (key)",
    "CREATE INDEX calls_by_end ON calls (superseded, ended, kind)",
    "CREATE TABLE callers (caller TEXT PRIMARY KEY, name TEXT, limit_s REAL) WITHOUT ROWID",
    "CREATE TABLE bodies (call INTEGER PRIMARY KEY, request BLOB, response BLOB)",
)

INSERT_KIND = (
    f"INSERT INTO kinds ({', '.join(KIND_COLUMNS)}) VALUES ({', '.join('?' * len(KIND_COLUMNS))})"
)

_OPEN = "(SELECT outcome FROM kinds WHERE id = {}.kind) IN ('in flight', 'end unknown')"
_KEEPS_ITS_END = f"({_OPEN.format('excluded')} AND NOT {_OPEN.format('calls')})"
_MERGED = {
    "kind": f"CASE WHEN {_KEEPS_ITS_END} THEN calls.kind ELSE excluded.kind END",
    "error": f"CASE WHEN {_KEEPS_ITS_END} THEN calls.error ELSE excluded.error END",
    "ended": """CASE WHEN calls.finished_at IS NOT NULL THEN calls.ended
        WHEN excluded.finished_at IS NOT NULL THEN excluded.ended
        ELSE max(calls.ended, excluded.ended) END""",
    # Whoever heard of the end first was nearest to it.
    "finished_at": "coalesce(calls.finished_at, excluded.finished_at)",
    "request_bytes": "max(calls.request_bytes, excluded.request_bytes)",
    "response_bytes": "max(calls.response_bytes, excluded.response_bytes)",
    # A dashboard that began after the first try takes the second one for the first.
    "tries": "max(calls.tries, excluded.tries)",
    "first_started_at": """min(coalesce(calls.first_started_at, excluded.first_started_at),
        coalesce(excluded.first_started_at, calls.first_started_at))""",
}
_SETS = ", ".join(
    f"{name} = {_MERGED.get(name, f'coalesce(excluded.{name}, calls.{name})')}"
    for name in CALL_COLUMNS
    if name != "key"
)
PUT_CALL = (
    f"INSERT INTO calls ({', '.join(CALL_COLUMNS)})"
    f" VALUES ({', '.join('?' * len(CALL_COLUMNS))})"
    f" ON CONFLICT (key) DO UPDATE SET {_SETS}"
)
"""What is known wins over what is not, whichever came first."""
