"""Another name for a model."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Label, Static

from dmr_tui.runner.names import canonical, is_reference
from dmr_tui.state.model_row import ModelRow
from dmr_tui.state.plan import TagPlan
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.form import FormDialog


def holder(name: str, models: Sequence[ModelRow]) -> ModelRow | None:
    """Find the installed model that has this name now."""
    wanted = canonical(name)
    for row in models:
        if wanted in map(canonical, row.tags):
            return row
    return None


class TagDialog(FormDialog[TagPlan]):
    """One field; a name that another model has is taken from it, which is said."""

    def __init__(self, row: ModelRow, models: Sequence[ModelRow]) -> None:
        super().__init__()
        self._row = row
        self._models = models

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog small-dialog", id="tagging"):
            yield Label("The model")
            yield Static(Content.styled(plain(self._row.ref), "bold $value"), markup=False)
            yield Label("Another name for it")
            yield Input(placeholder="ai/my-model:v1", id="tag-name", max_length=200, compact=True)
            yield Static("", id="tag-problem", classes="problem", markup=False)
            yield self.buttons("Tag")

    def on_mount(self) -> None:
        box = self.query_one("#tagging")
        box.border_title = Content(f"Tag {plain(self._row.name)}")
        box.border_subtitle = Content("enter goes on, esc cancels")
        self.query_one("#tag-name").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say which model would lose the name."""
        self.query_one("#tag-problem", Static).update(self._remark(event.value.strip()))

    def _remark(self, name: str) -> str:
        if not is_reference(name):
            return ""
        row = holder(name, self._models)
        if row is None:
            return ""
        same = row.digest == self._row.digest
        return "it has this name already" if same else f"{plain(row.name)} loses this name"

    def action_save(self) -> None:
        """Take the name if it can be one."""
        name = self.query_one("#tag-name", Input).value.strip()
        if not is_reference(name) or "@" in name:
            problem = self.query_one("#tag-problem", Static)
            problem.update("a name is made of letters, digits and . _ - / :")
            return
        head, _, last = name.rpartition("/")
        last, _, tag = last.partition(":")
        repository = f"{head}/{last}" if head else last
        self.dismiss(TagPlan(self._row.name, self._row.ref, repository, tag or "latest"))
