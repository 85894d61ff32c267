"""How often something is damaged, and all that is written about what was read of it."""

import os
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from dmr_tui.export.request_rows import request_json, request_line, requests_csv
from dmr_tui.export.status_json import snapshot_json
from dmr_tui.export.status_page import as_page
from dmr_tui.machine.probe import Machine
from dmr_tui.measure.thresholds import DEFAULTS
from dmr_tui.monitor.alerts import find
from dmr_tui.runner.request import Request
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.alerts import alert_text
from dmr_tui.text.events import event_text
from dmr_tui.text.format import DEFAULT_UNITS
from dmr_tui.ui.requests.columns import request_columns
from dmr_tui.ui.requests.request_facts import sections
from tests.ui.still import NOW, snapshot

ROUNDS = int(os.environ.get("FUZZ_ROUNDS", "1"))
"""1 in CI; `just fuzz 50` tries fifty times as many."""
TRIES = 150 * ROUNDS
STILL = snapshot()


def show(shown: Snapshot) -> None:
    """Write everything that is written about a Snapshot."""
    shown = replace(shown, alerts=find(shown, DEFAULTS))
    msgspec.json.encode(snapshot_json(shown))
    as_page(shown).encode()
    for alert in shown.alerts:
        alert_text(alert, shown, DEFAULT_UNITS, NOW)
    for event in shown.events:
        event_text(event)


def show_machine(machine: Machine) -> None:
    """Write everything that is written about a computer, and check the types of its facts."""
    check_types(machine)
    show(replace(STILL, machine=replace(STILL.machine, machine=machine)))


def check_types(value: object) -> None:
    """Raise ValidationError if a fact is of another type than its field says."""
    msgspec.convert(msgspec.to_builtins(value), type(value))


COLUMNS = request_columns(lambda request: request.caller, lambda: 0.0, lambda: 90.0)


def show_requests(requests: Sequence[Request]) -> None:
    """Write everything that is written about requests."""
    for request in requests:
        for _, facts in sections(request, request.caller, 0.0):
            list(facts)
        for column in COLUMNS:
            column.cell(request)
        request_line(request, {}, NOW)
        msgspec.json.encode(request_json(request, {}))
    for column in COLUMNS:
        values = map(column.sort, requests)
        sorted(value for value in values if value is not None)
    requests_csv(requests, {}).encode()
