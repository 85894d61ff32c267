"""The requests that the open screen lists: heard in this session, and from the archive."""

import time
from collections.abc import Callable, Iterable

import anyio

from dmr_tui.measure.request_numbers import ended
from dmr_tui.monitor.archive.selection import matches
from dmr_tui.monitor.archive.store import Archive
from dmr_tui.monitor.archive.writer import ArchiveWriter
from dmr_tui.monitor.requests.groups import by_caller, by_model
from dmr_tui.monitor.requests.tracker import RequestTracker
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import Record
from dmr_tui.state.request_filter import SHOWN_REQUESTS, RequestFilter, View
from dmr_tui.state.requests import FinishedRequests
from dmr_tui.state.source_state import SourceState

RESTORED = 1000
"""Archived requests that the tracker starts with: for baselines, and the last minutes."""
COUNT_S = 1.0
"""Seconds between two counts by caller and by model, as 10,000 requests take a while to count."""
NEAR = 500
"""Newest rows among which a request is looked for when more is known of it."""


class RequestLog:
    """Everything happens on one event loop; without an archive only this session is known."""

    def __init__(self, archive: Archive | None, changed: Callable[[], None]) -> None:
        self.writer = None if archive is None else ArchiveWriter(archive, changed)
        self.names: dict[str, str] = {}
        """Names that the user gave, by the caller's own name."""
        self.limits: dict[str, float] = {}
        """Seconds after which a caller hangs up, as the user set it."""
        self._changed = changed
        self._tracker: RequestTracker | None = None
        self._runner = ""
        self._view = View()
        self._rows: list[Request] = []
        self._matching: int | None = None
        self._reading = False
        self._wanted = anyio.Event()
        self._watched = anyio.Event()
        self._shown: FinishedRequests | None = None
        self._shown_is_old = False
        self._counted_at = float("-inf")

    @property
    def sources(self) -> tuple[SourceState, ...]:
        """The health of the archive, if there is one."""
        return () if self.writer is None else (self.writer.state,)

    def watch(self, runner: str, tracker: RequestTracker) -> None:
        """Show the requests of `runner` from now on, as `tracker` hears them."""
        self._runner, self._tracker = runner, tracker
        tracker.set_limits(self.limits)
        self._watched.set()
        self._pick()

    def look(self, view: View) -> None:
        """Prepare what the open screen needs."""
        before, self._view = self._view, view
        self._shown = None
        if view.requests != before.requests:
            self._pick()
        self._changed()

    async def name_caller(self, caller: str, name: str, limit: float | None) -> None:
        """Call a caller by another name, and know its time limit in seconds."""
        self.names.pop(caller, None)
        self.limits.pop(caller, None)
        if name:
            self.names[caller] = name
        if limit:
            self.limits[caller] = limit
        if self._tracker is not None:
            self._tracker.set_limits(self.limits)
        self._shown = None
        self._pick()
        self._changed()
        if self.writer is not None:
            await self.writer.name(caller, name, limit)

    def requests(self) -> FinishedRequests | None:
        """Return what the open screen lists: the same object while nothing changed."""
        if self._view.requests is None:
            return None
        due = time.monotonic() - self._counted_at >= COUNT_S
        if self._shown is None or (self._shown_is_old and (due or not self._view.groups)):
            groups = self._view.groups
            rows = tuple(self._rows)
            self._shown = FinishedRequests(
                view=self._view,
                rows=rows,
                matching=self._matching,
                reading=self._reading,
                by_caller=by_caller(rows, self.names) if groups else (),
                by_model=by_model(rows) if groups else (),
            )
            self._shown_is_old = False
            self._counted_at = time.monotonic()
        return self._shown

    async def run(self) -> None:
        """Keep the archive and read from it, for ever."""
        if (writer := self.writer) is None:
            return
        await self._watched.wait()
        async with anyio.create_task_group() as group:
            group.start_soon(writer.run)
            await writer.opened.wait()
            if (callers := await writer.callers()) is not None:
                # What the user set meanwhile is newer.
                self.names, self.limits = callers[0] | self.names, callers[1] | self.limits
            await self._restore(writer)
            while True:
                await self._wanted.wait()
                self._wanted = anyio.Event()
                await self._read(writer)

    async def _restore(self, writer: ArchiveWriter) -> None:
        found = await writer.find(self._runner, RequestFilter(), limit=RESTORED)
        if self._tracker is not None:
            self._tracker.set_limits(self.limits)
            if found:
                self._tracker.restore(found[0])
        self._changed()

    async def _read(self, writer: ArchiveWriter) -> None:
        wanted, runner = self._view.requests, self._runner
        if wanted is None or not runner:
            return
        found = await writer.find(runner, wanted, dict(self.names))
        if wanted != self._view.requests or runner != self._runner:
            return
        self._reading = False
        if found is not None:
            rows, self._matching = found
            merged = {row.id: row for row in rows} | {row.id: row for row in self._rows}
            self._matching = max(self._matching, len(merged))
            self._rows = sorted(merged.values(), key=ended, reverse=True)[:SHOWN_REQUESTS]
        self._update()

    def _pick(self) -> None:
        """Show what this session has heard at once; the archive adds the rest."""
        wanted = self._view.requests
        if wanted is None:
            self._rows, self._matching, self._reading = [], None, False
            return
        heard: Iterable[Request] = () if self._tracker is None else self._tracker.finished
        found = [request for request in heard if matches(wanted, request, self.names)]
        self._rows = sorted(found, key=ended, reverse=True)[:SHOWN_REQUESTS]
        self._matching = len(found) if self.writer is None else None
        self._reading = self.writer is not None
        self._wanted.set()
        self._update()

    def request_ended(self, request: Request, record: Record | None) -> None:
        """Keep it, and show it if it is one of those that are wanted."""
        if self.writer is not None:
            self.writer.put(self._runner, request, record)
        wanted = self._view.requests
        if wanted is None or not matches(wanted, request, self.names):
            return
        near = self._rows[:NEAR]
        known = next((n for n, row in enumerate(near) if row.id == request.id), None)
        if known is not None:
            self._rows[known] = request
        else:
            at = ended(request)
            place = next((n for n, row in enumerate(self._rows) if ended(row) <= at), None)
            self._rows.insert(len(self._rows) if place is None else place, request)
            del self._rows[SHOWN_REQUESTS:]
            if self._matching is not None:
                self._matching += 1
        self._update()

    def request_superseded(self, id: str) -> None:
        """Show the later try alone."""
        if self.writer is not None:
            self.writer.supersede(self._runner, id)
        place = next((n for n, row in enumerate(self._rows) if row.id == id), None)
        if place is not None:
            del self._rows[place]
            if self._matching is not None:
                self._matching -= 1
            self._update()

    def _update(self) -> None:
        self._shown_is_old = True
        self._changed()
