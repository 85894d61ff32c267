"""A list of the test prompts."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from dmr_tui.ui.chat.presets import PRESETS, Preset
from dmr_tui.ui.shell.choice_dialog import ChoiceDialog


class PresetsDialog(ChoiceDialog[Preset]):
    """The test prompts, each with what it shows."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+t", "cancel", "Cancel")]

    def __init__(self) -> None:
        super().__init__(
            [(preset, _option(preset)) for preset in PRESETS],
            id="presets",
            title="Test prompts",
            hint="enter sends, esc cancels",
        )


def _option(preset: Preset) -> Content:
    return Content.assemble((f"{preset.title:14}", "bold $value"), (preset.shows, "$label"))
