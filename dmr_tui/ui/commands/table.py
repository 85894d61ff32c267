"""The one table of commands: keys, footer, palette and help are made of it."""

from textual.binding import Binding

from dmr_tui.ui.commands.command import Command, Where, at
from dmr_tui.ui.commands.memory_commands import MEMORY_COMMANDS
from dmr_tui.ui.commands.model_commands import LOAD_COMMANDS, MODEL_COMMANDS
from dmr_tui.ui.commands.timeline_commands import LOG_COMMANDS, TIMELINE_COMMANDS

COMMANDS: tuple[Command, ...] = (
    Command(
        "app.show('dashboard')",
        "1",
        "Dashboard",
        "Models, hardware, throughput and chat.",
        title="Show the dashboard",
    ),
    Command(
        "app.show('requests')",
        "2",
        "Requests",
        "What every caller does to the runner.",
        title="Show the requests",
    ),
    Command(
        "app.show('memory')",
        "3",
        "Memory",
        "Who holds memory, what fits, what to unload.",
        title="Show the memory",
    ),
    Command(
        "app.show('timeline')",
        "4",
        "Timeline",
        "Loads, unloads and failures, and the runner's log.",
        title="Show the timeline",
    ),
    Command(
        "app.show('doctor')",
        "6",
        "Doctor",
        "Where the runner is looked for, and how each source is.",
        title="Show the doctor",
    ),
    Command(
        "app.help",
        "question_mark,f1",
        "Help",
        "Keys, and what each number means.",
        title="Help",
        shown_key="?",
    ),
    Command(
        "app.dismiss_warning",
        "x",
        "",
        "Dismiss the warning until it was gone for a minute.",
        title="Dismiss the warning",
    ),
    Command(
        "app.contexts",
        "C",
        "",
        "Watch another runner: the contexts that docker model and docker know.",
        title="Choose another runner",
    ),
    Command(
        "app.refresh_now", "f5", "", "Ask the runner everything again now.", title="Refresh now"
    ),
    Command(
        "screen.maximize_pane",
        "f",
        "",
        "Give the whole screen to the focused pane, and back.",
        title="Maximize the focused pane",
    ),
    Command("app.quit", "q,ctrl+q", "Quit", "End the dashboard.", title="Quit", shown_key="q"),
    *at(
        "models",
        Command("screen.choose_model", "enter", "Chat", "Chat with the model under the cursor."),
        *LOAD_COMMANDS,
        *MODEL_COMMANDS,
        Command(
            "screen.model_details",
            "i,space",
            "Details",
            "Everything that is known about the model.",
            title="Details of the model",
            shown_key="i",
        ),
        Command(
            "screen.model_memory",
            "m",
            "Memory",
            "What the model needs, whether it fits, and what to unload for it.",
            title="Memory of the model",
        ),
        Command(
            "screen.filter_models",
            "slash",
            "Filter",
            "Show only models whose name or quantization matches.",
            title="Filter the models",
            shown_key="/",
        ),
        Command("screen.drop_filter", "escape", "", "Show every model again."),
        Command(
            "screen.sort_models",
            "s",
            "Sort",
            "Sort by the next column; a click on a header sorts too.",
            title="Sort the models by the next column",
        ),
        Command(
            "screen.focus_chat",
            "c",
            "Prompt",
            "Write a prompt for the chosen model.",
            title="Write a prompt",
        ),
    ),
    *at(
        "chat",
        Command("screen.send_prompt", "enter", "Send", "Send the prompt."),
        Command(
            "screen.new_line",
            "ctrl+j,shift+enter,alt+enter",
            "",
            "Begin a new line in the prompt.",
            shown_key="^j",
        ),
        Command(
            "screen.stop_answer",
            "escape",
            "Stop",
            "Stop the answer; the prompt comes back.",
            title="Stop the answer",
            priority=True,
        ),
        Command(
            "screen.focus_models", "escape", "Back", "Back to the list of models.", priority=True
        ),
        Command(
            "screen.presets",
            "ctrl+t",
            "Tests",
            "Send one of the test prompts: short, long, JSON, code.",
            title="Send a test prompt",
            priority=True,
        ),
        Command(
            "screen.chat_options",
            "ctrl+o",
            "Options",
            "System prompt, temperature, token limit, seed.",
            title="Chat options",
            priority=True,
        ),
        Command(
            "screen.regenerate",
            "ctrl+r",
            "Again",
            "Ask the last prompt again.",
            title="Ask the last prompt again",
            priority=True,
        ),
        Command(
            "screen.copy_answer",
            "ctrl+y",
            "Copy",
            "Copy the last answer to the clipboard.",
            title="Copy the last answer",
            priority=True,
        ),
        Command(
            "screen.clear_chat",
            "ctrl+l",
            "",
            "Forget the conversation.",
            title="Clear the chat",
            priority=True,
        ),
    ),
    *TIMELINE_COMMANDS,
    *LOG_COMMANDS,
    *MEMORY_COMMANDS,
    *at("memory", *MODEL_COMMANDS),
    *at(
        "requests",
        Command(
            "screen.open_request",
            "enter,i",
            "Details",
            "Everything about the call: its numbers, parameters, prompt and answer.",
            title="Details of the call",
        ),
        Command("screen.only_group", "enter", "List", "List the calls of this caller or model."),
        Command(
            "screen.next_mode",
            "v",
            "Count",
            "List, counted by caller, counted by model; a click on the titles does it too.",
            title="Count the calls by caller or by model",
        ),
        Command(
            "screen.filter_requests",
            "slash",
            "Filter",
            "Show only calls that have the words in model, caller, API, status or error.",
            title="Filter the calls",
            shown_key="/",
        ),
        Command(
            "screen.toggle_condition('model')",
            "m",
            "Model",
            "Only calls to this model, or to all again.",
        ),
        Command(
            "screen.toggle_condition('caller')",
            "c",
            "Caller",
            "Only calls of this caller, or of all again.",
        ),
        Command(
            "screen.toggle_condition('outcome')",
            "o",
            "Status",
            "Only calls that ended like this one, or all again.",
        ),
        Command("screen.drop_conditions", "escape", "", "Show every call again."),
        Command(
            "screen.sort_requests",
            "s",
            "",
            "Sort by the next column; a click on a header sorts too.",
            title="Sort the calls by the next column",
        ),
        Command(
            "screen.pause_requests",
            "space",
            "Pause",
            "Let the rows stand still, or go on; g goes to the newest and follows.",
            title="Pause the list of calls",
        ),
        Command(
            "screen.name_caller",
            "n",
            "Name",
            "Give the caller a name, and say after how many seconds it hangs up.",
            title="Name the caller",
        ),
        Command(
            "screen.request_log",
            "l",
            "Log",
            "What the runner's log says about the time of this call.",
            title="Log lines of the call",
        ),
    ),
    *at(
        "request",
        Command(
            "screen.show_bodies",
            "b",
            "Prompt and answer",
            "Show prompt and answer, which are hidden until asked for.",
            title="Show prompt and answer",
        ),
        Command(
            "screen.replay",
            "r",
            "Replay",
            "Send the call again, to the same or another model, and compare.",
            title="Replay the call",
        ),
        Command(
            "screen.request_log",
            "l",
            "Log",
            "What the runner's log says about the time of this call.",
        ),
        Command("screen.close", "escape,q", "Close", "Back to the list; ends a replay first."),
    ),
    *at(
        "doctor",
        Command(
            "app.demo",
            "d",
            "Demo",
            "Watch a simulated runner instead.",
            title="Watch a simulated runner",
        ),
        Command("app.refresh_now", "r", "Try now", "Look for the runner now."),
        Command(
            "screen.copy_step",
            "y",
            "Copy",
            "Copy the first step of the gravest finding to the clipboard.",
            title="Copy the first step that the doctor advises",
        ),
        Command(
            "screen.prove_engine",
            "p",
            "Prove",
            "Load the smallest model, after asking, to see whether an engine works.",
            title="Prove that an engine works",
        ),
    ),
)


def bindings(where: Where) -> list[Binding]:
    """Return the bindings of the keys that work in one place."""
    return [
        Binding(
            key,
            command.action,
            command.label,
            show=bool(command.label),
            # Only the first key has a name of its own; in a text field another one works.
            key_display=command.shown_key if number == 0 else None,
            priority=command.priority,
            tooltip=command.help,
            id=command.id,
        )
        for command in COMMANDS
        if command.where == where
        for number, key in enumerate(command.keys.split(","))
    ]
