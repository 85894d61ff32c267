"""A Request as a row of the archive: what many requests share as their kind, the rest as a row.

The columns are those fields of Request: a new field is stored without a change here.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from dmr_tui.measure.request_numbers import ended
from dmr_tui.monitor.archive.selection import searched_text
from dmr_tui.runner.names import short
from dmr_tui.runner.request import Request, Slower
from dmr_tui.runner.wire import LAST_MOMENT, Timings

LONGEST_ERROR = 2000
"""Characters of an error that are kept."""
SEARCHED_ERROR = 200
"""Characters of an error that a filter's words are looked for in."""
ANY_ERROR = "\x01"
"""The form of all further errors where there are too many forms."""
LARGEST = 2**63 - 1
"""Types that SQLite stores as numbers."""


def _types(hint: Any) -> tuple[type, ...]:
    """Return the types of the values that a field of that type may have."""
    if get_origin(hint) is Literal:
        return (str,)
    parts = get_args(hint) or (hint,)
    # A number without a fraction is a whole one to SQLite.
    return tuple(each for part in parts for each in ((float, int) if part is float else (part,)))


SHARED = (
    "model",
    "digest",
    "api",
    "caller",
    "outcome",
    "status",
    "limit",
    "finish_reason",
    "user_agent",
    "origin",
    "streamed",
    "context_size",
    "engine_failure",
)
"""Fields that many requests share: a filter looks at a few hundred kinds, not at all requests."""
KIND_COLUMNS = ("runner", *SHARED, "stem", "error_form")
"""`stem`: what the ids of its requests begin with; `error_form`: the searched part of its errors,
with one sign for each number in it."""
_OWN = tuple(
    field.name
    for field in fields(Request)
    # What is left out of comparisons holds within one process only.
    if field.compare and field.name not in (*SHARED, "id", "timings", "slow")
)
_TYPES = get_type_hints(Request)
_TIMINGS = Timings.__struct_fields__
_SLOW = tuple(f"slow_{field.name}" for field in fields(Slower))
REQUEST_COLUMNS = ("key", "kind", "ended", "record", *_OWN, *_TIMINGS, *_SLOW)

_CHECKED = tuple(name for name in _OWN if name not in ("parameters", "messages"))
_HINTS = {
    **{name: _TYPES[name] for name in (*SHARED, *_CHECKED)},
    **{name: hint for name, hint in get_type_hints(Timings).items()},
    **{f"slow_{name}": hint for name, hint in get_type_hints(Slower).items()},
}
_ALLOWED = {name: _types(hint) for name, hint in _HINTS.items()}
_CHOICES = {name: get_args(hint) for name, hint in _HINTS.items() if get_origin(hint) is Literal}
_MOST = 2**53
"""A number beyond this, either way, is damage: no column holds larger ones."""
_TIMES = frozenset(name for name in _HINTS if name.endswith("_at"))

_DEFAULTS = {
    field.name: field.default
    for field in fields(Request)
    if field.name in _CHECKED
    and field.default is not MISSING
    and type(None) not in _ALLOWED[field.name]
}

_DIGITS = re.compile(r"\d+")
_MESSAGES = msgspec.json.Decoder(tuple[tuple[str, int], ...])
_PARAMETERS = msgspec.json.Decoder(tuple[tuple[str, str], ...])

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredKind:
    """A kind that is in the archive, and what a filter asks of it."""

    id: int
    facts: Facts
    """By `KIND_COLUMNS`."""
    model: str
    """Short name."""
    exact_text: str
    """Text in which words are searched, as far as all its requests share it; the error follows."""

    @property
    def text(self) -> str:
        """The same with the form of its errors."""
        return self.exact_text + str(self.facts["error_form"])


def masked(text: str) -> str:
    """Return `text` with every number as one sign that cannot be typed."""
    return _DIGITS.sub("\0", text)


def key_of(runner: str, id: str) -> int:
    """Return 63 bits that are the same for the same request in every instance."""
    text = f"{runner}\0{id}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest()) >> 1


def kind_of(request: Request, runner: str, *, any_error: bool) -> tuple[Any, ...]:
    """Return the values of `KIND_COLUMNS`; with `any_error` its error makes no kind of its own."""
    form = masked(_text(request.error)[:SEARCHED_ERROR])
    shared = [_stored(getattr(request, name)) for name in SHARED]
    stem = _text(request.id).rpartition("_")[0]
    return (_text(runner), *shared, stem, ANY_ERROR if form and any_error else form)


def stored_kind(id: int, kind: tuple[Any, ...]) -> StoredKind:
    """Return the kind with that id in the archive."""
    facts = dict(zip(KIND_COLUMNS, kind, strict=True))
    # SQLite has no booleans.
    facts["streamed"] = None if facts["streamed"] is None else bool(facts["streamed"])
    facts["status"] = facts["status"] or 0
    _check(facts, SHARED)
    if not all(isinstance(facts[name], str) for name in ("runner", "stem", "error_form")):
        raise TypeError("a kind is named by text")
    alike = Request(id="", started_at=0.0, **{name: facts[name] for name in SHARED})
    return StoredKind(id, facts, short(alike.model), searched_text(alike))


def row_of(request: Request, runner: str, kind: StoredKind) -> tuple[Any, ...]:
    """Return the values of `REQUEST_COLUMNS`."""
    timings, slow = request.timings or Timings(), request.slow
    return (
        key_of(runner, request.id),
        kind.id,
        ended(request),
        _record(_text(request.id), kind.facts["stem"]),
        *(_stored(getattr(request, name)) for name in _OWN),
        *(_stored(getattr(timings, name)) for name in _TIMINGS),
        *(None if slow is None else getattr(slow, name[5:]) for name in _SLOW),
    )


def request_of(row: tuple[Any, ...], kinds: Mapping[int, StoredKind]) -> Request:
    """Return the request of a row, which has the values of `REQUEST_COLUMNS` but the first."""
    kind_id, _, record, *values = row
    facts = kinds[kind_id].facts
    found = dict(zip(_OWN, values, strict=False))
    timings, slow = values[len(_OWN) : -len(_SLOW)], values[-len(_SLOW) :]
    # Of a column that is younger than the row.
    found |= {name: value for name, value in _DEFAULTS.items() if found[name] is None}
    found["parameters"] = _parameters(found["parameters"]) if found["parameters"] else ()
    found["messages"] = _MESSAGES.decode(found["messages"]) if found["messages"] else ()
    _check(found, _CHECKED)
    _check(dict(zip(_TIMINGS, timings, strict=True)), _TIMINGS)
    if slow[0] is not None:
        _check(dict(zip(_SLOW, slow, strict=True)), _SLOW)
    if not isinstance(record, int | str):
        raise TypeError("an id is a number or a text")
    return Request(
        id=f"{facts['stem']}_{record}" if isinstance(record, int) else record,
        timings=Timings(*timings) if any(each is not None for each in timings) else None,
        slow=None if slow[0] is None else Slower(*slow),
        **{name: facts[name] for name in SHARED},
        **found,
    )


def _check(facts: Facts, names: Iterable[str]) -> None:
    """Raise TypeError for a value that its field cannot have: SQLite holds any in any column."""
    for name in names:
        value = facts[name]
        if not isinstance(value, _ALLOWED[name]):
            raise TypeError(f"{name} is {type(value).__name__}")
        if name in _CHOICES and value not in _CHOICES[name]:
            raise TypeError(f"{name} is {str(value)[:40]!r}")
        if isinstance(value, int | float):
            least = 0 if name in _TIMES or name in _TIMINGS else -_MOST
            if not least <= value <= (LAST_MOMENT if name in _TIMES else _MOST):
                raise TypeError(f"{name} is {value}")


def requests_of(
    rows: Iterable[tuple[Any, ...]],
    kinds: Mapping[int, StoredKind],
    damaged: Callable[[], None] = lambda: None,
) -> Iterator[Request]:
    """Yield the request of each row; a damaged one costs itself alone, and calls `damaged`."""
    for row in rows:
        # Another program may have changed the file, or the disk a byte of it.
        try:
            request = request_of(row, kinds)
        except (msgspec.MsgspecError, LookupError, TypeError, ValueError, OverflowError):
            damaged()
            continue
        yield request


@lru_cache(maxsize=1000)
def _parameters(text: str) -> tuple[tuple[str, str], ...]:
    # A few programs send requests, each with its own options again and again.
    return _PARAMETERS.decode(text)


def _record(id: str, stem: str) -> int | str:
    # An id of DMR is the digest, which the kind has, and nanoseconds.
    digits = id.rpartition("_")[2]
    if digits.isdecimal() and len(digits) <= 19:
        number = int(digits)
        if number <= LARGEST and f"{stem}_{number}" == id:
            return number
    return id


def _stored(value: Any) -> Any:
    """Return a value as SQLite can hold it, or None for a number that an engine made up."""
    if isinstance(value, str):
        return _text(value)[:LONGEST_ERROR]
    if isinstance(value, tuple):
        return _text(msgspec.json.encode(value).decode()) if value else None
    if isinstance(value, int) and abs(value) > LARGEST:
        return None
    return value


def _text(text: str) -> str:
    """Return `text` without what SQLite cannot hold: halves of surrogate pairs."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


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
