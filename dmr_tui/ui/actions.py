"""The one table of what a person can do: keys, footer, palette and help are made of it."""

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Where = Literal["everywhere", "models", "chat", "doctor"]


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a person can do."""

    action: str
    """Textual's action, with its namespace."""
    keys: str
    label: str
    """Word in the footer; empty keeps it out of there."""
    help: str
    """One sentence, for help, palette and tooltip."""
    where: Where = "everywhere"
    title: str = ""
    """Name in the palette; empty keeps it out of there."""
    priority: bool = False
    shown_key: str | None = None


ACTS: tuple[Act, ...] = (
    Act(
        "app.show('dashboard')",
        "1",
        "Dashboard",
        "Models, hardware, throughput and chat.",
        title="Show the dashboard",
    ),
    Act(
        "app.show('doctor')",
        "6",
        "Doctor",
        "Where the runner is looked for, and how each source is.",
        title="Show the doctor",
    ),
    Act(
        "app.help",
        "question_mark,f1",
        "Help",
        "Keys, and what each number means.",
        title="Help",
        shown_key="?",
    ),
    Act("app.refresh_now", "f5", "", "Ask the runner everything again now.", title="Refresh now"),
    Act(
        "screen.maximize_pane",
        "f",
        "",
        "Give the whole screen to the focused pane, and back.",
        title="Maximize the focused pane",
    ),
    Act("app.quit", "q,ctrl+q", "Quit", "End the dashboard.", title="Quit", shown_key="q"),
    Act("screen.choose_model", "enter", "Chat", "Chat with the model under the cursor.", "models"),
    Act(
        "screen.model_details",
        "i,space",
        "Details",
        "Everything that is known about the model.",
        "models",
        title="Details of the model",
        shown_key="i",
    ),
    Act(
        "screen.filter_models",
        "slash",
        "Filter",
        "Show only models whose name or quantization matches.",
        "models",
        title="Filter the models",
        shown_key="/",
    ),
    Act("screen.drop_filter", "escape", "", "Show every model again.", "models"),
    Act(
        "screen.sort_models",
        "s",
        "Sort",
        "Sort by the next column; a click on a header sorts too.",
        "models",
        title="Sort the models by the next column",
    ),
    Act(
        "screen.focus_chat",
        "c",
        "Prompt",
        "Write a prompt for the chosen model.",
        "models",
        title="Write a prompt",
    ),
    Act("screen.send_prompt", "enter", "Send", "Send the prompt.", "chat"),
    Act(
        "screen.new_line",
        "ctrl+j,shift+enter,alt+enter",
        "",
        "Begin a new line in the prompt.",
        "chat",
        shown_key="^j",
    ),
    Act(
        "screen.stop_answer",
        "escape",
        "Stop",
        "Stop the answer; the prompt comes back.",
        "chat",
        title="Stop the answer",
        priority=True,
    ),
    Act(
        "screen.focus_models",
        "escape",
        "Back",
        "Back to the list of models.",
        "chat",
        priority=True,
    ),
    Act(
        "screen.presets",
        "ctrl+t",
        "Tests",
        "Send one of the test prompts: short, long, JSON, code.",
        "chat",
        title="Send a test prompt",
        priority=True,
    ),
    Act(
        "screen.chat_options",
        "ctrl+o",
        "Options",
        "System prompt, temperature, token limit, seed.",
        "chat",
        title="Chat options",
        priority=True,
    ),
    Act(
        "screen.regenerate",
        "ctrl+r",
        "Again",
        "Ask the last prompt again.",
        "chat",
        title="Ask the last prompt again",
        priority=True,
    ),
    Act(
        "screen.copy_answer",
        "ctrl+y",
        "Copy",
        "Copy the last answer to the clipboard.",
        "chat",
        title="Copy the last answer",
        priority=True,
    ),
    Act(
        "screen.clear_chat",
        "ctrl+l",
        "",
        "Forget the conversation.",
        "chat",
        title="Clear the chat",
        priority=True,
    ),
    Act(
        "app.demo",
        "d",
        "Demo",
        "Watch a simulated runner instead.",
        "doctor",
        title="Watch a simulated runner",
    ),
    Act("app.refresh_now", "r", "Try now", "Look for the runner now.", "doctor"),
)


def bindings(where: Where) -> list[Binding]:
    """The keys that work in one place."""
    return [
        Binding(
            key,
            act.action,
            act.label,
            show=bool(act.label),
            # Only the first key has a name of its own; in a text field another one works.
            key_display=act.shown_key if number == 0 else None,
            priority=act.priority,
            tooltip=act.help,
        )
        for act in ACTS
        if act.where == where
        for number, key in enumerate(act.keys.split(","))
    ]
