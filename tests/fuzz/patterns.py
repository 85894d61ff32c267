"""Every regular expression of dmr-tui, and texts that make a bad one slow."""

import ast
import importlib
import itertools
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from re import _constants as sre
from re import _parser as parser
from types import ModuleType
from typing import Any

import dmr_tui
from dmr_tui.runner.errors.table import TABLE
from dmr_tui.runner.logs.engine_lines import _OF_SERVER, _OF_SLOT
from dmr_tui.simulator.output.prose import _KNOWN
from dmr_tui.ui.timeline import log_text

Pattern = re.Pattern[str]

ELSEWHERE: dict[str, Iterable[Pattern | None]] = {
    "dmr_tui.runner.logs.engine_lines._compiled": (
        re.compile(each, re.ASCII) for _, _, each in _OF_SLOT + _OF_SERVER
    ),
    "dmr_tui.runner.errors.row.matches": (re.compile(row.pattern, re.IGNORECASE) for row in TABLE),
    "dmr_tui.ui.timeline.log_text.pattern": map(
        log_text.pattern, (["a"], ["a" * 200], ["a.", "a.a", "(a+)+$"], list("abcdefghij"))
    ),
    "dmr_tui.simulator.output.prose.known_answer": (
        re.compile(each, re.I) for each in dict(_KNOWN)
    ),
}
"""Patterns that are no literals where they are used, by the function that uses them."""


def all_patterns() -> dict[str, Pattern]:
    """Each pattern once, by where it is used."""
    found: dict[tuple[str, int], tuple[str, Pattern]] = {}
    for module in modules():
        for name, pattern in itertools.chain(_of_module(module), _of_source(module)):
            found.setdefault((pattern.pattern, pattern.flags), (name, pattern))
    numbers = itertools.count()
    return {f"{name} {next(numbers)}": pattern for name, pattern in found.values()}


def modules() -> Iterator[ModuleType]:
    """Import every module of dmr-tui."""
    for module in pkgutil.walk_packages(dmr_tui.__path__, "dmr_tui."):
        if not module.name.endswith("__main__"):
            yield importlib.import_module(module.name)


def _of_module(module: ModuleType) -> Iterator[tuple[str, Pattern]]:
    """Every pattern that a module compiles when it is imported."""
    for name, value in vars(module).items():
        for pattern in _inside(value):
            yield f"{module.__name__}.{name}", pattern


def _inside(value: object) -> Iterator[Pattern]:
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, dict):
        yield from itertools.chain.from_iterable(map(_inside, value.values()))
    elif isinstance(value, tuple | list | frozenset) and len(value) < 1_000:
        yield from itertools.chain.from_iterable(map(_inside, value))
    elif not isinstance(value, type):
        for names in ("__struct_fields__", "__dataclass_fields__"):
            for field in getattr(value, names, ()):
                yield from _inside(getattr(value, field, None))


def _of_source(module: ModuleType) -> Iterator[tuple[str, Pattern]]:
    """Every pattern that is written in the source of a module, or that ELSEWHERE has."""
    path = Path(module.__file__ or "")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function, call in _calls(tree):
        where = f"{module.__name__}.{function}"
        pattern = _literal(call, vars(module))
        if pattern is not None:
            yield where, pattern
        elif where in ELSEWHERE:
            yield from ((where, each) for each in ELSEWHERE[where] if each is not None)
        else:
            raise AssertionError(f"{where}:{call.lineno} has a pattern that ELSEWHERE lacks")


def _calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """The calls of the module `re` that take a pattern, and the functions they stand in."""
    waiting: list[tuple[str, ast.AST]] = [("", tree)]
    while waiting:
        function, node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        if isinstance(node, ast.ImportFrom) and node.module == "re":
            raise AssertionError("`from re import` hides the calls")
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr != "escape"
        ):
            yield function, node
        waiting += [(function, child) for child in ast.iter_child_nodes(node)]


FLAGS_AT = {"compile": 1, "sub": 4, "subn": 4, "split": 3}


def _literal(call: ast.Call, names: dict[str, Any]) -> Pattern | None:
    """The pattern of a call as far as literals and constants of its module say it."""
    assert isinstance(call.func, ast.Attribute)
    flags_at = FLAGS_AT.get(call.func.attr, 2)
    flags = [each.value for each in call.keywords if each.arg == "flags"]
    try:
        text, *said = (
            eval(compile(ast.Expression(each), "pattern", "eval"), dict(names))
            for each in [call.args[0], *call.args[flags_at : flags_at + 1], *flags]
        )
    except NameError:
        return None
    return re.compile(text, *said) if isinstance(text, str) else None


def attacks(pattern: Pattern) -> Iterator[tuple[str, str]]:
    """What comes before one of the pattern's repetitions, and what it repeats."""
    yield from dict.fromkeys(_attacks("", parser.parse(pattern.pattern, pattern.flags)))


def _attacks(before: str, parts: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for name, value in parts:
        if name in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            _, most, body = value
            if most > 9:
                for seed in _examples(body):
                    yield before, seed
                    if before:
                        # Where it may begin again and again.
                        yield "", before + seed
            yield from _attacks(before, body)
        elif name is sre.BRANCH:
            for each in value[1]:
                yield from _attacks(before, each)
        elif name is sre.SUBPATTERN:
            yield from _attacks(before, value[-1])
        before += next(_examples([(name, value)]), "")


CHARACTERS = 'a9A \t\n."\\=:/-_[(|,;é!%\x00'


def _examples(parts: Iterable[Any]) -> Iterator[str]:
    """Texts that a part of a pattern matches, one for each kind of character it begins with."""
    texts = [""]
    for name, value in parts:
        more = list(dict.fromkeys(_of_part(name, value)))[:8]
        texts = [text + each for text in texts for each in more or [""]][:8]
    yield from filter(None, texts)


def _of_part(name: Any, value: Any) -> Iterator[str]:
    if name is sre.LITERAL:
        yield chr(value)
    elif name is sre.NOT_LITERAL:
        yield from (each for each in CHARACTERS if ord(each) != value)
    elif name is sre.ANY:
        yield from 'a \\"'
    elif name is sre.IN:
        members = [chr(each) for kind, each in value if kind is sre.LITERAL]
        members += [chr(each[0]) for kind, each in value if kind is sre.RANGE]
        one = _of_class(value)
        yield from (each for each in [*CHARACTERS, *members] if one.fullmatch(each))
    elif name is sre.BRANCH:
        for each in value[1]:
            yield from _examples(each)
    elif name is sre.SUBPATTERN:
        yield from _examples(value[-1])
    elif name in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        least, _, body = value
        yield from (each * max(1, min(least, 64)) for each in _examples(body))


CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}


def _of_class(members: Iterable[Any]) -> Pattern:
    text = ""
    for kind, value in members:
        if kind is sre.NEGATE:
            text += "^"
        elif kind is sre.LITERAL:
            text += re.escape(chr(value))
        elif kind is sre.RANGE:
            text += "-".join(re.escape(chr(each)) for each in value)
        else:
            text += CATEGORIES[value]
    return re.compile(f"[{text}]")
