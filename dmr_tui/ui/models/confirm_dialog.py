"""Asks before anything is changed in the runner, and then shows how far it is."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button

from dmr_tui.monitor.live import Monitor
from dmr_tui.state.plan import (
    ConfigurePlan,
    LoadPlan,
    Plan,
    Progress,
    RemovePlan,
    TagPlan,
    UnloadPlan,
    UntagPlan,
)
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.plans import changes, steps_of, title_of
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.models.verdicts import SOURCES
from dmr_tui.ui.shell.pane import Page
from dmr_tui.ui.widgets.lines import Line, Part, wrapped

SIGNS = {"waiting": "  ", "running": "… ", "done": "ok ", "failed": "!  "}
STYLES = {
    "waiting": "$label",
    "running": "bold $accent",
    "done": "$load-ok",
    "failed": "bold $load-critical",
}


class ConfirmDialog(ModalScreen[bool]):
    """The steps of a plan and what is lost by it; then the steps as they go.

    Gives whether all of it was done.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "go", "Do it"),
        Binding("escape,n,q", "close", "Cancel", key_display="esc"),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
    ]

    class Advanced(Message):
        """The monitor has done something of it."""

        def __init__(self, progress: Progress) -> None:
            super().__init__()
            self.progress = progress

    def __init__(self, plan: Plan, remarks: Sequence[str], monitor: Callable[[], Monitor]) -> None:
        """`remarks` are further sentences about what is lost."""
        super().__init__()
        self._plan = plan
        self._remarks = remarks
        self._monitor = monitor
        self._stop: Callable[[], None] | None = None
        self._stopping = False
        self._ended = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="confirm"):
            with VerticalScroll(id="confirm-plan", can_focus=False):
                yield ConfirmPage(self._plan, self._remarks)
            with Horizontal(classes="buttons"):
                yield Button("Do it", variant="primary", id="go", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        box = self.query_one("#confirm")
        box.border_title = Content(plain(title_of(self._plan)))
        box.border_subtitle = Content("y does it, esc cancels")
        self.query_one("#go", Button).focus()
        self.watch(self.app, "snapshot", self._compare)

    def _compare(self, snapshot: Snapshot) -> None:
        page = self.query_one(ConfirmPage)
        # Once it is done, what is there now is no more what was there before.
        if self._stop is None:
            page.snapshot = snapshot

    @on(Button.Pressed, "#go")
    def action_go(self) -> None:
        """Run the plan."""
        if self._stop is not None:
            return
        self._stop = self._monitor().run_plan(self._plan, self._heard)
        self.query_one("#go").display = False
        self.query_one("#cancel", Button).label = "Stop"
        # A second press of enter must not stop it.
        self.set_focus(None)
        self.query_one("#confirm").border_subtitle = Content("esc stops it")

    def _heard(self, progress: Progress) -> None:
        # From the monitor's thread; a dialog that is closed has no use for it.
        if self.is_running:
            self.post_message(self.Advanced(progress))

    def on_confirm_dialog_advanced(self, event: Advanced) -> None:
        """Show the progress; what is done closes the dialog, what failed stays to be read."""
        event.stop()
        progress = event.progress
        self.query_one(ConfirmPage).show(progress)
        if not progress.ended:
            return
        self._ended = True
        if progress.failure is None and not progress.stopped:
            self.notify(_done(self._plan), markup=False)
            self.dismiss(True)
            return
        button = self.query_one("#cancel", Button)
        button.label = "Close"
        button.focus()
        self.query_one("#confirm").border_subtitle = Content("esc closes")
        self.call_after_refresh(self.query_one("#confirm-plan").scroll_end, animate=False)

    @on(Button.Pressed, "#cancel")
    def action_close(self) -> None:
        """Close the dialog; while something is being done, stop that first."""
        if self._stop is not None and not self._ended and not self._stopping:
            self._stopping = True
            self.query_one("#confirm").border_subtitle = Content("stopping; esc closes it anyway")
            self._stop()
        else:
            self.dismiss(False)

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one("#confirm-plan").scroll_relative(y=lines, animate=False)


class ConfirmPage(Page):
    """The plan, then the progress."""

    def __init__(self, plan: Plan, remarks: Sequence[str]) -> None:
        super().__init__()
        self._plan = plan
        self._remarks = remarks
        self._progress: Progress | None = None
        self._began = 0.0

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(0.5, self.tick)

    def show(self, progress: Progress) -> None:
        """Show how far it is."""
        before = () if self._progress is None else self._progress.steps
        if before != progress.steps:
            self._began = monotonic()
        self._progress = progress
        self.tick()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """Return steps and remarks."""
        progress = self._progress
        if progress is None:
            steps: list[Line] = [
                ((f"  {plain(text)}", "bold $value"),) for text in steps_of(self._plan)
            ]
            lines: list[Line] = [(("This will", "$label"),), *steps, ()]
            said: list[Line] = [((plain(text), "$label"),) for text in self._lost()]
        else:
            told = zip(steps_of(self._plan), progress.steps, strict=False)
            lines = [self._step(text, state) for text, state in told]
            said = list(_ending(progress))
        cut = [part for line in lines for part in wrapped(line, width, 4)]
        return [*cut, *(part for line in said for part in wrapped(line, width, 0))]

    def _step(self, text: str, state: str) -> Line:
        parts: list[Part] = [(SIGNS[state], STYLES[state]), (plain(text), STYLES[state])]
        if state == "running":
            ran = format.clock(monotonic() - self._began)
            parts.append((f"  {ran}", "$label"))
        return tuple(parts)

    def _lost(self) -> list[str]:
        plan, told = self._plan, list(self._remarks)
        unloads = (isinstance(plan, LoadPlan) and plan.unload) or isinstance(plan, UnloadPlan)
        if unloads:
            told.append(
                "An unloaded model forgets its cached prompts; its next call loads it again."
            )
        if isinstance(plan, UnloadPlan) and plan.others:
            told.append("What is configured for them stays; busy ones are not unloaded.")
        if isinstance(plan, LoadPlan) and plan.configures:
            told += self._configured(plan)
        if isinstance(plan, LoadPlan) and self.snapshot.runner.version is None:
            told.append("This runner is older than March 2026: to load, it generates one token.")
        if isinstance(plan, ConfigurePlan):
            told += self._replaced(plan)
        if isinstance(plan, RemovePlan):
            told += _removed(plan)
        if isinstance(plan, UntagPlan):
            told.append(f"The model stays, as {', '.join(plan.others)}.")
            told.append("Whoever calls it by the name that goes gets an error from then on.")
        return told

    def _replaced(self, plan: ConfigurePlan) -> list[str]:
        """Return sentences about what the runner does with a new configuration."""
        told = ["The runner keeps it until it is restarted, or somebody else configures it."]
        runs = self._row_runs(plan.digest)
        if runs:
            told.append(
                "It is loaded: the runner ends its engine, forgets its cached prompts, and loads it"
                " again."
            )
        else:
            told.append("The runner loads it at once, in the background.")
        if self.snapshot.source("configuration").health == "absent":
            told.append(
                "This runner does not tell what is configured now: whatever is not set here goes"
                " back to the runner's own."
            )
        return told

    def _row_runs(self, digest: str) -> bool:
        return any(row.runs for row in self.snapshot.models if row.digest == digest)

    def _configured(self, plan: LoadPlan) -> list[str]:
        told = [f"Configured will be {', '.join(self._changes(plan))}, until the runner restarts."]
        if self.snapshot.source("configuration").health == "absent":
            told.append(
                "This runner does not tell what is configured now: other flags, and how long the"
                " model stays loaded, go back to the runner's own."
            )
        else:
            told.append("Everything else that is configured for it stays.")
        if plan.mode == "embedding":
            told.append("The runner then loads it for chat as well, which takes memory twice.")
        return told

    def _changes(self, plan: LoadPlan) -> list[str]:
        """Return each change, with what it was before where that is known."""
        memory = self.snapshot.memory
        fit = None if memory is None else memory.fits.get(plan.digest)
        if fit is None:
            return changes(plan)
        was, told = fit.estimate.launch, []
        if plan.context is not None:
            source = SOURCES[fit.context_source]
            told.append(f"context {plan.context:,} (was {was.context:,}, {source})")
        if plan.cache_type is not None:
            told.append(f"KV cache {plan.cache_type} (was {was.key_type})")
        if plan.slots is not None:
            told.append(f"slots {plan.slots} (was {was.slots})")
        return told


def _done(plan: Plan) -> str:
    if isinstance(plan, TagPlan):
        return f"{plain(plan.name)} is called {plain(plan.target)} as well"
    # The list and a warning report whether the load that follows succeeds.
    end = "stored; the runner loads it now" if isinstance(plan, ConfigurePlan) else "done"
    return plain(f"{'; '.join(steps_of(plan))}: {end}")


def _removed(plan: RemovePlan) -> list[str]:
    """Return sentences about what is gone afterwards."""
    size = f", {plan.size}," if plan.size else ""
    told = [f"The model{size} is deleted from the disk; to use it again it has to be pulled."]
    if len(plan.names) > 1:
        told.append(f"All its names go: {', '.join(plan.names)}.")
    return told


def _ending(progress: Progress) -> Iterator[Line]:
    """Yield how it ended, if it did."""
    if progress.stopped:
        yield ()
        yield (("Stopped; what was done stays done.", "$warning"),)
        yield ((progress.note, "$label"),)
    if progress.failure is not None:
        yield ()
        yield ((plain(progress.failure.what), "bold $error"),)
        for text in (progress.failure.cause, progress.failure.step):
            if text:
                yield ((plain(text), "$label"),)
