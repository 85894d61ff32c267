"""What can be done to the model under the cursor, on every screen that lists models."""

from textual import events

from dmr_tui.state.lost_config import LostConfig
from dmr_tui.state.model_row import ModelRow
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.models.model_list import ModelList
from dmr_tui.ui.shell.live_screen import LiveScreen

READ_ONLY = "Read-only mode: nothing is sent that changes the runner"
CHANGES = frozenset(
    {
        "load_model",
        "unload_model",
        "unload_all",
        "configure_model",
        "reapply_config",
        "tag_model",
        "remove_model",
        "pull_model",
    }
)
"""Actions that change the runner: off in read-only mode, and while no runner answers."""


class ModelActionsScreen(LiveScreen):
    """A screen with one list of models; plan_questions.py has what each key asks."""

    reloads = False
    """Whether a loaded model can be loaded again here, in another way."""

    @property
    def model_list(self) -> ModelList:
        """The list of models."""
        return self.query_one(ModelList)

    @property
    def model_row(self) -> ModelRow | None:
        """The model under the cursor."""
        return self.model_list.row

    def action_load_model(self) -> None:
        """Load the model, after asking."""
        from dmr_tui.ui.models import plan_questions as plan_questions_module

        if (row := self.model_row) is not None:
            plan_questions_module.load_as_it_is(self, row)

    def action_unload_model(self) -> None:
        """Unload the model, after asking."""
        from dmr_tui.ui.models import plan_questions as plan_questions_module

        if (row := self.model_row) is not None:
            plan_questions_module.unload(self, row)

    def action_unload_all(self) -> None:
        """Unload every model, after asking."""
        from dmr_tui.ui.models import plan_questions as plan_questions_module

        plan_questions_module.unload_all(self)

    def action_configure_model(self) -> None:
        """Change context, keep-alive and flags."""
        from dmr_tui.ui.models import plan_questions as plan_questions_module

        if (row := self.model_row) is not None:
            plan_questions_module.configure(self, row)

    @property
    def lost(self) -> tuple[ModelRow, LostConfig] | None:
        """What was lost of the model under the cursor, or else of the first one."""
        rows = {row.digest: row for row in self.snapshot.models if row.digest is not None}
        found = [(rows[lost.digest], lost) for lost in self.snapshot.lost if lost.digest in rows]
        here = self.model_row
        found.sort(key=lambda each: here is None or each[0].digest != here.digest)
        return found[0] if found else None

    def action_reapply_config(self) -> None:
        """Set a configuration again that was lost."""
        from dmr_tui.ui.models import plan_questions as plan_questions_module

        plan_questions_module.reapply(self)

    def action_tag_model(self) -> None:
        """Give the model another name."""
        from dmr_tui.ui.models import plan_questions as plan_questions_module

        if (row := self.model_row) is not None:
            plan_questions_module.tag(self, row)

    def action_remove_model(self) -> None:
        """Remove the model from the disk, after asking."""
        from dmr_tui.ui.models import plan_questions as plan_questions_module

        if (row := self.model_row) is not None:
            plan_questions_module.remove(self, row)

    def action_pull_model(self) -> None:
        """Look a model up, and download it."""
        from dmr_tui.ui.models.pull_dialog import PullDialog

        self.app.push_screen(PullDialog(self._monitor))

    def action_model_menu(self) -> None:
        """Everything that can be done to the model, to choose from."""
        from dmr_tui.ui.models.model_menu import ModelMenu

        if self.model_row is not None:
            self.app.push_screen(ModelMenu(self, self.model_row))

    def on_key(self, event: events.Key) -> None:
        """Say why a key that changes the runner does nothing here."""
        active = self.active_bindings.get(event.key)
        if active is None or active.enabled:
            return
        action = active.binding.action.removeprefix("screen.")
        if action in CHANGES:
            event.stop()
            self.notify(self.why_not(action), severity="warning", markup=False)

    def why_not(self, action: str) -> str:
        """Why the action cannot be done to the model under the cursor now."""
        row, snapshot = self.model_row, self.snapshot
        if snapshot.read_only:
            return READ_ONLY
        if not snapshot.runner.up:
            return "No runner answers"
        if action == "reapply_config":
            return "The runner has lost no configuration"
        if action == "unload_all":
            return "No model is loaded"
        if row is None:
            return "There is no model under the cursor"
        if action == "load_model":
            return f"{plain(row.name)} is loaded; o configures it"
        return f"{plain(row.name)} is not {'loaded' if action == 'unload_model' else 'installed'}"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can be done now; None shows it dimmed."""
        if action not in CHANGES | {"model_menu"} or not self.is_mounted:
            return True
        return True if self.can(action) else None

    def can(self, action: str) -> bool:
        """Whether the action can be done to the model under the cursor now."""
        row, snapshot = self.model_row, self.snapshot
        if action == "model_menu":
            return row is not None
        if snapshot.read_only or not snapshot.runner.up:
            return False
        if action == "pull_model":
            return True
        if action == "reapply_config":
            return self.lost is not None
        if action == "unload_all":
            return any(each.runs for each in snapshot.models)
        if row is None or row.digest is None:
            return False
        match action:
            case "load_model":
                return self.reloads or not row.loaded
            case "unload_model":
                return bool(row.runs)
            case "remove_model" | "tag_model":
                return row.model is not None
        return True
