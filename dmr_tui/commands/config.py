"""`dmr-tui config`: every setting, its value, and where it comes from."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dmr_tui.measure.thresholds import KNOWN, unit
from dmr_tui.runner.endpoint import without_secrets
from dmr_tui.settings.schema import SETTABLE, TABLES, VARIABLES, Settings, flag_of
from dmr_tui.text.sanitize import plain

Row = dict[str, Any]
UNITS = {"interval": "s", "archive_days": "days", "archive_mb": "MB"}


def run_config(
    settings: Callable[[], Settings], file: Path, *, as_json: bool, example: bool, keys: bool
) -> int:
    """Print one of: what is in force, a file to start from, the keys; and return the exit code.

    The example needs no settings, so that a file with mistakes does not stand in its way.
    """
    # The table of keys is a part of the screens, which the other commands do without.
    from dmr_tui.ui.commands.keymap import key_words, keymap, keys_of
    from dmr_tui.ui.commands.table import COMMANDS

    if example:
        from dmr_tui.settings.example import example as written

        print(written((act.id, act.keys, act.help) for act in COMMANDS), end="")
        return 0
    chosen = settings()
    keymap_now = keymap(chosen)
    if keys:
        rows = [
            {
                "id": act.id,
                "keys": list(keys_of(act, keymap_now)),
                "does": act.help,
                "origin": chosen.origins.get(f"keys.{act.id}", "default"),
            }
            for act in COMMANDS
        ]
        if as_json:
            print(json.dumps({"keys": rows}))
        else:
            shown = [(act.id, key_words(act, keymap_now), act.help) for act in COMMANDS]
            print("\n".join(_columns(shown)))
        return 0
    rows = list(_rows(chosen))
    if as_json:
        there = {"path": str(file), "there": file.is_file()}
        print(json.dumps({"file": there, "settings": rows}))
    else:
        state = "" if file.is_file() else " (not there)"
        print(f"file  {plain(str(file))}{state}\n")
        print("\n".join(_columns([_shown(row) for row in rows])))
    return 0


def _rows(settings: Settings) -> Iterator[Row]:
    """Each setting; of the tables each threshold, and the keys that are not the usual ones."""
    for name in SETTABLE:
        if name not in TABLES:
            value = getattr(settings, name)
            if name == "host" and value:
                value = without_secrets(value)
            yield _row(name, value, settings)
    for name in settings.keys:
        yield _row(f"keys.{name}", settings.keys[name], settings)
    for name, (usual, _) in KNOWN.items():
        yield _row(f"thresholds.{name}", list(settings.thresholds.get(name, usual)), settings)


def _row(name: str, value: object, settings: Settings) -> Row:
    whole = name.partition(".")[0]
    origin = settings.origins.get(name, "default")
    return {
        "name": name,
        "value": value,
        "unit": unit(name.partition(".")[2]) if whole == "thresholds" else UNITS.get(name),
        "origin": origin,
        "variable": VARIABLES[whole],
        "flag": flag_of(whole),
    }


def _shown(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    value = row["value"]
    if value is None:
        text = "—"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, list):
        text = ", ".join(f"{each:g}" for each in value)
    else:
        text = plain(f"{value:g}" if isinstance(value, float) else str(value))
    text += f" {row['unit']}" if row["unit"] and value is not None else ""
    return row["name"], text, plain(row["origin"]), row["variable"]


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
