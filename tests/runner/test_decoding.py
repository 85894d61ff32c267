"""JSON from outside: what cannot be counted with is null, and what cannot be read costs itself."""

import json
from typing import Any

import pytest

from dmr_tui.runner import wire
from dmr_tui.runner.decoding import LARGEST, decode, decode_groups, decode_list, read_json
from dmr_tui.runner.errors.failures import BadAnswer


@pytest.mark.parametrize(
    "number",
    [
        *("9" * 17, "-" + "9" * 17, "9" * 400, "9" * 5_000, "1e300", "-1e300", "1e400"),
        *("NaN", "Infinity", "-Infinity", "9" * 400 + ".5", "1" + "0" * 5_000 + ".0"),
    ],
)
def test_a_number_that_nothing_can_count_with_is_null(number: str) -> None:
    # NaN is what makes the others be looked at: JSON has none.
    text = f'{{"a": {number}, "b": [1.5, {LARGEST // 10}], "c": NaN}}'
    assert read_json(text, dict[str, Any]) == {"a": None, "b": [1.5, LARGEST // 10], "c": None}
    model: wire.Model = decode(f'{{"id": "x", "created": {number}}}'.encode(), wire.Model)
    assert (model.id, model.created) == ("x", None)


def test_half_a_character_is_replaced() -> None:
    found = read_json('{"\\ud800": ["a\\udfff"], "n": NaN}', dict[str, Any])
    assert found == {"?": ["a?"], "n": None}


def test_a_deep_entry_costs_itself() -> None:
    deep = '{"id": "x", "config": {"gguf": {"a": ' + "[" * 400 + "]" * 400 + "}}}"
    found = decode_list(f'[{{"id": "a"}}, {deep}, {{"id": "b"}}]'.encode(), wire.Model)
    assert [each.id for each in found] == ["a", "b"]
    assert found.unreadable == 1


@pytest.mark.parametrize(
    "wrong", [b"NaN", b"Infinity", b"1e400", b'"\\ud800"', b'"\xff"', b"9" * 5_000]
)
def test_what_is_no_json_costs_its_entry_at_most(wrong: bytes) -> None:
    body = b'[{"id": "a"}, {"id": 7, "x": ' + wrong + b'}, {"id": "c"}]'
    models = decode_list(body, wire.Model)
    assert ([each.id for each in models], models.unreadable) == (["a", "c"], 1)
    records = b'[{"id": "a", "model": "m"}, {"id": 7, "model": "m", "x": ' + wrong + b"}]"
    (group,) = decode_groups(b'[{"model": "m", "records": ' + records + b"}]")
    assert [each.id for each in group.records or ()] == ["a"]


def test_what_of_a_group_cannot_be_read_is_counted() -> None:
    record = {"id": "r", "model": "m", "timestamp": 7}
    groups = [
        {"model": "whole", "records": [record]},
        {"model": "a part", "records": [record, {"id": 7}, 8, record]},
        {"model": "none", "records": [{"id": 7}]},
        {"model": "no list", "records": "x"},
        {"model": "null", "records": None},
        {"records": [record]},
    ]
    found = decode_groups(json.dumps(groups).encode())
    assert [(each.model, len(each.records or ())) for each in found] == [
        ("whole", 1),
        ("a part", 2),
        ("none", 0),
        ("no list", 0),
        ("null", 0),
    ]
    assert found.unreadable == 2 + 1 + 1 + 1


def test_nothing_that_can_be_read_is_a_bad_answer() -> None:
    without_bottom = b'[{"id": "x", "more": ' + b"[" * 50_000 + b"]" * 50_000 + b"}]"
    for body in (without_bottom, b"{", b"7", b'"x"', b"[7, 8]", b"\xff", b"<html>", b"[" * 5_000):
        with pytest.raises(BadAnswer):
            decode_list(body, wire.Model)
