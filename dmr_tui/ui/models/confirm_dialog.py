"""Question before anything is changed in the runner, and then how far it is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import Button

from dmr_tui.monitor.live import Monitor
from dmr_tui.state.plan import (
    ConfigurePlan,
    LoadPlan,
    Plan,
    Progress,
    RemovePlan,
    StepState,
    TagPlan,
    UnloadPlan,
    UntagPlan,
)
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.plans import changes, steps_of, title_of
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.models.verdicts import SOURCES
from dmr_tui.ui.shell.form import dialog_box
from dmr_tui.ui.shell.pane import Page
from dmr_tui.ui.widgets.dialog import Dialog
from dmr_tui.ui.widgets.lines import Line, Part, wrapped

STEPS: dict[StepState, Part] = {
    "waiting": ("  ", "$label"),
    "running": ("… ", "bold $accent"),
    "done": ("ok ", "$load-ok"),
    "failed": ("!  ", "bold $load-critical"),
}
"""Sign and style of a step."""


class ConfirmDialog(Dialog[bool]):
    """The steps of a plan and what is lost by it; then the steps as they go.

    Gives whether all of it was done.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "go", "Do it"),
        Binding("escape,n,q", "close", "Cancel", key_display="esc"),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
    ]

    @dataclass
    class Advanced(Message):
        """The monitor has done something of it."""

        progress: Progress

    def __init__(self, plan: Plan, remarks: Sequence[str], monitor: Callable[[], Monitor]) -> None:
        """`remarks` are further sentences about what is lost."""
        super().__init__()
        self._plan = plan
        self._remarks = remarks
        self._monitor = monitor
        self._stop: Callable[[], None] | None = None
        self._closes = True
        """False while something is being done, which escape stops instead."""

    def compose(self) -> ComposeResult:
        with dialog_box("confirm", plain(title_of(self._plan)), "y does it, esc cancels"):
            with VerticalScroll(id="confirm-plan", can_focus=False):
                yield ConfirmPage(self._plan, self._remarks)
            with Horizontal(classes="buttons"):
                yield Button("Do it", variant="primary", id="go", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
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
        self._closes = False
        self._stop = self._monitor().run_plan(self._plan, self._heard)
        self.query_one("#go").display = False
        self.query_one("#cancel", Button).label = "Stop"
        # A second press of enter must not stop it.
        self.set_focus(None)
        self.query_one("#confirm").border_subtitle = "esc stops it"

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
        self._closes = True
        if progress.failure is None and not progress.stopped:
            self.notify(_done(self._plan), markup=False)
            self.dismiss(True)
            return
        button = self.query_one("#cancel", Button)
        button.label = "Close"
        button.focus()
        self.query_one("#confirm").border_subtitle = "esc closes"
        self.call_after_refresh(self.query_one("#confirm-plan").scroll_end, animate=False)

    @on(Button.Pressed, "#cancel")
    def action_close(self) -> None:
        """Close the dialog; while something is being done, stop that first."""
        if self._stop is None or self._closes:
            self.dismiss(False)
            return
        self._closes = True
        self.query_one("#confirm").border_subtitle = "stopping; esc closes it anyway"
        self._stop()

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
            lost = (*self._remarks, *_lost(self._plan, self.snapshot))
            said: list[Line] = [((plain(text), "$label"),) for text in lost]
        else:
            told = zip(steps_of(self._plan), progress.steps, strict=False)
            lines = [self._step(text, state) for text, state in told]
            said = list(_ending(progress))
        cut = [part for line in lines for part in wrapped(line, width, 4)]
        return [*cut, *(part for line in said for part in wrapped(line, width, 0))]

    def _step(self, text: str, state: StepState) -> Line:
        sign, style = STEPS[state]
        ran = f"  {format.clock(monotonic() - self._began)}" if state == "running" else ""
        return ((sign, style), (plain(text), style), (ran, "$label"))


def _lost(plan: Plan, snapshot: Snapshot) -> Iterator[str]:
    """Yield sentences about what is lost, and what is not."""
    if isinstance(plan, UnloadPlan) or (isinstance(plan, LoadPlan) and plan.unload):
        yield "An unloaded model forgets its cached prompts; its next call loads it again."
    untold = snapshot.source("configuration").health == "absent"
    match plan:
        case UnloadPlan() if plan.others:
            yield "What is configured for them stays; busy ones are not unloaded."
        case LoadPlan():
            if plan.configures:
                told = ", ".join(_changes(plan, snapshot))
                yield f"Configured will be {told}, until the runner restarts."
                yield (
                    "This runner does not tell what is configured now: other flags, and how long"
                    " the model stays loaded, go back to the runner's own."
                    if untold
                    else "Everything else that is configured for it stays."
                )
                if plan.mode == "embedding":
                    yield "The runner then loads it for chat as well, which takes memory twice."
            if snapshot.runner.version is None:
                yield "This runner is older than March 2026: to load, it generates one token."
        case ConfigurePlan():
            yield "The runner keeps it until it is restarted, or somebody else configures it."
            yield (
                "It is loaded: the runner ends its engine, forgets its cached prompts, and loads it"
                " again."
                if any(row.runs for row in snapshot.models if row.digest == plan.digest)
                else "The runner loads it at once, in the background."
            )
            if untold:
                yield (
                    "This runner does not tell what is configured now: whatever is not set here"
                    " goes back to the runner's own."
                )
        case RemovePlan():
            size = f", {plan.size}," if plan.size else ""
            yield f"The model{size} is deleted from the disk; to use it again it has to be pulled."
            if len(plan.names) > 1:
                yield f"All its names go: {', '.join(plan.names)}."
        case UntagPlan():
            yield f"The model stays, as {', '.join(plan.others)}."
            yield "Requests for the name that goes fail from then on."


def _changes(plan: LoadPlan, snapshot: Snapshot) -> list[str]:
    """Return each change, with what it was before where that is known."""
    fit = None if snapshot.memory is None else snapshot.memory.fits.get(plan.digest)
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
