"""What a registry has under a name, before a byte of the model is downloaded."""

from dataclasses import dataclass, replace
from typing import Literal

from dmr_tui.machine.reading import Reading
from dmr_tui.measure.fit import MemoryPool
from dmr_tui.monitor.memory.fits import Architectures, Loading, find_fits
from dmr_tui.monitor.memory.footprints import Footprints
from dmr_tui.monitor.model_rows import Installed
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.errors.explain import Explanation, explain
from dmr_tui.runner.errors.failures import Rejected, RunnerError
from dmr_tui.runner.names import is_reference, short
from dmr_tui.runner.wire import Model
from dmr_tui.state.memory import Fit
from dmr_tui.state.model_row import ModelRow
from dmr_tui.text.fit_advice import load_advice

Holder = Literal["nobody", "itself", "another"]
NOT_READ: Reading[MemoryPool] = Reading(None, "the machine was not read yet")
NOBODY = Explanation("No runner answers")
NO_NAME = Explanation(
    "This is no name of a model",
    "A name is made of letters, digits and . _ - / :, such as ai/smollm2 or hf.co/USER/MODEL:TAG.",
    "Look for models at https://hub.docker.com/u/ai",
)


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """One model that could be pulled."""

    name: str
    """As a person wrote it."""
    row: ModelRow | None = None
    """None if it was not found; then `failure` says why."""
    installed: bool = False
    """Whether the very same model is on the disk already."""
    holder: Holder = "nobody"
    """Which installed model has this name: "another" one loses it to the one that comes."""
    fit: Fit | None = None
    """Whether it would fit; None where nothing tells."""
    pool: Reading[MemoryPool] = NOT_READ
    """What there is for it."""
    ways: tuple[str, ...] = ()
    """What would make room for it, in words."""
    failure: Explanation | None = None

    @property
    def never_fits(self) -> bool:
        """Whether it is too big for this computer even with the shortest context."""
        return self.fit is not None and self.fit.verdict == "too big" and self.fit.alone is None


async def look_up(
    client: RunnerClient, name: str, installed: Installed, loading: Loading | None
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


def _offer(name: str, model: Model, installed: Installed, loading: Loading | None) -> RemoteModel:
    (row,) = Installed([model]).rows()
    if not model.tags:
        row = replace(row, name=short(name), ref=name)
    there = any(each.id == model.id for each in installed.models)
    known = loading or Loading(NOT_READ)
    fits = find_fits((row,), (), known, Architectures(), Footprints())
    named = installed.row(name)
    holder: Holder = "nobody"
    if named is not None:
        holder = "itself" if named.key == row.key else "another"
    fit = fits.get(row.key)
    names = {each.key: each.name for each in installed.rows()}
    ways = () if fit is None else tuple(load_advice(fit, names))
    return RemoteModel(name, row, there, holder, fit, known.pool, ways)
