"""`dmr-tui requests`: the requests in the archive, oldest first like a log."""

import io
import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import get_args

from msgspec.structs import replace

from dmr_tui.commands.pipe import drop_output
from dmr_tui.export.request_rows import line_header, request_json, request_line, requests_csv
from dmr_tui.monitor.archive.file import ArchiveDamaged, ArchiveFailed
from dmr_tui.monitor.archive.store import Archive
from dmr_tui.runner.names import short
from dmr_tui.runner.request import Outcome, Request
from dmr_tui.settings.errors import BadSettings
from dmr_tui.settings.load import data_path
from dmr_tui.settings.schema import Settings
from dmr_tui.state.request_filter import ANY_FAILURE, AnyFailure, CallerNames, RequestFilter
from dmr_tui.text.sanitize import plain

POLL_S = 1.0
_NO_REQUEST = "The archive has no call yet"
_BATCH = 500
"""Requests that are printed at a time."""
_AGO = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}

_SCREEN_WORDS: dict[Outcome, tuple[str, ...]] = {
    "cut": ("cut at max tokens",),
    "client left": ("left", "timed out"),
    "context overflow": ("overflow",),
    "out of memory": ("no memory",),
    "model missing": ("no model",),
    "backend missing": ("no backend",),
}
"""The same in the words of the screens."""

Show = Callable[[Iterable[Request], CallerNames], None]


@dataclass(frozen=True, slots=True)
class Choice:
    """The options that the user typed."""

    since: str | None = None
    model: str | None = None
    caller: str | None = None
    status: str | None = None
    grep: str | None = None
    limit: int = 200
    follow: bool = False
    as_json: bool = False
    as_csv: bool = False


def run_requests(settings: Settings, choice: Choice, *, demo: bool) -> int:
    """Print the requests, and return the exit code. Raises BadSettings for what makes no sense."""
    if choice.as_json and choice.as_csv:
        raise BadSettings("--json --csv: one of them")
    wanted = _wanted(choice, time.time())
    if demo and not choice.follow:
        print("The demo keeps no archive; --follow shows its calls as they end.", file=sys.stderr)
        return 0
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    show = _shower(choice)
    try:
        place = 0 if demo else _print_archived(settings, choice, wanted, show)
        if not choice.follow:
            return 0
        from dmr_tui.commands.follow import follow_session, listening

        if demo or not settings.archive:
            return follow_session(settings, wanted, show, demo=demo)
        with listening(settings, demo=False):
            return follow(settings, wanted, show, place)
    except ArchiveFailed as failure:
        print(f"dmr-tui: archive: {plain(str(failure))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        drop_output()
        return 0


def follow(settings: Settings, wanted: RequestFilter, show: Show, place: int = 0) -> int:
    """Show what is archived from `place` on, as it comes, until Ctrl+C."""
    archive = Archive(data_path(settings), read_only=True)
    with closing(archive):
        while True:
            try:
                if archive.last_place() < place:
                    # Another file is there now.
                    place = 0
                names = archive.caller_names()
                chosen = _by_given_name(wanted, names)
                added, place = archive.added_after(place, chosen, names)
            except ArchiveDamaged:
                raise
            except ArchiveFailed:
                # It is not there yet, or busy.
                added = []
            if added:
                show(added, names)
            time.sleep(POLL_S)


def _print_archived(settings: Settings, choice: Choice, wanted: RequestFilter, show: Show) -> int:
    """Print the archived requests; returns the place of the last one."""
    path = data_path(settings)
    if not path.exists():
        if choice.follow:
            # The requests to come are what the user asked for.
            return 0
        why = "There is no archive yet; the dashboard begins it"
        if not settings.archive:
            why = "The archive is off, and no calls were kept before"
        print(f"{why}: {plain(str(path))}", file=sys.stderr)
        return 0
    with ExitStack() as stack:
        archive = stack.enter_context(closing(Archive(path, read_only=True)))
        archive.open()
        place, names = archive.last_place(), archive.caller_names()
        wanted = _by_given_name(wanted, names)
        found: Iterator[Request]
        if choice.limit:
            found = reversed(archive.find(wanted, names, None, choice.limit))
        else:
            found = stack.enter_context(closing(archive.walk(wanted, names, None)))
        printed = 0
        while several := list(islice(found, _BATCH)):
            show(several, names)
            printed += len(several)
        if archive.damaged_rows:
            text = f"Damaged rows that were left out: {archive.damaged_rows:,}"
            print(f"{text}: {plain(str(path))}", file=sys.stderr)
        if not printed:
            if choice.as_csv:
                show((), names)
            kept = archive.count(RequestFilter(), {}, None)
            why = f"None of the {kept:,} archived calls matches"
            print(f"{why if kept else _NO_REQUEST}: {plain(str(path))}", file=sys.stderr)
        elif printed == choice.limit and not (choice.as_json or choice.as_csv):
            total = archive.count(wanted, names, None)
            if total > printed:
                text = f"The newest {printed:,} of {total:,}; --limit 0 prints all."
                print(text, file=sys.stderr)
        return place


def _shower(choice: Choice) -> Show:
    """Return the function that prints requests in the chosen form, after one header."""
    first = True

    def show(requests: Iterable[Request], names: CallerNames) -> None:
        nonlocal first
        if choice.as_csv:
            text = requests_csv(requests, names, header=first)
        elif choice.as_json:
            text = "".join(f"{json.dumps(request_json(r, names))}\n" for r in requests)
        else:
            now = time.time()
            lines = (request_line(request, names, now) for request in requests)
            text = "".join(f"{line}\n" for line in chain([line_header()] * first, lines))
        first = False
        print(text, end="", flush=True)

    return show


def _wanted(choice: Choice, now: float) -> RequestFilter:
    return RequestFilter(
        words=choice.grep or "",
        model=None if choice.model is None else short(choice.model),
        caller=choice.caller,
        outcome=None if choice.status is None else _outcome(choice.status),
        since=None if choice.since is None else _moment(choice.since, now),
    )


def _by_given_name(wanted: RequestFilter, names: CallerNames) -> RequestFilter:
    """Look for the name that the user gave a caller, if the caller's own name was typed."""
    asked = (wanted.caller or "").lower()
    given = next((name for own, name in names.items() if own.lower() == asked), None)
    return wanted if given is None else replace(wanted, caller=given)


def _outcome(text: str) -> Outcome | AnyFailure:
    word = text.lower().replace("-", " ").replace("_", " ")
    if word == "failed":
        # Of every kind, as the column FAILED counts them.
        return ANY_FAILURE
    outcomes: tuple[Outcome, ...] = get_args(Outcome)
    for outcome in outcomes:
        if word in {outcome, *_SCREEN_WORDS.get(outcome, ())}:
            return outcome
    raise BadSettings(f"--status {plain(text)!r}: one of {', '.join(outcomes)}")


def _moment(text: str, now: float) -> float:
    if ago := _AGO.fullmatch(text.strip()):
        return now - float(ago[1]) * _UNITS[ago[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise BadSettings(
            f"--since {plain(text)!r}: 90s, 15m, 24h, 7d, or a time such as 2026-08-01T12:30"
        ) from None
