"""Rows filtered and sorted, without an app: what is cheap is also right."""

import random
from dataclasses import dataclass, replace

import pytest

from dmr_tui.ui.widgets.order import FEW, Order


@dataclass(frozen=True)
class Row:
    key: str
    value: int | None


def by_value(row: Row) -> int | None:
    return row.value


def sorted_anew(rows: tuple[Row, ...], reverse: bool) -> list[Row]:
    known = [row for row in rows if row.value is not None]
    known.sort(key=lambda row: row.value or 0, reverse=reverse)
    return known + [row for row in rows if row.value is None]


@pytest.mark.parametrize("reverse", [False, True])
def test_rows_that_come_at_the_front_and_go_at_the_end(reverse: bool) -> None:
    chance = random.Random(7)
    order: Order[Row] = Order(lambda row: row.key)
    rows = tuple(Row(str(n), chance.choice([None, *range(9)])) for n in range(300))
    order.show(rows)
    order.sort_by(by_value, reverse=reverse)
    for number in range(300, 500):
        new = tuple(Row(f"{number}.{n}", chance.choice([None, 1, 5])) for n in range(number % 3))
        rows = (new + rows)[:300]
        order.show(rows)
        assert list(order.rows) == sorted_anew(rows, reverse)


def test_a_row_that_changes_keeps_its_place_among_equals() -> None:
    order: Order[Row] = Order(lambda row: row.key)
    rows = tuple(Row(str(n), n % 3) for n in range(30))
    order.show(rows)
    order.sort_by(by_value, reverse=False)
    before = [row.key for row in order.rows]
    rows = (*rows[:10], replace(rows[10]), *rows[11:])
    order.show(rows)
    assert [row.key for row in order.rows] == before
    assert any(row is rows[10] for row in order.rows)
    rows = (*rows[:10], replace(rows[10], value=99), *rows[11:])
    order.show(rows)
    assert order.rows[-1] is rows[10]
    assert len(order.rows) == 30


def test_a_filter_and_many_changes_at_once() -> None:
    order: Order[Row] = Order(lambda row: row.key)
    order.sort_by(by_value, reverse=True)
    order.keep(lambda row: row.value != 3)
    for count in (0, 5, 4 * FEW, 1):
        rows = tuple(Row(f"{count}.{n}", n % 7) for n in range(count))
        order.show(rows)
        assert list(order.rows) == sorted_anew(tuple(r for r in rows if r.value != 3), True)
    order.keep(None)
    order.sort_by(None, reverse=False)
    assert order.rows is rows, "as they came, they are not even copied"


def test_places_are_found_from_near() -> None:
    order: Order[Row] = Order(lambda row: row.key)
    order.show(tuple(Row(str(n), n) for n in range(100)))
    assert order.place("7", near=5) == 7
    assert order.place("7", near=90) == 7
    assert order.place("7", near=-3) == order.place("7", near=1000) == 7
    assert order.place("x") is None
