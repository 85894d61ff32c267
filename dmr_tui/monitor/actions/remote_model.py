"""A model of a registry, before a byte of it is downloaded."""

from types import MappingProxyType

from msgspec.structs import replace

from dmr_tui.monitor.memory.fits import Architectures, find_fits
from dmr_tui.monitor.memory.footprints import Footprints
from dmr_tui.monitor.model_rows import Installed
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.errors.explain import Explanation, explain
from dmr_tui.runner.errors.failures import Rejected, RunnerError
from dmr_tui.runner.names import is_reference, short
from dmr_tui.runner.wire import Model
from dmr_tui.state.memory import LoadConditions
from dmr_tui.state.replies import NOT_READ, Holder, RemoteModel

NO_NAME = Explanation(
    "This is no name of a model",
    "A name is made of letters, digits and . _ - / :, such as ai/smollm2 or hf.co/USER/MODEL:TAG.",
    "Look for models at https://hub.docker.com/u/ai",
)


async def look_up(
    client: RunnerClient, name: str, installed: Installed, loading: LoadConditions | None
) -> RemoteModel:
    """Ask the runner to ask the registry; whether it fits is judged as for `installed` models."""
    if not is_reference(name):
        return RemoteModel(name, failure=NO_NAME)
    try:
        model = await client.look_up(name)
    except RunnerError as error:
        if isinstance(error, Rejected) and error.status == 404:
            # In the words of a pull: those of a lookup say that it is not installed.
            error = Rejected(404, "Model not found")
        return RemoteModel(name, failure=explain(error, name))
    return _offer(name, model, installed, loading)


def _offer(
    name: str, model: Model, installed: Installed, loading: LoadConditions | None
) -> RemoteModel:
    (row,) = Installed([model]).rows()
    if not model.tags:
        row = replace(row, name=short(name), ref=name)
    there = any(each.id == model.id for each in installed.models)
    known = loading or LoadConditions(NOT_READ)
    fits = find_fits((row,), (), known, Architectures(), Footprints())
    named = installed.row(name)
    holder: Holder = "nobody"
    if named is not None:
        holder = "itself" if named.key == row.key else "another"
    names = MappingProxyType({each.key: each.name for each in installed.rows()})
    return RemoteModel(name, row, there, holder, fits.get(row.key), known.pool, names)
