"""The dashboard: models, hardware, memory, throughput, and the chat beside or behind them."""

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from dmr_tui.monitor.live import Monitor
from dmr_tui.runner.endpoint import Endpoint
from dmr_tui.state.model_row import ModelRow
from dmr_tui.text.sanitize import plain_lines
from dmr_tui.ui.chat.chat_pane import ChatOptions, ChatPane
from dmr_tui.ui.chat.presets import Preset
from dmr_tui.ui.chat.prompt import PromptArea
from dmr_tui.ui.dashboard.throughput_pane import ThroughputPane
from dmr_tui.ui.machine.hardware_pane import HardwarePane, MemoryPane
from dmr_tui.ui.messages import MemoryWanted, ModelChosen
from dmr_tui.ui.models.model_actions import ModelActionsScreen
from dmr_tui.ui.models.models_pane import ModelsPane
from dmr_tui.ui.shell.header import HeaderPane
from dmr_tui.ui.shell.keybar import KeyBar
from dmr_tui.ui.shell.narrow import SwitchBar, TooSmall
from dmr_tui.ui.shell.notice import NoticePane


class DashboardScreen(ModelActionsScreen):
    """Answers what is loaded, how fast it is and whether it fits, within five seconds."""

    ESCAPE_TO_MINIMIZE = False
    """Escape stops an answer first, in a maximized chat as well."""

    def __init__(self, monitor: Callable[[], Monitor]) -> None:
        super().__init__(monitor)
        self._chats_at: Endpoint | None = None
        """The runner whose model the chat asks."""

    def compose(self) -> ComposeResult:
        bound = DashboardScreen.snapshot
        yield HeaderPane(id="header").data_bind(bound)
        yield TooSmall(id="too-small").data_bind(bound)
        yield SwitchBar(id="switch").data_bind(bound)
        with Horizontal(id="body"):
            with Vertical(id="monitor"):
                yield ModelsPane().data_bind(bound)
                with Horizontal(id="machine"):
                    yield HardwarePane(id="hardware", classes="pane").data_bind(bound)
                    yield MemoryPane(id="memory", classes="pane").data_bind(bound)
                yield ThroughputPane(id="throughput", classes="pane").data_bind(bound)
            yield ChatPane(self.monitor).data_bind(bound)
        yield NoticePane(id="notice").data_bind(bound)
        yield KeyBar().data_bind(bound)

    def on_mount(self) -> None:
        self.query_one(NoticePane).display = False
        self.query_one(ModelsPane).focus_rows()

    @property
    def chat(self) -> ChatPane:
        """The chat pane."""
        return self.query_one(ChatPane)

    @property
    def models(self) -> ModelsPane:
        """The list of models."""
        return self.query_one(ModelsPane)

    def watch_snapshot(self) -> None:
        """Choose a model for the chat if the user has not: one that is loaded, else the first."""
        model, rows = self.chat.model, self.snapshot.models
        gone = model is not None and all(row.key != model.key for row in rows)
        another = self._chats_at != self.snapshot.runner.endpoint
        if model is None or (rows and gone and another):
            chats = [r for r in rows if r.model is not None and not r.embedding]
            if chats:
                self._choose(next((row for row in chats if row.runs), chats[0]))

    def tick(self, heard_at: float) -> None:
        """Move the clocks on: a second has passed; the monitor last spoke at `heard_at`."""
        super().tick(heard_at)
        self.models.tick()
        self.chat.tick()

    def _choose(self, row: ModelRow) -> None:
        self._chats_at = self.snapshot.runner.endpoint
        self.chat.choose(row)
        self.models.mark(row)

    def on_model_chosen(self, event: ModelChosen) -> None:
        """Chat with this model."""
        event.stop()
        self._choose(event.row)
        self.action_focus_chat()

    def on_descendant_focus(self) -> None:
        """Show the pane with the keys, where only one has room."""
        inside = self.focused is not None and self.chat in self.focused.ancestors_with_self
        self.set_class(inside, "-chatting")
        self.query_one(SwitchBar).show_side(chat=inside)

    def action_choose_model(self) -> None:
        """Chat with the model under the cursor."""
        if (row := self.models.row) is not None:
            self.post_message(ModelChosen(row))

    def action_model_memory(self) -> None:
        """Go to the memory that the model under the cursor needs."""
        if (row := self.models.row) is not None:
            self.post_message(MemoryWanted(row.key))

    def action_focus_chat(self) -> None:
        """Write a prompt; a pane over the chat gets its usual size."""
        if self.maximized is not None and self.maximized is not self.chat:
            self.minimize()
        self.add_class("-chatting")
        self.query_one(PromptArea).focus()

    def action_focus_models(self) -> None:
        """Go back to the list."""
        self.minimize()
        self.remove_class("-chatting")
        self.models.focus_rows()

    def action_send_prompt(self) -> None:
        """Send what stands in the prompt."""
        self.query_one(PromptArea).submit()

    def action_new_line(self) -> None:
        """Begin a new line in the prompt."""
        self.query_one(PromptArea).insert("\n")

    def action_stop_answer(self) -> None:
        """Stop the answer."""
        self.chat.stop()

    def action_presets(self) -> None:
        """Choose a test prompt and send it."""
        from dmr_tui.ui.chat.chat_dialogs import PresetsDialog

        async def chosen(preset: Preset | None) -> None:
            if preset is not None:
                self.action_focus_chat()
                await self.chat.send(preset.title, preset)

        self.app.push_screen(PresetsDialog(), chosen)

    def action_chat_options(self) -> None:
        """Set system prompt, temperature, token limit and seed."""
        from dmr_tui.ui.chat.chat_dialogs import OptionsDialog

        def chosen(options: ChatOptions | None) -> None:
            if options is not None:
                self.chat.set_options(options)

        self.app.push_screen(OptionsDialog(self.chat.options), chosen)

    async def action_regenerate(self) -> None:
        """Ask the last prompt again."""
        await self.chat.regenerate()

    def action_copy_answer(self) -> None:
        """Copy the last answer."""
        answer = self.chat.answer
        self.app.copy_to_clipboard(plain_lines(answer))
        self.notify(f"Copied {len(answer):,} characters")

    async def action_clear_chat(self) -> None:
        """Forget the conversation."""
        await self.chat.clear()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hide (False) or dim (None) what cannot be done now."""
        chat = self.chat
        match action:
            case "stop_answer":
                return chat.streaming
            case "focus_models":
                return not chat.streaming
            case "regenerate":
                return True if chat.can_ask_again else None
            case "copy_answer":
                return True if chat.answer else None
            case "drop_filter":
                return self.models.filtered or self.maximized is not None
        return super().check_action(action, parameters)

    def action_maximize_pane(self) -> None:
        """Give the screen to the focused pane, and back."""
        if self.maximized is not None:
            self.minimize()
            return
        for node in self.focused.ancestors_with_self if self.focused is not None else ():
            if isinstance(node, ModelsPane | ChatPane):
                self.maximize(node)
