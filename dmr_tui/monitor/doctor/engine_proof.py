"""Proves that an engine works by loading a model, only ever because the user asked for it."""

import anyio

from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.errors.explain import explain
from dmr_tui.runner.errors.failures import RunnerError
from dmr_tui.state.doctor_facts import EngineProof
from dmr_tui.state.model_row import ModelRow


async def prove_engine(client: RunnerClient, model: ModelRow) -> EngineProof:
    """Load `model`, and tell what came of it."""
    began, failure = anyio.current_time(), None
    try:
        await client.preload(model.ref)
    except RunnerError as error:
        failure = explain(error, model.name)
    return EngineProof(model.name, anyio.current_time() - began, failure)
