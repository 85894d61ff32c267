"""A model with several names: all of it, or one of the names."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from dmr_tui.runner.names import short
from dmr_tui.state.plan import RemovePlan, UntagPlan
from dmr_tui.text.sanitize import plain


class RemoveDialog(ModalScreen[RemovePlan | UntagPlan | None]):
    """Chooses only; what is lost is asked after it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,D", "cancel", "Cancel")]

    def __init__(self, whole: RemovePlan, tags: Sequence[str]) -> None:
        super().__init__()
        plans: list[RemovePlan | UntagPlan] = [
            UntagPlan(
                whole.name,
                tag.removeprefix("docker.io/"),
                whole.digest,
                tuple(short(other) for other in tags if other != tag),
            )
            for tag in tags
        ]
        self._plans = [*plans, whole]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="removing"):
            yield OptionList(*(Option(_words(plan)) for plan in self._plans))

    def on_mount(self) -> None:
        box = self.query_one("#removing")
        box.border_title = Content(f"Remove {plain(self._plans[0].name)}")
        box.border_subtitle = Content("enter goes on, esc cancels")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """That one."""
        self.dismiss(self._plans[event.option_index])

    def action_cancel(self) -> None:
        """Leave everything as it was."""
        self.dismiss(None)


def _words(plan: RemovePlan | UntagPlan) -> Content:
    if isinstance(plan, UntagPlan):
        return Content.assemble(
            (" only the name ", "$label"), (f"{plain(short(plan.ref))} ", "bold $value")
        )
    size = f", {plan.size} on disk" if plan.size else ""
    return Content.assemble(
        (" the whole model ", "bold $value"),
        (f"with all {len(plan.names)} names{plain(size)} ", "$label"),
    )
