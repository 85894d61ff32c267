"""Cells of the archive that another program, or the disk, has changed: each costs its row."""

import random
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from dmr_tui.monitor.archive.rows import KIND_COLUMNS, REQUEST_COLUMNS
from dmr_tui.monitor.archive.store import Archive
from dmr_tui.runner.request import Request
from dmr_tui.state.request_filter import RequestFilter
from tests.fuzz.damage import RAW
from tests.fuzz.shown import ROUNDS, check_types, show_requests
from tests.monitor.archive.test_archive import FULL, HERE, NOW

WRONG: tuple[str, ...] = (
    *(
        "NULL",
        "'x'",
        "''",
        "x'00ff'",
        "CAST(x'ff' AS TEXT)",
        "CAST(x'eda080' AS TEXT)",
        "zeroblob(9)",
    ),
    *("0", "-1", "7", "1.5", "-1e300", "1e300", "9e999", "-9e999", "9223372036854775807"),
    *(
        "-9223372036854775808",
        "9007199254740993",
        "253402300800",
        "'2026-11-20'",
        "printf('%.*c', 9999, '9')",
    ),
    *(
        "'[]'",
        "'{}'",
        "'[[\"a\", 1]]'",
        "'[[\"a\", 1e400]]'",
        "'[[1,'",
        "printf('%.*c', 2000, '[')",
    ),
    *("char(0)", "char(27) || '[31m'", "char(8238)", "'ok'", "'in flight'", "1", "'died'"),
    *("'" + raw.replace("'", "''") + "'" for raw in RAW if "\0" not in raw and len(raw) < 500),
)
EVERYTHING = RequestFilter()
FILTERS = (
    EVERYTHING,
    RequestFilter(words="17"),
    RequestFilter(words="failed slot"),
    RequestFilter(since=1.0),
)
CALLS = [
    replace(
        FULL,
        id=f"{FULL.digest}_{number}",
        caller=f"caller {number}",
        error=f"slot 17 failed {number}",
        finished_at=NOW + number,
    )
    for number in range(40)
]
INTACT, DAMAGED = CALLS[::2], CALLS[1::2]
LATER = replace(FULL, id="x_4", finished_at=NOW + 100.0)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file whose rows are numbered in the order of CALLS, in each table."""
    path = tmp_path_factory.mktemp("archive") / "requests.db"
    archive = Archive(path, clock=lambda: NOW, bodies=True)
    archive.open()
    archive.add(CALLS, HERE)
    for request in CALLS:
        archive.put_bodies(request.id, HERE, "prompt", "answer")
        archive.name_caller(request.caller, f"the {request.caller}")
        archive.limit_caller(request.caller, 300.0)
    archive.close()
    return path.read_bytes()


def read_all(archive: Archive) -> None:
    """Everything that the dashboard and the commands read."""
    intact = [request.id for request in INTACT]
    for wanted in FILTERS:
        found = archive.find(wanted, {}, None, 100)
        damaged = archive.damaged_rows
        show_requests(found)
        for request in found:
            check_types(request)
        if wanted is EVERYTHING:
            assert set(intact) <= {request.id for request in found}
            assert len(found) + damaged == archive.count(wanted, {}, None), "each is counted"
        list(archive.walk(wanted, {}, HERE))
        archive.added_after(0, wanted, {})
        archive.count(wanted, {}, HERE)
    for request in CALLS:
        one = archive.find_one(request.id, HERE)
        assert one is not None or request not in INTACT
        bodies = archive.bodies(request.id, HERE)
        assert bodies is None or all(each.encode() is not None for each in bodies)
    names, limits = archive.caller_names(), archive.caller_limits()
    assert all(each.encode() is not None for pair in names.items() for each in pair)
    assert all(0.0 < each < 1e9 for each in limits.values())
    for request in INTACT:
        assert names[request.caller] == f"the {request.caller}"
        assert limits[request.caller] == 300.0
        assert archive.bodies(request.id, HERE) == ("prompt", "answer")


TABLES = {
    "requests": [f'"{each}"' for each in (*REQUEST_COLUMNS, "superseded")],
    "kinds": [f'"{each}"' for each in KIND_COLUMNS],
    "callers": ["caller", "name", "limit_s"],
    "bodies": ["request", "response"],
}


@pytest.mark.parametrize("table", TABLES)
def test_a_damaged_cell_costs_its_row(tmp_path: Path, whole: bytes, table: str) -> None:
    rng = random.Random(table)
    path = tmp_path / "requests.db"
    cells = [f"{column} = {value}" for column in TABLES[table] for value in WRONG]
    rng.shuffle(cells)
    cells = cells[: 5 * len(DAMAGED) * ROUNDS]
    while cells:
        path.write_bytes(whole)
        damages = {request: cells.pop() for request in DAMAGED if cells}
        damage(path, table, damages)
        archive = Archive(path, clock=lambda: NOW + 100.0, bodies=True, keep_days=1.0)
        try:
            archive.open()
            read_all(archive)
            # The dashboard goes on with this file: it adds to it, and deletes from it.
            archive.add([*DAMAGED, LATER], HERE)
            archive.prune()
            show_requests(archive.find(EVERYTHING, {}, None, 100))
            assert archive.find_one(LATER.id, HERE) == LATER
        except Exception as error:
            error.add_note(f"{table}: {list(damages.values())}")
            raise
        finally:
            archive.close()


def damage(path: Path, table: str, damages: dict[Request, str]) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        for request, cell in damages.items():
            row = f"id = {CALLS.index(request) + 1}"
            if table == "callers":
                row = f"caller = '{request.caller}'"
            # Some cells have to be of one kind or of their own, which SQLite sees to.
            with suppress(sqlite3.IntegrityError):
                db.execute(f"UPDATE {table} SET {cell} WHERE {row}")
        db.execute("COMMIT")
