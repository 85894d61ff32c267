"""Choice between a whole model and one of its names, to be removed."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from dmr_tui.runner.names import short
from dmr_tui.state.plan import RemovePlan, UntagPlan
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.choice_dialog import ChoiceDialog


class RemoveDialog(ChoiceDialog[RemovePlan | UntagPlan]):
    """Chooses only; what is lost is asked after it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("D", "cancel", "Cancel")]

    def __init__(self, whole: RemovePlan, tags: Sequence[str]) -> None:
        plans: list[RemovePlan | UntagPlan] = [
            UntagPlan(
                whole.name,
                tag.removeprefix("docker.io/"),
                whole.digest,
                tuple(short(other) for other in tags if other != tag),
            )
            for tag in tags
        ]
        super().__init__(
            [(plan, _words(plan)) for plan in (*plans, whole)],
            id="removing",
            title=f"Remove {plain(whole.name)}",
            hint="enter goes on, esc cancels",
        )


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
