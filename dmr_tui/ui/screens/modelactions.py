"""What can be done to the model under the cursor, on every screen that lists models."""

from textual import events

from dmr_tui.monitor.snapshot import ModelRow
from dmr_tui.ui.panes.modellist import ModelList
from dmr_tui.ui.screens.live import LiveScreen

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
    """A screen with one list of models; what each key does is in asking.py, loaded when needed."""

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
        from dmr_tui.ui.screens import asking

        if (row := self.model_row) is not None:
            asking.load_as_it_is(self, row)

    def action_unload_model(self) -> None:
        """Unload the model, after asking."""
        from dmr_tui.ui.screens import asking

        if (row := self.model_row) is not None:
            asking.unload(self, row)

    def action_unload_all(self) -> None:
        """Unload every model, after asking."""
        from dmr_tui.ui.screens import asking

        asking.unload_all(self)

    def action_configure_model(self) -> None:
        """Change context, keep-alive and flags."""
        from dmr_tui.ui.screens import asking

        if (row := self.model_row) is not None:
            asking.configure(self, row)

    def action_reapply_config(self) -> None:
        """Set a configuration again that was lost."""
        from dmr_tui.ui.screens import asking

        if (row := self.model_row) is not None:
            asking.reapply(self, row)

    def action_tag_model(self) -> None:
        """Give the model another name."""
        from dmr_tui.ui.screens import asking

        if (row := self.model_row) is not None:
            asking.tag(self, row)

    def action_remove_model(self) -> None:
        """Remove the model from the disk, after asking."""
        from dmr_tui.ui.screens import asking

        if (row := self.model_row) is not None:
            asking.remove(self, row)

    def action_pull_model(self) -> None:
        """Look a model up, and download it."""
        from dmr_tui.ui.screens.pull import PullDialog

        self.app.push_screen(PullDialog(self._monitor))

    def action_model_menu(self) -> None:
        """Everything that can be done to the model, to choose from."""
        from dmr_tui.ui.screens.menu import ModelMenu

        if self.model_row is not None:
            self.app.push_screen(ModelMenu(self, self.model_row))

    def on_key(self, event: events.Key) -> None:
        """Say why a key that changes the runner does nothing here."""
        active = self.active_bindings.get(event.key)
        if active is None or active.enabled or not self.snapshot.read_only:
            return
        if active.binding.action.removeprefix("screen.") in CHANGES:
            event.stop()
            self.notify(READ_ONLY, severity="warning")

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
        if action == "unload_all":
            return any(each.runs for each in snapshot.models)
        if row is None or row.digest is None:
            return False
        match action:
            case "unload_model":
                return bool(row.runs)
            case "reapply_config":
                return any(lost.digest == row.digest for lost in snapshot.lost)
            case "remove_model" | "tag_model":
                return row.model is not None
        return True
