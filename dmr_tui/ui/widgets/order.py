"""Rows filtered and sorted, at little cost while only a few of many change."""

from collections.abc import Callable, Sequence
from operator import is_
from typing import Any, Generic, TypeVar

R = TypeVar("R")

FEW = 50
"""Rows that come or go at once up to which the others keep their order."""


class Order(Generic[R]):
    """The rows that a table shows of those it was given, in their order.

    Rows are told apart by identity, so that what did not change is not looked at again.
    """

    def __init__(self, key: Callable[[R], str]) -> None:
        self.rows: Sequence[R] = ()
        self._key = key
        self._all: Sequence[R] = ()
        self._values: dict[int, tuple[bool, Any]] = {}
        self._sort: Callable[[R], Any] | None = None
        self._reverse = False
        self._keep: Callable[[R], bool] | None = None

    def show(self, rows: Sequence[R]) -> None:
        """Take new rows."""
        before, self._all = self._all, rows
        if self._sort is None:
            self._arrange()
            return
        come, gone = _difference(before, rows)
        if len(come) > FEW or len(gone) > FEW:
            self._arrange()
        else:
            self._change(come, gone)

    def keep(self, wanted: Callable[[R], bool] | None) -> None:
        """Show only the rows for which `wanted` is true."""
        self._keep = wanted
        self._arrange()

    def sort_by(self, value: Callable[[R], Any] | None, *, reverse: bool) -> None:
        """Sort by a value of each row, those without one last; None: as the rows came."""
        self._sort, self._reverse = value, reverse
        self._arrange()

    def place(self, key: str, near: int = 0) -> int | None:
        """Find the place of the row with that key, from `near` on, as rows move little."""
        near = min(max(near, 0), len(self.rows))
        for span in (range(near, len(self.rows)), range(near)):
            for place in span:
                if self._key(self.rows[place]) == key:
                    return place
        return None

    def _arrange(self) -> None:
        keep = self._keep
        rows = self._all if keep is None else [row for row in self._all if keep(row)]
        if self._sort is not None:
            values = self._values = {id(row): self._value(row) for row in rows}
            rows = sorted(rows, key=lambda row: values[id(row)], reverse=self._reverse)
        self.rows = rows

    def _change(self, come: Sequence[R], gone: Sequence[R]) -> None:
        new = [row for row in come if self._keep is None or self._keep(row)]
        changed = {self._key(row): row for row in new}
        values = self._values
        values.update((id(row), self._value(row)) for row in new)
        rows = list(self.rows)
        dropped: dict[int, R] = {}
        for row in gone:
            now = changed.get(self._key(row))
            if now is not None and values[id(now)] == values.get(id(row)):
                # What changed stays where it was among those that compare equal.
                rows[next(n for n, other in enumerate(rows) if other is row)] = now
                del changed[self._key(row)]
            dropped[id(row)] = row
        if dropped:
            rows = [row for row in rows if id(row) not in dropped]
        for row in reversed(changed.values()):
            rows.insert(self._place_for(row, rows), row)
        for gone_id in dropped:
            values.pop(gone_id, None)
        self.rows = rows

    def _place_for(self, row: R, rows: Sequence[R]) -> int:
        """Find the place of a row: in front of those that compare equal."""
        values, value = self._values, self._values[id(row)]
        low, high = 0, len(rows)
        while low < high:
            middle = (low + high) // 2
            other = values[id(rows[middle])]
            if other > value if self._reverse else other < value:
                low = middle + 1
            else:
                high = middle
        return low

    def _value(self, row: R) -> tuple[bool, Any]:
        assert self._sort is not None
        value = self._sort(row)
        # Rows without a value come last, whichever way the others are sorted.
        return ((value is None) is not self._reverse, 0 if value is None else value)


def _difference(before: Sequence[R], after: Sequence[R]) -> tuple[Sequence[R], Sequence[R]]:
    """Return the rows that came and those that went."""
    if before:
        # Mostly a few came at the front and as many went at the end.
        for grown, row in enumerate(after[: FEW + 1]):
            if row is before[0]:
                kept = min(len(before), len(after) - grown)
                if grown + kept == len(after) and all(map(is_, after[grown:], before)):
                    return after[:grown], before[kept:]
                break
    old, new = set(map(id, before)), set(map(id, after))
    come = [row for row in after if id(row) not in old]
    return come, [row for row in before if id(row) not in new]
