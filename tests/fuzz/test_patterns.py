"""Every pattern that text from outside meets takes time in proportion to its length."""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest

import dmr_tui
from dmr_tui.runner.logs import fields
from dmr_tui.runner.logs.log_line import parse_line, read_line

SEEDS = (
    *("a", "9", " ", ".", "=", '"', "\\", "/", "-", ":", "[", "(", ",", "_", "\t", "é", "\n"),
    *("a=", 'a="', '\\"', "a b", "9.", "a.", "1h", "a=b ", 'k="v" ', "msg=", "x: ", "sha256:"),
)
SHORT, LONG = 1_000, 4_000
BASE_S = 0.001
"""Less than this is noise; a quadratic pattern takes seconds for LONG characters."""


def compiled() -> Iterator[tuple[str, "re.Pattern[str]"]]:
    """Every pattern that a module compiles when it is imported, and where."""
    for module in pkgutil.walk_packages(dmr_tui.__path__, "dmr_tui."):
        if module.name.startswith(("dmr_tui.simulator", "dmr_tui.__main__")):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            yield from _patterns(f"{module.name}.{name}", value)


def _patterns(name: str, value: object) -> Iterator[tuple[str, "re.Pattern[str]"]]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield name, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _patterns(f"{name}[{key!r}]"[:120], each)
    elif isinstance(value, tuple | list | frozenset) and len(value) < 1_000:
        for number, each in enumerate(value):
            yield from _patterns(f"{name}[{number}]", each)
    elif hasattr(value, "__struct_fields__") and not isinstance(value, type):
        for field in value.__struct_fields__:
            yield from _patterns(f"{name}.{field}", getattr(value, field))
    elif hasattr(value, "__dataclass_fields__") and not isinstance(value, type):
        for field in value.__dataclass_fields__:
            yield from _patterns(f"{name}.{field}", getattr(value, field, None))


PATTERNS = dict(compiled())


def seconds(read: object, text: str) -> float:
    """Seconds of this process that reading `text` takes."""
    began = time.process_time()
    read(text)  # type: ignore[operator]
    return time.process_time() - began


def grows_no_faster(read: object, seed: str, before: str = "", after: str = "") -> bool:
    """Whether four times the text takes no more than ten times as long, in one of three tries."""
    for _ in range(3):
        short = seconds(read, before + seed * (SHORT // len(seed)) + after)
        long = seconds(read, before + seed * (LONG // len(seed)) + after)
        if long < 10 * max(short, BASE_S):
            return True
    return False


def test_there_are_patterns_to_measure() -> None:
    assert len(PATTERNS) > 40


@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_is_slow(name: str) -> None:
    pattern = PATTERNS[name]

    def read(text: str) -> None:
        pattern.match(text)
        pattern.fullmatch(text)
        for _ in pattern.finditer(text):
            pass

    # With an end that fits to nothing, which makes a pattern try everything.
    slow = [
        (seed, end)
        for seed in SEEDS
        for end in ("!",)
        if not grows_no_faster(read, seed, after=end)
    ]
    assert not slow


@pytest.mark.parametrize("read", [parse_line, read_line, fields.pairs, fields.unquoted])
def test_no_line_of_the_log_is_slow(read: object) -> None:
    heads = (
        "",
        'time="2026-11-20T10:00:00Z" level=info msg="Loading backend runner" args="',
        'time="2026-11-20T10:00:00Z" level=error msg="Unloading failed" error="',
        'level=ERROR msg="',
        "llama_model_loader: - kv 1: ",
        "srv  log_server_r: request: POST ",
    )
    slow = [
        (head, seed)
        for head in heads
        for seed in SEEDS
        if not grows_no_faster(read, seed, before=head)
    ]
    assert not slow
