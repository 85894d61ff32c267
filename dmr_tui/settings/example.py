"""A settings file to start from, made of the docstrings of Settings' fields."""

import ast
import inspect
from collections.abc import Iterable, Iterator

from dmr_tui.measure.thresholds import KNOWN, Levels
from dmr_tui.settings.schema import SETTABLE, TABLES, VARIABLES, Settings, flag_of

Keys = Iterable[tuple[str, str, str]]


def sentences() -> dict[str, str]:
    """Return the docstring of each field of Settings."""
    (tree,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(tree, ast.ClassDef)
    found, name = {}, ""
    for line in tree.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            name = line.target.id
        elif isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and name:
            found[name] = str(line.value.value)
    return found


def example(keys: Keys) -> str:
    """Return TOML in which every line is a comment: each setting with its default.

    `keys`: the id of each command, its keys and its sentence.
    """
    return "\n".join(_lines(keys)) + "\n"


def _lines(keys: Keys) -> Iterator[str]:
    yield "# Settings of dmr-tui, each with its default: take its # away, and change it."
    yield "# A flag is stronger than a variable, a variable is stronger than this file."
    described = sentences()
    for name in SETTABLE:
        if name not in TABLES:
            yield from _head(name, described[name])
            yield f"#{name} = {_toml(getattr(Settings(), name), name)}"
    yield from _head("keys", described["keys"])
    yield "#[keys]"
    for name, shown, sentence in keys:
        yield f'#"{name}" = "{shown}"  # {sentence}'
    yield from _head("thresholds", described["thresholds"])
    yield "#[thresholds]"
    for name, (levels, sentence) in KNOWN.items():
        yield f"#{name} = {_numbers(levels)}  # {sentence}"


def _head(name: str, sentence: str) -> Iterator[str]:
    yield ""
    yield f"# {sentence.replace('None:', 'Without it:')}"
    yield f"# {flag_of(name)}, {VARIABLES[name]}"


def _toml(value: object, name: str) -> str:
    if value is None:
        return "true" if name in ("tls", "tls_skip_verify") else '""'
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"


def _numbers(levels: Levels) -> str:
    words = [f"{level:g}" for level in levels]
    return words[0] if len(words) == 1 else f"[{', '.join(words)}]"
