"""A menu of everything that can be done to a model."""

from collections.abc import Awaitable, Callable, Mapping
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
from dmr_tui.ui.commands.keymap import keys_of
from dmr_tui.ui.commands.table import COMMANDS, MENU, Command


def _command(name: str) -> Command:
    return next(each for each in COMMANDS if each.action == name)


class ModelMenu(ModalScreen[None]):
    """The actions with their keys; those that cannot be done now are dimmed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,a", "dismiss", "Close"),
        # The keys of the list do the same in its menu, those that were chosen as well.
        *(
            Binding(_command(name).keys, f"choose('{name}')", show=False, id=_command(name).id)
            for name in MENU
        ),
    ]

    def __init__(
        self,
        row: ModelRow,
        can: Callable[[str], bool],
        why_not: Callable[[str], str],
        run: Callable[[str], Awaitable[object]],
    ) -> None:
        """`can`, `why_not` and `run` are asked about actions on `row` by the screen behind."""
        super().__init__()
        self._row = row
        self._can = can
        self._why_not = why_not
        self._run_behind = run

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="model-menu"):
            keymap = getattr(self.app, "keymap", {})
            yield OptionList(*(_option(_command(name), keymap, self._can(name)) for name in MENU))

    def on_mount(self) -> None:
        box = self.query_one("#model-menu")
        box.border_title = Content(plain(self._row.name))
        able = any(self._can(name) for name in MENU)
        why = "enter does it" if able else self._why_not(MENU[0])
        box.border_subtitle = Content(f"{why}; esc closes")

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Run the chosen action."""
        await self.action_choose(MENU[event.option_index])

    async def action_choose(self, name: str) -> None:
        """Run an action on the screen behind, or explain why it cannot be done."""
        if self._can(name):
            self.dismiss()
            await self._run_behind(name)
        else:
            self.notify(self._why_not(name), severity="warning", markup=False)


def _option(command: Command, keymap: Mapping[str, str], can: bool) -> Option:
    text = f" {keys_of(command, keymap)[0]:3}{command.title:34}"
    return Option(Content.styled(text, "bold $value" if can else "$faint"), disabled=not can)
