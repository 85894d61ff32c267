"""Actions on the model under the cursor, for every screen that lists models."""

from textual import events

from dmr_tui.state.lost_config import LostConfig
from dmr_tui.state.model_row import ModelRow
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.models.model_list import ModelList
from dmr_tui.ui.shell.live_screen import READ_ONLY, LiveScreen

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
NONE_LOST = "The runner has lost no configuration"


class ModelActionsScreen(LiveScreen):
    """A screen with one list of models; plan_questions.py has the question of each key."""

    reloads = False
    """True if a loaded model can be loaded again here, in another way."""

    @property
    def model_list(self) -> ModelList:
        """The list of models."""
        return self.query_one(ModelList)

    @property
    def model_row(self) -> ModelRow | None:
        """The model under the cursor."""
        return self.model_list.row

    def _ask(self, action: str) -> None:
        # Takes a tenth of a second to import, and the first paint needs none of it.
        from dmr_tui.ui.models.plan_questions import QUESTIONS

        if (row := self.model_row) is not None:
            QUESTIONS[action](self, row)

    def action_load_model(self) -> None:
        """Load the model, after asking."""
        self._ask("load_model")

    def action_unload_model(self) -> None:
        """Unload the model, after asking."""
        self._ask("unload_model")

    def action_configure_model(self) -> None:
        """Change context, keep-alive and flags."""
        self._ask("configure_model")

    def action_tag_model(self) -> None:
        """Give the model another name."""
        self._ask("tag_model")

    def action_remove_model(self) -> None:
        """Remove the model from the disk, after asking."""
        self._ask("remove_model")

    def action_unload_all(self) -> None:
        """Unload every model, after asking."""
        from dmr_tui.ui.models.plan_questions import unload_all

        unload_all(self)

    @property
    def lost(self) -> tuple[ModelRow, LostConfig] | None:
        """The lost configuration of the model under the cursor, or else of the first one."""
        rows = {row.digest: row for row in self.snapshot.models if row.digest is not None}
        found = [(rows[lost.digest], lost) for lost in self.snapshot.lost if lost.digest in rows]
        here = self.model_row
        found.sort(key=lambda each: here is None or each[0].digest != here.digest)
        return found[0] if found else None

    def action_reapply_config(self) -> None:
        """Set a lost configuration again; the warning names the model, wherever the cursor is."""
        from dmr_tui.ui.models.plan_questions import reapply

        if (found := self.lost) is not None:
            reapply(self, *found)

    def action_pull_model(self) -> None:
        """Look a model up, and download it."""
        from dmr_tui.ui.models.pull_dialog import PullDialog

        self.app.push_screen(PullDialog(self.monitor))

    def action_model_details(self) -> None:
        """Show everything about the model."""
        from dmr_tui.ui.models.model_details import ModelDetails

        if self.model_row is not None:
            self.app.push_screen(ModelDetails(self.model_row))

    def action_filter_models(self) -> None:
        """Let the user type a filter."""
        self.model_list.action_search()

    def action_drop_filter(self) -> None:
        """Show every model again; without a filter, give a maximized pane its usual size."""
        if self.model_list.filtered:
            self.model_list.action_drop_filter()
        else:
            self.minimize()

    def action_sort_models(self) -> None:
        """Sort by the next column."""
        self.model_list.sort_next()

    def action_model_menu(self) -> None:
        """List everything that can be done to the model."""
        from dmr_tui.ui.models.model_menu import ModelMenu

        row = self.model_row
        if row is None:
            return

        def why_not(action: str) -> str:
            # The menu is about one model; beside it the key sets again whatever was lost.
            of_another = self.lost is not None and self.lost[0].key != row.key
            other = NONE_LOST if action == "reapply_config" and of_another else ""
            return self.why_not(action) or other

        self.app.push_screen(ModelMenu(row, why_not, self.run_action))

    def on_key(self, event: events.Key) -> None:
        """Say why a key that changes the runner does nothing here."""
        active = self.active_bindings.get(event.key)
        if active is None or active.enabled:
            return
        action = active.binding.action.removeprefix("screen.")
        if action in CHANGES:
            event.stop()
            self.notify(self.why_not(action), severity="warning", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim (None) what cannot be done now."""
        if not self.is_mounted:
            return True
        if action == "model_menu":
            return True if self.model_row is not None else None
        return None if action in CHANGES and self.why_not(action) else True

    def why_not(self, action: str) -> str:
        """Explain why the action cannot be done to the model under the cursor; empty if it can."""
        row, snapshot = self.model_row, self.snapshot
        if snapshot.read_only:
            return READ_ONLY
        if not snapshot.runner.up:
            return "No runner answers"
        match action:
            case "pull_model":
                return ""
            case "reapply_config":
                return "" if self.lost is not None else NONE_LOST
            case "unload_all":
                return "" if any(each.runs for each in snapshot.models) else "No model is loaded"
        if row is None:
            return "There is no model under the cursor"
        match action:
            case "load_model":
                can, why = self.reloads or not row.loaded, "is loaded; o configures it"
            case "unload_model":
                can, why = bool(row.runs), "is not loaded"
            case _:
                can, why = row.model is not None or action == "configure_model", "is not installed"
        return "" if can and row.digest is not None else f"{plain(row.name)} {why}"
