"""Models of a registry: what is known before a download, and how far each download is."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType

import anyio
from msgspec import structs

from dmr_tui.monitor.memory.fits import Architectures, find_fits
from dmr_tui.monitor.memory.footprints import Footprints
from dmr_tui.monitor.model_rows import Installed
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.errors.explain import Explanation, explain
from dmr_tui.runner.errors.failures import Rejected, RunnerError
from dmr_tui.runner.names import canonical, is_reference, short
from dmr_tui.runner.wire import PullLine
from dmr_tui.state.memory import LoadConditions
from dmr_tui.state.plan import Pull
from dmr_tui.state.replies import NOT_READ, Holder, RemoteModel

WINDOW_S = 5.0
"""Seconds over which the rate is taken."""
NEWS_S = 0.25
"""The runner tells ten times a second; no eye reads that fast."""

NO_NAME = Explanation(
    "This is no name of a model",
    "A name is made of letters, digits and . _ - / :, such as ai/smollm2 or hf.co/USER/MODEL:TAG.",
    "Look for models at https://hub.docker.com/u/ai",
)


class Pulls:
    """Every download of this session, the newest last; lives on one event loop."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._pulls: dict[str, Pull] = {}
        self._scopes: dict[str, anyio.CancelScope] = {}

    @property
    def state(self) -> tuple[Pull, ...]:
        """All of them; what nothing was heard of for a while has no rate."""
        return tuple(_now(pull) for pull in self._pulls.values())

    async def run(self, client: RunnerClient, name: str, ended: Callable[[], None]) -> None:
        """Download `name`, unless that is going on; `ended` is called after it."""
        key = canonical(name)
        before = self._pulls.get(key)
        if before is not None and before.going:
            return
        # Tried again it stands last.
        self._pulls.pop(key, None)
        self._put(key, Pull(name))
        try:
            with anyio.CancelScope() as self._scopes[key]:
                await self._pull(client, key)
            if self._scopes[key].cancelled_caught:
                self._put(key, replace(self._pulls[key], state="stopped", rate=None))
        except RunnerError as error:
            failure = explain(error, name)
            self._put(key, replace(self._pulls[key], state="failed", rate=None, failure=failure))
        finally:
            del self._scopes[key]
        ended()

    def refuse(self, name: str, why: Explanation) -> None:
        """Show a download that cannot even be begun."""
        self._put(canonical(name), Pull(name, "failed", failure=why))

    def stop(self, name: str) -> None:
        """End the download; what has come stays with the runner, for the next try."""
        scope = self._scopes.get(canonical(name))
        if scope is not None:
            scope.cancel()

    def forget(self) -> None:
        """Drop those that are over."""
        self._pulls = {key: pull for key, pull in self._pulls.items() if pull.going}
        self._changed()

    async def _pull(self, client: RunnerClient, key: str) -> None:
        layers = _Layers()
        told_at = 0.0
        async with client.pull(self._pulls[key].name) as lines:
            async for line in lines:
                now = anyio.current_time()
                pull = replace(_after(self._pulls[key], line, layers, now), updated_at=now)
                if pull.state != self._pulls[key].state or now - told_at >= NEWS_S:
                    told_at = now
                    self._put(key, pull)
                else:
                    self._pulls[key] = pull

    def _put(self, key: str, pull: Pull) -> None:
        self._pulls[key] = pull
        self._changed()


class _Layers:
    """The progress of each part, and of the last seconds."""

    def __init__(self) -> None:
        self._current: dict[str, int] = {}
        self._seen: deque[tuple[float, int]] = deque()
        self.resumed = 0

    def take(self, line: PullLine, now: float) -> None:
        """Take in one line of progress."""
        layer = line.layer
        if layer.id not in self._current:
            # What the first line of a part tells may be of an earlier try: it is no progress.
            self.resumed += layer.current
        self._current[layer.id] = max(layer.current, self._current.get(layer.id, 0))
        self._seen.append((now, self.done - self.resumed))
        while len(self._seen) > 2 and now - self._seen[0][0] > WINDOW_S:
            self._seen.popleft()

    @property
    def done(self) -> int:
        """Bytes of all parts."""
        return sum(self._current.values())

    @property
    def rate(self) -> float | None:
        """Bytes per second; None until a second has passed."""
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        return (last - first) / (ended - began) if ended - began >= 1.0 else None


def _now(pull: Pull) -> Pull:
    if pull.state != "pulling" or pull.rate is None:
        return pull
    silent = anyio.current_time() - pull.updated_at > WINDOW_S
    return replace(pull, rate=None) if silent else pull


def _after(pull: Pull, line: PullLine, layers: _Layers, now: float) -> Pull:
    """The download after the runner has said `line`."""
    match line.type:
        case "progress":
            layers.take(line, now)
            total = line.total or pull.total
            # A total that is smaller than what has come is none.
            known = total if total and total >= layers.done else pull.total
            return replace(
                pull,
                state="pulling",
                done=layers.done,
                total=known,
                rate=layers.rate,
                resumed=layers.resumed,
            )
        case "success":
            done = pull.total or pull.done
            return replace(
                pull, state="done", done=done, rate=None, message=pull.message or line.message
            )
        case _:
            return replace(pull, message=line.message)


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
    (row,) = Installed([model]).rows()
    if not model.tags:
        row = structs.replace(row, name=short(name), ref=name)
    there = any(each.id == model.id for each in installed.models)
    known = loading or LoadConditions(NOT_READ)
    fits = find_fits((row,), (), known, Architectures(), Footprints())
    named = installed.row(name)
    holder: Holder = "none"
    if named is not None:
        holder = "itself" if named.key == row.key else "another"
    names = MappingProxyType({each.key: each.name for each in installed.rows()})
    return RemoteModel(name, row, there, holder, fits.get(row.key), known.pool, names)
