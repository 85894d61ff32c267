"""`dmr-tui status`: one Snapshot, or one each interval."""

import json
from contextlib import suppress

import anyio

from dmr_tui.commands.pipe import drop_output
from dmr_tui.commands.target import chosen
from dmr_tui.export.status_json import exit_code, snapshot_json
from dmr_tui.export.status_page import as_page
from dmr_tui.monitor.poller import Poller
from dmr_tui.settings.schema import Settings
from dmr_tui.state.snapshot import Snapshot


def run_status(settings: Settings, *, demo: bool, as_json: bool, watch: bool) -> int:
    """Print, and return the exit code; with `watch` that of the last Snapshot."""
    units, thresholds = settings.preferences.units, settings.preferences.thresholds
    with chosen(settings, demo=demo) as (places, machine):
        shown: list[Snapshot] = []

        def show(snapshot: Snapshot) -> None:
            if as_json:
                print(json.dumps(snapshot_json(snapshot, units)), flush=True)
            else:
                print(as_page(snapshot, units), end="\n\n" if watch else "\n", flush=True)
            shown[:] = [snapshot]

        poller = Poller(
            places,
            machine,
            show,
            interval=settings.interval,
            read_only=settings.read_only,
            thresholds=thresholds,
        )

        async def once() -> None:
            show(await poller.once())

        with suppress(KeyboardInterrupt):
            try:
                anyio.run(poller.run_paced if watch else once)
            except* BrokenPipeError:
                drop_output()
        return exit_code(shown[-1]) if shown else 2
