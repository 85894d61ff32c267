"""A list of the models to which a recorded request can be sent again."""

from collections.abc import Sequence

from textual.content import Content

from dmr_tui.runner.names import canonical
from dmr_tui.runner.request import Request
from dmr_tui.state.model_row import ModelRow
from dmr_tui.text import format
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.choice_dialog import ChoiceDialog
from dmr_tui.ui.shell.run_state import state_words
from dmr_tui.ui.widgets.lines import fit

NAME = 34


class ReplayModels(ChoiceDialog[ModelRow]):
    """The installed models that chat; the cursor is on the request's own one."""

    def __init__(self, request: Request, models: Sequence[ModelRow]) -> None:
        rows = [row for row in models if row.model is not None and not row.embedding]
        own = [_is_own(row, request) for row in rows]
        super().__init__(
            [(row, _option(row, same)) for row, same in zip(rows, own, strict=True)],
            id="replay-models",
            title="Replay with which model",
            hint="enter sends it, esc cancels",
            first=own.index(True) if any(own) else 0,
        )

    def on_mount(self) -> None:
        if not self._choices:
            self.notify("No installed model can chat", severity="warning", markup=False)


def _is_own(row: ModelRow, request: Request) -> bool:
    if request.digest is not None:
        return row.digest == request.digest
    return canonical(row.ref) == canonical(request.model)


def _option(row: ModelRow, own: bool) -> Content:
    state, style = state_words(row.runs[0]) if row.runs else ("not loaded", "$label")
    return Content.assemble(
        (fit(plain(row.name), NAME), "bold $value"),
        (f" {format.parameters(row.parameters):>7}  ", "$label"),
        (state, style),
        ("  the same" if own else "", "$accent"),
    )
