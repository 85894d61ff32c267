"""A menu of everything that can be done to a model."""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from dmr_tui.state.model_row import ModelRow
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.commands.keymap import keys_of
from dmr_tui.ui.commands.table import COMMANDS, MENU, Command
from dmr_tui.ui.shell.form import dialog_box
from dmr_tui.ui.widgets.dialog import Dialog
from dmr_tui.ui.widgets.textual_internals import Options

ACTIONS = {name: next(c for c in COMMANDS if c.action == name) for name in MENU}


class ModelMenu(Dialog[None]):
    """The actions with their keys; those that cannot be done now are dimmed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,a", "dismiss", "Close"),
        # The keys of the list do the same in its menu, those that were chosen as well.
        *(
            Binding(command.keys, f"choose('{name}')", show=False, id=command.id)
            for name, command in ACTIONS.items()
        ),
    ]

    def __init__(
        self,
        row: ModelRow,
        why_not: Callable[[str], str],
        run: Callable[[str], Awaitable[object]],
    ) -> None:
        """`why_not` says why an action cannot be done to `row`; `run` is that of the screen."""
        super().__init__()
        self._row = row
        self._why_not = why_not
        self._run_behind = run

    def compose(self) -> ComposeResult:
        keymap = getattr(self.app, "keymap", {})
        why = [self._why_not(name) for name in MENU]
        hint = f"{why[0] if all(why) else 'enter does it'}; esc closes"
        with dialog_box("model-menu", plain(self._row.name), hint):
            pairs = zip(ACTIONS.values(), why, strict=True)
            yield Options(*(_option(command, keymap, not no) for command, no in pairs))

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Run the chosen action."""
        await self.action_choose(MENU[event.option_index])

    async def action_choose(self, name: str) -> None:
        """Run an action on the screen behind, or explain why it cannot be done."""
        if why := self._why_not(name):
            self.notify(why, severity="warning", markup=False)
        else:
            self.dismiss()
            await self._run_behind(name)


def _option(command: Command, keymap: Mapping[str, str], can: bool) -> Option:
    text = f" {keys_of(command, keymap)[0]:3}{command.title:34}"
    return Option(Content.styled(text, "bold $value" if can else "$faint"), disabled=not can)
