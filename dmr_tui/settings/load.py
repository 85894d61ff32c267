"""The settings in force, each with its origin."""

import codecs
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import platformdirs

from dmr_tui.measure import thresholds
from dmr_tui.measure.thresholds import Levels
from dmr_tui.settings.errors import BadSettings, did_you_mean
from dmr_tui.settings.schema import SETTABLE, TABLES, VARIABLES, Settings, flag_of
from dmr_tui.text.sanitize import plain

_TYPES = get_type_hints(Settings, include_extras=True)
_WORDS = {"yes": True, "no": False}


LARGEST = 2**18
"""Bytes of a settings file; one with every key has a hundredth of that."""
LONGEST_NAME = 500
"""Characters of a key or a value that are looked at and shown."""
DEEPEST = 5
"""Dots in the name of an entry."""


def config_path(env: Mapping[str, str] = os.environ) -> Path:
    """Return the TOML file: DMR_TUI_CONFIG, else config.toml in the platform's config folder."""
    if named := env.get("DMR_TUI_CONFIG"):
        return Path(named)
    return Path(platformdirs.user_config_dir("dmr-tui", appauthor=False)) / "config.toml"


def data_path(settings: Settings) -> Path:
    """Return the archive: the file that the settings name, else one in the data folder."""
    if settings.archive_file is not None:
        return Path(settings.archive_file).expanduser()
    return Path(platformdirs.user_data_dir("dmr-tui", appauthor=False)) / "requests.db"


def load(
    flags: Mapping[str, Any], env: Mapping[str, str] = os.environ, path: Path | None = None
) -> Settings:
    """Return the settings in force; `flags` maps names to values, None for those not given.

    Raises BadSettings for a file that cannot be read and for any key or value that is not one.
    """
    collected = _Collected()
    named = path is not None or "DMR_TUI_CONFIG" in env
    path = path or config_path(env)
    collected.take(_from_file(path, must_exist=named), str(path))
    collected.take(_from_environment(env), VARIABLES["host"])
    collected.take(_from_flags(flags), flag_of("host"))
    return collected.settings()


Found = tuple[str, Any, str]
"""The name of a setting or, as "keys.ID", of an entry of a table; its value; where it was found."""


class _Collected:
    """The values of all sources, each with its origin."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {name: {} for name in TABLES}
        self._origins: dict[str, str] = {}
        self._rule = ""

    def settings(self) -> Settings:
        rule = self._rule if self._values.get("host") else ""
        return Settings(**self._values, host_rule=rule, origins=self._origins)

    def take(self, source: Iterable[Found], rule: str) -> None:
        """Take the values of one source, which replace those of the sources before it."""
        given = tuple(source)
        names = {name for name, _, _ in given}
        for name, other in (("host", "context"), ("context", "host")):
            # Host and context exclude each other: the later source wins.
            if name in names and other not in names:
                self._values.pop(other, None)
                self._origins.pop(other, None)
        if "host" in names:
            self._rule = rule
        for name, value, where in given:
            table, dot, key = name.partition(".")
            if dot:
                self._values[table][key] = _entry(table, key, value, where)
            else:
                self._values[name] = _checked(name, value, where)
            self._origins[name] = where


def _from_file(path: Path, *, must_exist: bool) -> Iterator[Found]:
    text = _read(path, must_exist=must_exist)
    shown = plain(str(path))
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise BadSettings(f"{shown}: tables in tables in tables, and so on, too deep") from None
    except ValueError as error:
        # A number of thousands of digits raises a plain ValueError.
        raise BadSettings(f"{shown}: {plain(str(error))[:300]}") from None
    lines = _Lines(text)
    for name, value in table.items():
        where = f"{shown}, line {lines.of(name)}"
        if name not in SETTABLE:
            near = did_you_mean(name, SETTABLE) or f"; there are {', '.join(SETTABLE)}"
            raise BadSettings(f"{where}: no setting is called {_cut(name)!r}{near}")
        if name not in TABLES:
            yield name, value, where
        elif not isinstance(value, dict):
            raise BadSettings(f"{where}: {name} is a table: [{name}], then a line for each")
        else:
            for key, each in _flat(value, f"{name}.", where):
                yield key, each, f"{shown}, line {lines.of(key)}"


def _from_environment(env: Mapping[str, str]) -> Iterator[Found]:
    for name, variable in VARIABLES.items():
        text = env.get(variable)
        if text is not None and name in ("tls", "tls_skip_verify"):
            # The rule of `docker model` itself: nothing but this word means yes.
            yield name, text == "true", variable
        elif text and name in TABLES:
            yield from _entries(name, filter(str.strip, text.split(";")), variable)
        elif text:
            yield name, text, variable


def _from_flags(flags: Mapping[str, Any]) -> Iterator[Found]:
    if flags.get("host") is not None and flags.get("context") is not None:
        raise BadSettings("--host and --context: one of them says where the runner is")
    for name, value in flags.items():
        if value is not None and name in TABLES:
            yield from _entries(name, value, flag_of(name))
        elif value is not None:
            yield name, value, flag_of(name)


def _entries(table: str, entries: Iterable[str], where: str) -> Iterator[Found]:
    for text in entries:
        name, equals, value = text.partition("=")
        if not equals:
            form = "ID=KEYS" if table == "keys" else "NAME=NUMBERS"
            raise BadSettings(f"{where}: {_cut(text)!r}: write {form}")
        yield f"{table}.{name.strip()}", value, where


def _read(path: Path, *, must_exist: bool) -> str:
    shown = plain(str(path))
    if path.exists() and not path.is_file():
        # Reading a pipe without a writer would wait for ever.
        raise BadSettings(f"{shown}: is no file")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        if must_exist:
            raise BadSettings(f"{shown}: no such file") from None
        return ""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise BadSettings(f"{shown}: cannot be read: {plain(reason or str(error))}") from None
    if len(content) > LARGEST:
        raise BadSettings(f"{shown}: is larger than {LARGEST // 1024} KiB")
    return _decoded(content, shown)


def _decoded(content: bytes, shown: str) -> str:
    """Return the text of a file; editors of Windows put a mark before it."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadSettings(
            f"{shown}: cannot be read: it is UTF-16, as PowerShell writes it; save it as UTF-8"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadSettings(f"{shown}, line {line}: cannot be read: it is not UTF-8") from None


def _flat(table: Mapping[str, Any], before: str, where: str) -> Iterator[tuple[str, Any]]:
    """Yield the entries with their whole names: a dot without quotes makes a table in TOML."""
    for name, value in table.items():
        if isinstance(value, dict):
            if before.count(".") > DEEPEST:
                raise BadSettings(f"{where}: {plain(before[:60])}…: no name has that many parts")
            yield from _flat(value, f"{before}{name}.", where)
        else:
            yield f"{before}{name}", value


class _Lines:
    """The line of each key, which tomllib does not report."""

    def __init__(self, text: str) -> None:
        self._tables: dict[str, int] = {}
        self._keys: dict[str, int] = {}
        table = ""
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if line.startswith("["):
                table = _bare(line.partition("]")[0]).strip("[")[:LONGEST_NAME]
                self._tables.setdefault(table, number)
                table += "."
                continue
            key, equals, _ = line.partition("=")
            if equals:
                self._keys.setdefault(f"{table}{_bare(key)}"[:LONGEST_NAME], number)

    def of(self, name: str) -> int:
        """The line of an entry, or of the first that is a part of its name."""
        name = name[:LONGEST_NAME]
        places = [place for place, each in enumerate(name) if each == "."]
        found = [self._keys.get(each) for each in (name, *(name[:place] for place in places))]
        return min(filter(None, [*found, self._tables.get(name)]), default=1)


def _bare(key: str) -> str:
    """Remove quotes and blanks from a key."""
    return "".join(each for each in key if each not in "\"' \t")


def _checked(name: str, value: Any, where: str) -> Any:
    """Return the value as it is used. Raises BadSettings, which names its place `where`.

    Text from a variable or a flag is read as the number or the switch that it spells.
    """
    kind = _TYPES[name]
    spelled = _WORDS.get(value.lower(), value) if isinstance(value, str) else value
    try:
        found = msgspec.convert(spelled, kind, strict=not isinstance(spelled, str))
    except msgspec.ValidationError:
        raise BadSettings(f"{where}: {name} = {_shown(value)!r}: {_allowed(kind)}") from None
    # An empty text means the default.
    return None if found == "" else found


def _allowed(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    (meta,) = kind.__metadata__
    return str(meta.description)


def _entry(table: str, name: str, value: Any, where: str) -> Any:
    """Return one entry of a table as it is used. Raises BadSettings."""
    try:
        return _keys(value) if table == "keys" else _levels(name, value)
    except (TypeError, ValueError) as error:
        raise BadSettings(f"{where}: {_cut(name)} = {_shown(value)!r}: {error}") from None


def _shown(value: Any) -> str:
    try:
        return _cut(str(value))
    except (RecursionError, ValueError):
        # Tables without bottom, or a number of thousands of digits.
        return "…"


def _cut(text: str) -> str:
    text = plain(text)
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}…"


def _keys(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError('keys in quotes, several with commas between: "s" or "s,f7"')
    return ",".join(key.strip() for key in value.split(","))


def _levels(name: str, value: Any) -> Levels:
    if name not in thresholds.KNOWN:
        names = tuple(thresholds.KNOWN)
        close = did_you_mean(name, names) or f"; there are {', '.join(names)}"
        raise ValueError(f"no threshold is called so{close}")
    if isinstance(value, str):
        numbers: Sequence[Any] = value.split(",")
    else:
        numbers = value if isinstance(value, list) else [value]
    try:
        found = tuple(float(each) for each in numbers)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(thresholds.allowed(name)) from None
    if any(isinstance(each, bool) for each in numbers):
        raise ValueError(thresholds.allowed(name))
    return thresholds.checked(name, found)
