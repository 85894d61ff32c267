"""JSON from outside: one number, entry or record that cannot be read costs itself, and no more."""

import json
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from dmr_tui.runner import wire
from dmr_tui.runner.errors.failures import BadAnswer

T = TypeVar("T")

LARGEST = 2**53
"""The largest whole number that every JSON reader and SQLite keep exactly."""
UNREADABLE = (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError)
"""Errors of reading any text as JSON."""


class Entries(list[T]):
    """The entries of a list that could be read."""

    unreadable = 0
    """Number of the others."""


def read_json(text: bytes | str, form: type[T] | Any) -> T:
    """The JSON in `text` as `form`; a number beyond LARGEST is read as null.

    Raises one of UNREADABLE if it is something else.
    """
    try:
        value: T = msgspec.json.decode(text, type=form)
    except msgspec.MsgspecError:
        # Slower, and only for what is damaged: JSON allows numbers that nothing can count with.
        plain = json.loads(text, parse_int=_whole, parse_float=_real, parse_constant=_nothing)
        # As JSON again, for parts that are read later.
        value = msgspec.json.decode(msgspec.json.encode(_printable(plain)), type=form)
    return value


def _printable(value: Any) -> Any:
    """Return `value` without halves of characters, which no file and no terminal takes."""
    if isinstance(value, str):
        # Most of what is long is plain, and need not be copied twice.
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_printable(each) for each in value]
    if isinstance(value, dict):
        return {_printable(key): _printable(each) for key, each in value.items()}
    return value


def _whole(digits: str) -> int | None:
    # Python refuses more than 4,300 digits, and takes long for fewer.
    return int(digits) if len(digits) < 17 else None


def _real(digits: str) -> float | None:
    value = float(digits[:400])
    return value if abs(value) <= LARGEST else None


def _nothing(word: str) -> None:
    """NaN and the infinities, which are no JSON."""


def decode(body: bytes, form: type[T] | Any) -> T:
    """The JSON of `body` as `form`. Raises BadAnswer if it is something else."""
    try:
        answer: T = read_json(body, form)
        return answer
    except UNREADABLE as error:
        reason = f"the answer is not what a runner says: {str(error)[:200]}"
    # Outside, so that it does not keep the other error with all that was read until then.
    if body[:100].lstrip()[:1] == b"<":
        reason = "the answer is a web page, not a runner's JSON"
    raise BadAnswer(reason)


def decode_list(body: bytes, form: type[T]) -> Entries[T]:
    """The JSON list in `body`, null for an empty one; an entry that is no `form` costs itself.

    Raises BadAnswer if it is no list, or if none of its entries can be read.
    """
    try:
        whole: list[T] | None = msgspec.json.decode(body, type=list[form] | None)  # type: ignore[valid-type]
        return Entries(whole or ())
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raw: list[msgspec.Raw] = decode(body, list[msgspec.Raw])
    entries: Entries[T] = Entries()
    error = ""
    for each in raw:
        try:
            entries.append(decode(bytes(each), form))
        except BadAnswer as reason:
            error = str(reason)
    entries.unreadable = len(raw) - len(entries)
    if error and not entries:
        raise BadAnswer(error)
    return entries


class _Group(msgspec.Struct, frozen=True):
    model: str
    count: int = 0
    config: wire.RunnerConfig = wire.RunnerConfig()
    # Not "or None": msgspec would take null alone.
    records: msgspec.Raw = msgspec.Raw(b"null")


def decode_groups(body: bytes) -> Entries[wire.RecordGroup]:
    """As `decode_list`, but a group loses no more than the records that cannot be read."""
    with suppress(BadAnswer):
        whole = decode_list(body, wire.RecordGroup)
        if not whole.unreadable:
            return whole
    groups = decode_list(body, _Group)
    read: Entries[wire.RecordGroup] = Entries()
    read.unreadable = groups.unreadable
    for group in groups:
        records: Entries[wire.Record] = Entries()
        try:
            records = decode_list(bytes(group.records), wire.Record)
        except BadAnswer:
            records.unreadable = 1
        read.unreadable += records.unreadable
        read.append(wire.RecordGroup(group.model, group.count, group.config, records))
    return read
