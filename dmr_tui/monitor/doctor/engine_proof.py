"""Whether an engine works, proved by loading a model: only ever done because a person asked."""

from dataclasses import replace

import anyio

from dmr_tui.monitor.doctor.runner_checks import ENGINE, GROUP
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.errors.explain import explain
from dmr_tui.runner.errors.failures import RunnerError
from dmr_tui.state.check import Check
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.sanitize import plain


async def prove_engine(client: RunnerClient, model: ModelRow, snapshot: Snapshot) -> Snapshot:
    """`snapshot` with the check of the engine replaced by what loading `model` came to."""
    name, began = plain(model.name), anyio.current_time()
    try:
        await client.preload(model.ref)
    except RunnerError as error:
        why = explain(error, model.name)
        steps = tuple(filter(None, (why.cause, why.step)))
        check = Check(GROUP, ENGINE, "problem", f"{name} was not loaded: {why.what}", steps)
    else:
        took = anyio.current_time() - began
        check = Check(GROUP, ENGINE, "ok", f"{name} was loaded in {took:.1f} s")
    checks = tuple(check if each.name == ENGINE else each for each in snapshot.checks)
    return replace(snapshot, checks=checks)
