"""Damaged settings files: either settings, or one line that says what is wrong and where."""

import random
import time
from pathlib import Path

import pytest

from dmr_tui.settings.errors import BadSettings
from dmr_tui.settings.example import example
from dmr_tui.settings.load import LARGEST, load
from dmr_tui.settings.schema import SETTABLE, Settings
from tests.fuzz.damage import damaged_bytes
from tests.fuzz.shown import TRIES

FILE = """\
host = "localhost:12434"
interval = 2.5
read_only = true
theme = "dmr-light"
memory_unit = "GB"
archive_file = "/srv/x.db"
archive_days = 7

[keys]
"memory.context_by_1024" = "s,f7"
"app.quit" = "Q"

[thresholds]
gpu = [80, 95]
"""
VALUES = (
    *(
        "",
        "1",
        "-1",
        "0",
        "true",
        '""',
        '"x"',
        "'''x'''",
        "[]",
        "{}",
        "nan",
        "-inf",
        "1e400",
        "1e-400",
    ),
    *("9" * 400, "9" * 5_000, "0x" + "f" * 400, "1979-05-27", "1979-05-27T07:32:00Z", "07:32:00"),
    *("0001-01-01T00:00:00-23:59", "9999-12-31T23:59:59+23:59", "[[[[1]]]]", "[1, 'x', {a = 1}]"),
    *(
        "[" * 400 + "]" * 400,
        "[" * 200 + "1" + "]" * 200,
        "{a=" * 200 + "1" + "}" * 200,
        '"\\u001b[31m"',
    ),
    *('"' + "x" * 5_000 + '"', '"\\ud800"', '"\x00"', '"[red]"', '"\\U0001F600"', "[80, 95, 99]"),
)


def said(path: Path, content: bytes) -> str:
    """What is wrong with a file, empty if nothing is; in one line, and in good time."""
    path.write_bytes(content)
    began = time.process_time()
    wrong = ""
    try:
        assert isinstance(load({}, {}, path), Settings)
    except BadSettings as error:
        wrong = str(error)
        assert wrong.startswith(str(path))
        assert wrong.isprintable()
        assert len(wrong) < 1_500
    except Exception as error:
        error.add_note(f"of {content[:3000]!r}")
        raise
    assert time.process_time() - began < 1.0, content[:300]
    return wrong


def test_damaged_values(tmp_path: Path) -> None:
    rng = random.Random("values")
    path = tmp_path / "config.toml"
    assert not said(path, FILE.encode())
    whole = 0
    for _ in range(3 * TRIES):
        lines = FILE.splitlines()
        for _ in range(rng.choice((1, 1, 2))):
            at = rng.randrange(len(lines))
            key, equals, _ = lines[at].partition(" = ")
            if not equals:
                continue
            match rng.randrange(8):
                case 0:
                    key = rng.choice(SETTABLE)
                case 1:
                    key += rng.choice((".x", ".x" * 400, "x" * 3_000, '."\x1b"', "é", "[", "=="))
            lines[at] = f"{key} = {rng.choice(VALUES)}"
        whole += not said(path, "\n".join(lines).encode("utf-8", "surrogatepass"))
    assert 0 < whole < 3 * TRIES


@pytest.mark.parametrize("text", [FILE, example(())], ids=["each", "example"])
def test_damaged_bytes(tmp_path: Path, text: str) -> None:
    rng = random.Random(str(len(text)))
    found = {said(tmp_path / "c.toml", damaged_bytes(text.encode(), rng)) for _ in range(TRIES)}
    assert len(found) > 3


REPEATED = (
    *(
        "[",
        "[[",
        "{",
        '"',
        "'",
        '"""',
        "\\",
        "=",
        ".",
        "a.",
        "a=",
        "a\n",
        "# x\n",
        "\n",
        "\x00",
        "\ufeff",
    ),
    *(
        "[a]\n",
        "[[a]]\n",
        "[a.b]\n",
        "interval = 2\n",
        "[keys]\n",
        "a={",
        "a=[",
        "9",
        "é",
        " ",
        "\r",
        "\r\n",
    ),
)
BEFORE = (
    *(
        "",
        "[keys]\n",
        "[keys]\na = '",
        "keys = {",
        "interval = ",
        "interval = [",
        "interval.",
        "keys.",
    ),
    *("host = '''", "thresholds.gpu = [", "[keys.", "[[keys."),
)


@pytest.mark.parametrize("before", BEFORE)
def test_as_long_as_a_file_may_be(tmp_path: Path, before: str) -> None:
    for each in REPEATED:
        text = before + each * 3_000
        said(tmp_path / "c.toml", text.encode()[:LARGEST])


@pytest.mark.parametrize("table", ["keys", "thresholds", "unknown"])
def test_many_entries(tmp_path: Path, table: str) -> None:
    lines = "\n".join(f'k{number} = "s"' for number in range(LARGEST // 13))
    said(tmp_path / "c.toml", f"[{table}]\n{lines}\n".encode()[: LARGEST - 1])


@pytest.mark.parametrize("key", ["interval", "keys", "thresholds.gpu", "unknown", "host"])
def test_three_thousand_levels_of_keys(tmp_path: Path, key: str) -> None:
    assert said(tmp_path / "c.toml", f"{key}{'.a' * 3_000} = 1\n".encode())


def test_a_table_with_a_long_name_and_many_entries(tmp_path: Path) -> None:
    lines = "a=1\n" + "\n".join(f"b{number}=1" for number in range(3_000))
    assert said(tmp_path / "c.toml", f"[keys.{'x' * 100_000}]\n{lines}\n".encode())
