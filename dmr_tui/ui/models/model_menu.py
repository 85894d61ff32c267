"""Everything that can be done to a model, to choose from."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from dmr_tui.state.model_row import ModelRow
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.commands.command import Command
from dmr_tui.ui.commands.keymap import keys_of
from dmr_tui.ui.commands.model_commands import MENU
from dmr_tui.ui.commands.table import COMMANDS
from dmr_tui.ui.models.model_actions import ModelActionsScreen


def _act(name: str) -> Command:
    return next(act for act in COMMANDS if act.action == f"screen.{name}")


class ModelMenu(ModalScreen[None]):
    """The actions with their keys; those that cannot be done now are dimmed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,a", "dismiss", "Close"),
        # The keys of the list do the same in its menu, those that were chosen as well.
        *(
            Binding(_act(name).keys, f"choose('{name}')", show=False, id=_act(name).id)
            for name in MENU
        ),
    ]

    def __init__(self, screen: ModelActionsScreen, row: ModelRow) -> None:
        super().__init__()
        self._behind = screen
        self._row = row

    def _can(self, name: str) -> bool:
        lost = self._behind.lost
        if name == "reapply_config" and (lost is None or lost[0].key != self._row.key):
            # The menu is about one model; beside it the key sets again whatever was lost.
            return False
        return self._behind.can(name)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="model-menu"):
            keymap = getattr(self.app, "keymap", {})
            acts = ((_act(name), self._can(name)) for name in MENU)
            yield OptionList(*(_option(act, keys_of(act, keymap)[0], can) for act, can in acts))

    def on_mount(self) -> None:
        box = self.query_one("#model-menu")
        box.border_title = Content(plain(self._row.name))
        able = any(self._can(name) for name in MENU)
        why = "enter does it" if able else self._behind.why_not(MENU[0])
        box.border_subtitle = Content(f"{why}; esc closes")

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Do it."""
        await self.action_choose(MENU[event.option_index])

    async def action_choose(self, name: str) -> None:
        """Do that, on the screen behind."""
        if self._can(name):
            self.dismiss()
            await self._behind.run_action(name)
        else:
            self.notify(self._behind.why_not(name), severity="warning", markup=False)


def _option(act: Command, key: str, can: bool) -> Option:
    styles = ("bold $value", "$label") if can else ("$faint", "$faint")
    text = Content.assemble((f" {key:3}", styles[0]), (f"{act.title:34}", styles[0]))
    return Option(text, disabled=not can)
