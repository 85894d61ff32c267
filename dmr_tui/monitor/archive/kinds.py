"""The kinds of requests that the archive holds, and which of them a filter wants."""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from typing import Any

from msgspec.structs import replace

from dmr_tui.monitor.archive.rows import (
    ANY_ERROR,
    INSERT_KIND,
    KIND_COLUMNS,
    SEARCHED_ERROR,
    StoredKind,
    kind_of,
    masked,
    quoted,
    stored_kind,
)
from dmr_tui.monitor.archive.selection import matches_kind
from dmr_tui.runner.request import Request
from dmr_tui.state.request_filter import CallerNames, RequestFilter

MOST_FORMS = 2000
"""Kinds from which on errors do not make further ones: looking through them would take longer."""
MOST_KINDS = 10_000
"""Kinds from which on a new caller is one of OTHERS: a client may call itself anything."""
OTHERS = "other clients"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The kinds of the requests that a filter wants."""

    surely: list[int]
    """All of their requests are wanted."""
    perhaps: list[int]
    """The error of a request decides, as a word may be a number in it."""
    all: bool
    """`surely` are all that there are."""


class Kinds:
    """A copy of the table `kinds`, which other instances write into as well."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.by_id: dict[int, StoredKind] = {}
        self._db = db
        self._ids: dict[tuple[Any, ...], int] = {}
        self._seen: tuple[int, int] = (0, 0)

    def read(self) -> None:
        """Read the table if it has changed; within the transaction that needs it."""
        # Ids only grow, so that every insert and every delete changes one of these.
        seen = self._db.execute("SELECT count(*), coalesce(max(id), 0) FROM kinds").fetchone()
        if seen == self._seen:
            return
        rows = self._db.execute(f"SELECT id, {quoted(KIND_COLUMNS)} FROM kinds").fetchall()
        self.by_id = {}
        for id, *kind in rows:
            # A damaged kind costs the requests that are of it.
            with suppress(TypeError):
                self.by_id[id] = stored_kind(id, tuple(kind))
        self._ids = {row[1:]: row[0] for row in rows}
        self._seen = seen

    def put(self, requests: Iterable[Request], runner: str) -> list[StoredKind]:
        """Return the kind of each request, added if it is new; within a transaction."""
        self.read()
        return [self._put(request, runner) for request in requests]

    def _put(self, request: Request, runner: str) -> StoredKind:
        kind = kind_of(request, runner, any_error=False)
        if kind not in self._ids and kind[-1] and len(self.by_id) >= MOST_FORMS:
            kind = kind_of(request, runner, any_error=True)
        if kind not in self._ids and len(self.by_id) >= MOST_KINDS:
            unnamed = replace_fields(request, caller=OTHERS, user_agent="", origin="")
            kind = kind_of(unnamed, runner, any_error=True)
        id = self._ids.get(kind)
        if id is None:
            id = self._db.execute(INSERT_KIND, kind).lastrowid or 0
            self._ids[kind] = id
            self.by_id[id] = stored_kind(id, kind)
            self._seen = (len(self.by_id), id)
        return self.by_id[id]

    def forget(self) -> None:
        """The transaction was rolled back: read the table next time."""
        self._seen = (-1, -1)

    def chosen(self, wanted: RequestFilter, names: CallerNames, runner: str | None) -> Chosen:
        """Return the kinds with requests that `wanted` matches, whatever its time."""
        words = masked(wanted.words)
        numbers = words != wanted.words
        roughly = replace(wanted, words=words)
        anything = replace(wanted, words="")
        surely, perhaps = [], []
        for id, stored in self.by_id.items():
            kind = stored.facts
            if runner is not None and kind["runner"] != runner:
                continue
            caller = names.get(kind["caller"], kind["caller"])
            properties = stored.model, caller, kind["outcome"]
            if matches_kind(wanted, *properties, stored.text):
                surely.append(id)
            elif kind["error_form"] == ANY_ERROR:
                if matches_kind(anything, *properties, ""):
                    perhaps.append(id)
            elif (
                numbers
                and "\0" in kind["error_form"]
                and matches_kind(roughly, *properties, masked(f"{stored.text} {caller}"))
            ):
                perhaps.append(id)
        return Chosen(surely, perhaps, len(surely) == len(self.by_id))

    def matches_error(
        self, wanted: RequestFilter, names: CallerNames, kind_id: int, error: str | None
    ) -> bool:
        """Return whether a request of that kind with that error is wanted."""
        stored = self.by_id[kind_id]
        caller = names.get(stored.facts["caller"], stored.facts["caller"])
        text = stored.exact_text + (error if isinstance(error, str) else "")[:SEARCHED_ERROR]
        return matches_kind(wanted, stored.model, caller, stored.facts["outcome"], text)
