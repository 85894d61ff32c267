"""The settings in force, each with its origin."""

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import platformdirs

from dmr_tui.settings.checks import checked, entry
from dmr_tui.settings.errors import BadSettings
from dmr_tui.settings.schema import SETTABLE, TABLES, VARIABLES, Settings, flag_of
from dmr_tui.text.sanitize import plain
from dmr_tui.text.suggest import did_you_mean


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
    collected.take_file(path or config_path(env), must_exist=named)
    collected.take_environment(env)
    collected.take_flags(flags)
    return collected.settings()


class _Collected:
    """The values of all sources, each with its origin."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {name: {} for name in TABLES}
        self._origins: dict[str, str] = {}
        self._rule = ""

    def settings(self) -> Settings:
        rule = self._rule if self._values.get("host") else ""
        return Settings(**self._values, host_rule=rule, origins=self._origins)

    def take_file(self, path: Path, *, must_exist: bool) -> None:
        text = _read(path, must_exist=must_exist)
        try:
            table = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            # A number of thousands of digits raises a plain ValueError.
            raise BadSettings(f"{path}: {error}") from None
        found: dict[str, tuple[Any, str]] = {}
        for name, value in table.items():
            if name in TABLES:
                self._take_table(name, value, f"{path}, line", text)
                continue
            where = f"{path}, line {_line(text, name)}"
            if name not in SETTABLE:
                near = did_you_mean(name, SETTABLE) or f"; there are {', '.join(SETTABLE)}"
                raise BadSettings(f"{where}: no setting is called {plain(name)!r}{near}")
            found[name] = (checked(name, value, where), where)
        self._take(found, str(path))

    def _take_table(self, table: str, value: Any, place: str, text: str) -> None:
        if not isinstance(value, dict):
            where = f"{place} {_line(text, table)}"
            raise BadSettings(f"{where}: {table} is a table: [{table}], then a line for each")
        for name, each in _flat(value):
            where = f"{place} {_line(text, f'{table}.{name}')}"
            self._enter(table, name, each, where)

    def take_environment(self, env: Mapping[str, str]) -> None:
        found: dict[str, tuple[Any, str]] = {}
        for name, variable in VARIABLES.items():
            text = env.get(variable)
            if text is not None and name in ("tls", "tls_skip_verify"):
                # The rule of `docker model` itself: nothing but this word means yes.
                found[name] = (text == "true", variable)
            elif text and name in TABLES:
                self._take_entries(name, filter(str.strip, text.split(";")), variable)
            elif text:
                found[name] = (checked(name, text, variable), variable)
        self._take(found, VARIABLES["host"])

    def take_flags(self, flags: Mapping[str, Any]) -> None:
        if flags.get("host") is not None and flags.get("context") is not None:
            raise BadSettings("--host and --context: one of them says where the runner is")
        found: dict[str, tuple[Any, str]] = {}
        for name, value in flags.items():
            if value is not None and name in TABLES:
                self._take_entries(name, value, flag_of(name))
            elif value is not None:
                found[name] = (checked(name, value, flag_of(name)), flag_of(name))
        self._take(found, flag_of("host"))

    def _take(self, found: Mapping[str, tuple[Any, str]], rule: str) -> None:
        """Take the values of one source, which replace those of the sources before it."""
        for name, other in (("host", "context"), ("context", "host")):
            # Host and context exclude each other: the later source wins.
            if name in found and other not in found:
                self._values.pop(other, None)
                self._origins.pop(other, None)
        if "host" in found:
            self._rule = rule
        for name, (value, where) in found.items():
            self._values[name] = value
            self._origins[name] = where

    def _take_entries(self, table: str, entries: Iterable[str], where: str) -> None:
        for text in entries:
            name, equals, value = text.partition("=")
            if not equals:
                form = "ID=KEYS" if table == "keys" else "NAME=NUMBERS"
                raise BadSettings(f"{where}: {plain(text)!r}: write {form}")
            self._enter(table, name.strip(), value, where)

    def _enter(self, table: str, name: str, value: Any, where: str) -> None:
        self._values[table][name] = entry(table, name, value, where)
        self._origins[f"{table}.{name}"] = where


def _read(path: Path, *, must_exist: bool) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        if must_exist:
            raise BadSettings(f"{path}: no such file") from None
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: cannot be read: {error}") from None


def _flat(table: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    """Yield the entries with their whole names: a dot without quotes makes a table in TOML."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _line(text: str, name: str) -> int:
    """Find the line of a key, which tomllib does not report."""
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if line.startswith("["):
            table = _bare(line.partition("]")[0]).strip("[")
            if table == name:
                return number
            table += "."
            continue
        key, equals, _ = line.partition("=")
        whole = f"{table}{_bare(key)}"
        if equals and (whole == name or name.startswith(f"{whole}.")):
            return number
    return 1


def _bare(key: str) -> str:
    """Remove quotes and blanks from a key."""
    return "".join(each for each in key if each not in "\"' \t")
