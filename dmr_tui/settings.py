"""What a person can choose: flags before environment before TOML file before default."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import platformdirs

from dmr_tui.plain import plain

THEMES = ("dmr-dark", "dmr-light", "ansi-dark", "ansi-light")


class BadSettings(ValueError):
    """A setting that cannot be used; the text says where it is and what is allowed."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every choice, checked."""

    host: str | None = None
    """Address of the runner: URL, host:port or the path of a unix socket. None: look for it."""
    interval: float = 1.0
    """Seconds between two polls, 0.25 to 60."""
    read_only: bool = False
    """Send nothing that changes the runner, prompts included."""
    theme: str = "dmr-dark"
    """dmr-dark, dmr-light, or the terminal's own 16 colours: ansi-dark, ansi-light."""
    archive: bool = True
    """Keep the calls that ended, without their prompts and answers."""
    archive_days: float = 30.0
    """Days after which a call is deleted, 0.01 to 36500."""
    archive_mb: float = 500.0
    """Megabytes from which on the oldest calls are deleted, 1 or more."""
    archive_bodies: bool = False
    """Keep prompts and answers as well."""
    host_rule: str = ""
    """Which of flag, variable or file named the host."""


_SETTABLE = tuple(field.name for field in fields(Settings) if field.name != "host_rule")
_VARIABLES = {"host": "MODEL_RUNNER_HOST"} | {
    name: f"DMR_TUI_{name.upper()}" for name in _SETTABLE if name != "host"
}


def config_path(env: Mapping[str, str] = os.environ) -> Path:
    """The TOML file: DMR_TUI_CONFIG, else config.toml in the platform's config folder."""
    if named := env.get("DMR_TUI_CONFIG"):
        return Path(named)
    return Path(platformdirs.user_config_dir("dmr-tui", appauthor=False)) / "config.toml"


def data_path(env: Mapping[str, str] = os.environ) -> Path:
    """The archive: DMR_TUI_ARCHIVE_FILE, else requests.db in the platform's data folder."""
    if named := env.get("DMR_TUI_ARCHIVE_FILE"):
        return Path(named)
    return Path(platformdirs.user_data_dir("dmr-tui", appauthor=False)) / "requests.db"


def load(
    flags: Mapping[str, Any], env: Mapping[str, str] = os.environ, path: Path | None = None
) -> Settings:
    """The settings in force; `flags` maps names to values, None for those not given.

    Raises BadSettings for a file that cannot be read and for any key or value that is not one.
    """
    named = path is not None or "DMR_TUI_CONFIG" in env
    values, rule = _from_file(path or config_path(env), must_exist=named)
    for name, variable in _VARIABLES.items():
        if text := env.get(variable):
            values[name] = _checked(name, text, variable)
            rule = variable if name == "host" else rule
    for name, value in flags.items():
        if value is not None:
            flag = f"--{name.replace('_', '-')}"
            values[name] = _checked(name, value, flag)
            rule = flag if name == "host" else rule
    return Settings(**values, host_rule=rule if values.get("host") else "")


def _from_file(path: Path, *, must_exist: bool) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if must_exist:
            raise BadSettings(f"{path}: no such file") from None
        return {}, ""
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: cannot be read: {error}") from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{path}: {error}") from None
    values = {}
    for name, value in table.items():
        where = f"{path}, line {_line(text, name)}"
        if name not in _SETTABLE:
            raise BadSettings(f"{where}: no setting is called {plain(name)!r}; {_choices()}")
        values[name] = _checked(name, value, where)
    return values, str(path)


def _line(text: str, name: str) -> int:
    pattern = re.compile(rf"\s*\[*[\"']?{re.escape(name)}\b")
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, 1) if pattern.match(line)), 1)


def _choices() -> str:
    return f"there are {', '.join(_SETTABLE)}"


def _checked(name: str, value: Any, where: str) -> Any:
    check = {
        "host": _host,
        "interval": _interval,
        "read_only": _switch,
        "theme": _theme,
        "archive": _switch,
        "archive_days": _days,
        "archive_mb": _megabytes,
        "archive_bodies": _switch,
    }[name]
    try:
        return check(value)
    except (TypeError, ValueError) as error:
        shown = plain(str(value))
        raise BadSettings(f"{where}: {name} = {shown!r}: {error}") from None


def _host(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("an address in quotes")
    return value


def _interval(value: Any) -> float:
    allowed = "a number of seconds from 0.25 to 60"
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise ValueError(allowed) from None
    if isinstance(value, bool) or not 0.25 <= seconds <= 60.0:
        raise ValueError(f"{allowed}; faster polling would disturb what it watches")
    return seconds


def _days(value: Any) -> float:
    return _number(value, 0.01, 36_500.0, "a number of days from 0.01 to 36500")


def _megabytes(value: Any) -> float:
    return _number(value, 1.0, 1e9, "a number of megabytes, 1 or more")


def _number(value: Any, lowest: float, highest: float, allowed: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(allowed) from None
    if isinstance(value, bool) or not lowest <= number <= highest:
        raise ValueError(allowed)
    return number


def _switch(value: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError("true or false")


def _theme(value: Any) -> str:
    if value not in THEMES:
        raise ValueError(f"one of {', '.join(THEMES)}")
    return str(value)
