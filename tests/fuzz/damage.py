"""Ways to damage JSON and text, each reproducible by its seed."""

import json
import random
from typing import Any

RAW = (
    *("null", "true", "-1", "0", "1.5", "1e400", "-1e400", "NaN", "Infinity", '""', "[]", "{}"),
    *("9" * 400, "-" + "9" * 400, "0." + "1" * 500, str(2**63), str(-(2**63)), str(2**53 + 1)),
    *("[" * 1_500 + "]" * 1_500, '{"a":' * 1_500 + "1" + "}" * 1_500, '"' + "x" * 5_000 + '"'),
    *("[" * 400 + "]" * 400, '{"a":' * 400 + "1" + "}" * 400, '{"a":' * 60 + "1" + "}" * 60),
    *('"\\ud800"', '"\\u0000\\u001b[31m\\u202e"', '"[red]not markup[/]"', '"' + "9" * 400 + '"'),
    *('"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59Z"', "-62135596800", "253402300799"),
    *('[{"a":1},null,[[]]]', '"sha256:"', '"a=b level=error msg=\\"x"', "[1,2", "nul", "'x'"),
)
BYTES = (b"\x00", b"\xff", b"\xed\xa0\x80", b"\n", b'"', b"\\", b"{", b"]", b",", b"\xef\xbb\xbf")


def damaged_json(value: Any, rng: random.Random) -> bytes:
    """`value` as JSON, with one to three of its parts replaced, doubled or left out."""
    copy = json.loads(json.dumps(value))
    marks: dict[str, str] = {}
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(copy))
        if not places:
            break
        holder, key = rng.choice(places)
        kind = rng.random()
        if kind < 0.8:
            mark = f"@@{len(marks)}@@"
            marks[mark] = rng.choice(RAW)
            holder[key] = mark
        elif kind < 0.9:
            del holder[key]
        elif isinstance(holder, list):
            holder.extend([holder[key]] * rng.choice((1, 3, 50)))
        else:
            holder[str(key) + "x" * rng.choice((1, 2_000))] = holder[key]
    text = json.dumps(copy)
    for mark, raw in marks.items():
        text = text.replace(f'"{mark}"', raw)
    return damaged_bytes(text.encode(), rng) if rng.random() < 0.1 else text.encode()


def damaged_bytes(data: bytes, rng: random.Random) -> bytes:
    """`data` cut, doubled, or with other bytes in it."""
    at, until = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    match rng.randrange(5):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[until:]
        case 2:
            return data[:until] + data[at:]
        case 3:
            return data[:at] + rng.choice(BYTES) * rng.choice((1, 1, 300)) + data[at:]
        case _:
            return data[:at] + rng.choice(BYTES) + data[at + 1 :]


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every part of a value, as what holds it and its key there."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            found.append((holder, key))
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])
    return found
