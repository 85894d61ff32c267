"""The doctor's findings, as lines of text and as JSON."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from dmr_tui.export.picked import picked
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.doctor.check import Check
from dmr_tui.text.doctor.diagnosis import worst
from dmr_tui.text.sanitize import plain

ALL_WELL, SOMETHING_WRONG, NO_RUNNER = 0, 1, 2
"""Exit codes of `dmr-tui doctor`."""
NAME = 24


def doctor_exit_code(snapshot: Snapshot, checks: Sequence[Check]) -> int:
    """0 if all is well, 1 if something is wrong, 2 if no runner answers."""
    if not snapshot.runner.up:
        return NO_RUNNER
    bad = worst(checks) in {"problem", "warning"}
    return SOMETHING_WRONG if bad else ALL_WELL


def doctor_json(snapshot: Snapshot, checks: Sequence[Check]) -> dict[str, Any]:
    """The checks for programs: in each what was looked at, the result, what was seen, the fix."""
    return {
        "runner": bool(snapshot.runner.up),
        "result": worst(checks),
        "checks": [
            {**picked(check, "group name result evidence"), "fix": list(check.fix)}
            for check in checks
        ],
    }


def doctor_page(snapshot: Snapshot, checks: Sequence[Check]) -> str:
    """The checks for a reader, group by group, each fix below its check."""
    lines = [line for part in (_head(snapshot, checks), *_groups(checks)) for line in part]
    counts = [
        f"{number} {word}{'' if number == 1 else 's'}"
        for word in ("problem", "warning")
        if (number := sum(check.result == word for check in checks))
    ]
    lines.append(", ".join(counts) if counts else "all is well")
    return "\n".join(lines)


def _head(snapshot: Snapshot, checks: Sequence[Check]) -> list[str]:
    """The runner's state, and what to do first."""
    endpoint = snapshot.runner.endpoint
    if snapshot.runner.up and endpoint is not None:
        return [f"Docker Model Runner answers at {plain(endpoint.label)} ({endpoint.rule})", ""]
    first = next((each for each in checks if each.result == "problem" and each.fix), None)
    steps = [f"  -> {plain(step)}" for step in first.fix] if first is not None else []
    elsewhere = "  -> a runner elsewhere: dmr-tui --host http://HOST:12434"
    return ["No Docker Model Runner answers", *steps, elsewhere, ""]


def _groups(checks: Sequence[Check]) -> Iterator[list[str]]:
    for group, found in groupby(checks, key=lambda check: check.group):
        lines, members = [group], list(found)
        width = max(NAME, *(len(plain(check.name)) for check in members))
        for check in members:
            name = f"{plain(check.name):{width}}"
            mark = "PROBLEM" if check.result == "problem" else check.result
            lines.append(f"  {mark:8} {name} {plain(check.evidence)}")
            lines += [f"{'':10} {'':{width}} -> {plain(step)}" for step in check.fix]
        yield [*lines, ""]
