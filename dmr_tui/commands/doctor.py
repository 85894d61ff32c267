"""`dmr-tui doctor`: every check, its result, and what fixes it."""

import json
import sys
from dataclasses import replace

import anyio

from dmr_tui.commands.target import chosen, found_runner
from dmr_tui.export.doctor_report import doctor_exit_code, doctor_json, doctor_page
from dmr_tui.monitor.doctor_monitor import prove_engine
from dmr_tui.monitor.poller import Poller
from dmr_tui.runner.discovery.places import Places
from dmr_tui.settings.errors import BadSettings
from dmr_tui.settings.schema import Settings
from dmr_tui.state.request_filter import View
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.doctor.diagnosis import diagnose
from dmr_tui.text.doctor.runner_checks import smallest_model
from dmr_tui.text.sanitize import plain


def run_doctor(settings: Settings, *, demo: bool, as_json: bool, prove: bool) -> int:
    """Look at everything once, print it, and return the exit code.

    With `prove` the smallest model is loaded; without, nothing that loads one is sent.
    """
    if prove and settings.read_only:
        raise BadSettings("--prove loads a model, which --read-only forbids")
    with chosen(settings, demo=demo) as (places, machine):

        async def once() -> Snapshot:
            thresholds = settings.preferences.thresholds
            poller = Poller(places, machine, lambda _: None, read_only=True, thresholds=thresholds)
            poller.look(View(doctor=True))
            snapshot = await poller.once()
            return await _proved(snapshot, places) if prove else snapshot

        snapshot = anyio.run(once)
    checks = diagnose(snapshot, settings.preferences.units)
    text = json.dumps(doctor_json(snapshot, checks)) if as_json else doctor_page(snapshot, checks)
    print(text, flush=True)
    return doctor_exit_code(snapshot, checks)


async def _proved(snapshot: Snapshot, places: Places) -> Snapshot:
    """Load the smallest model, and add what came of it."""
    model = smallest_model(snapshot)
    if model is None or snapshot.doctor is None or not snapshot.runner.up:
        return snapshot
    async with found_runner(places, read_only=False) as found:
        if found.client is None:
            return snapshot
        print(f"loading {plain(model.name)} …", file=sys.stderr, flush=True)
        proof = await prove_engine(found.client, model)
        return replace(snapshot, doctor=replace(snapshot.doctor, proof=proof))
