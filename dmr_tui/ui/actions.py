"""The one table of what a person can do: keys, footer, palette and help are made of it."""

from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Where = Literal["everywhere", "models", "chat", "requests", "request", "timeline", "log", "doctor"]


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
        "app.show('requests')",
        "2",
        "Requests",
        "What every caller does to the runner.",
        title="Show the requests",
    ),
    Act(
        "app.show('timeline')",
        "4",
        "Timeline",
        "Loads, unloads and failures, and the runner's log.",
        title="Show the timeline",
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
        "screen.lines_of_event",
        "enter",
        "Its lines",
        "Go to the lines of the log that the event is about.",
        "timeline",
        title="Go to the log lines of the event",
    ),
    Act("screen.request_of_event", "r", "Request", "Go to the call it is about.", "timeline"),
    Act(
        "screen.filter_events",
        "slash",
        "Filter",
        "Show only events that hold each of some words.",
        "timeline",
        title="Filter the timeline",
        shown_key="/",
    ),
    Act(
        "screen.event_level",
        "w",
        "Level",
        "Only warnings and errors; again, only errors; again, all.",
        "timeline",
        title="Show only warnings and errors in the timeline",
    ),
    Act(
        "screen.event_model",
        "m",
        "Model",
        "Only events of the model under the cursor; again, of all.",
        "timeline",
    ),
    Act("screen.all_events", "escape", "", "Show every event again.", "timeline"),
    Act("screen.other_pane", "tab,shift+tab", "Log", "Go to the log.", "timeline"),
    Act("screen.whole_line", "enter", "Whole line", "Read all of a line.", "log"),
    Act(
        "screen.event_of_line",
        "b",
        "Event",
        "Back to the timeline, to the event nearest to the line.",
        "log",
        title="Go to the event of the log line",
    ),
    Act(
        "screen.request_of_line",
        "r",
        "Request",
        "Go to the call that ran when the line was written.",
        "log",
    ),
    Act(
        "screen.search_log",
        "slash",
        "Search",
        "Show only lines that hold each of some words, and mark the words.",
        "log",
        title="Search the log",
        shown_key="/",
    ),
    Act(
        "screen.log_level",
        "w",
        "Level",
        "Only warnings and errors; again, only errors; again, all.",
        "log",
        title="Show only warnings and errors in the log",
    ),
    Act(
        "screen.engine_lines",
        "t",
        "Engine",
        "Hide what the engines print, or show it again.",
        "log",
        title="Hide or show the engines' lines",
    ),
    Act(
        "screen.log_model",
        "m",
        "Model",
        "Only lines that name the model of this one; most engine lines name none.",
        "log",
    ),
    Act(
        "screen.pause_log",
        "space",
        "Pause",
        "Take no new lines, or go on.",
        "log",
        title="Pause the log",
    ),
    Act("screen.all_lines", "escape", "", "Show every line again.", "log"),
    Act("screen.other_pane", "tab,shift+tab", "Events", "Go to the events.", "log"),
    Act(
        "screen.open_request",
        "enter,i",
        "Details",
        "Everything about the call: its numbers, parameters, prompt and answer.",
        "requests",
        title="Details of the call",
    ),
    Act(
        "screen.only_group",
        "enter",
        "List",
        "List the calls of this caller or model.",
        "requests",
    ),
    Act(
        "screen.next_mode",
        "v",
        "Count",
        "List, counted by caller, counted by model; a click on the titles does it too.",
        "requests",
        title="Count the calls by caller or by model",
    ),
    Act(
        "screen.filter_requests",
        "slash",
        "Filter",
        "Show only calls that have the words in model, caller, API, status or error.",
        "requests",
        title="Filter the calls",
        shown_key="/",
    ),
    Act(
        "screen.toggle_condition('model')",
        "m",
        "Model",
        "Only calls to this model, or to all again.",
        "requests",
    ),
    Act(
        "screen.toggle_condition('caller')",
        "c",
        "Caller",
        "Only calls of this caller, or of all again.",
        "requests",
    ),
    Act(
        "screen.toggle_condition('outcome')",
        "o",
        "Status",
        "Only calls that ended like this one, or all again.",
        "requests",
    ),
    Act("screen.drop_conditions", "escape", "", "Show every call again.", "requests"),
    Act(
        "screen.sort_requests",
        "s",
        "",
        "Sort by the next column; a click on a header sorts too.",
        "requests",
        title="Sort the calls by the next column",
    ),
    Act(
        "screen.pause_requests",
        "space",
        "Pause",
        "Let the rows stand still, or go on; g goes to the newest and follows.",
        "requests",
        title="Pause the list of calls",
    ),
    Act(
        "screen.name_caller",
        "n",
        "Name",
        "Give the caller a name, and say after how many seconds it hangs up.",
        "requests",
        title="Name the caller",
    ),
    Act(
        "screen.request_log",
        "l",
        "Log",
        "What the runner's log says about the time of this call.",
        "requests",
        title="Log lines of the call",
    ),
    Act(
        "screen.show_bodies",
        "b",
        "Prompt and answer",
        "Show prompt and answer, which are hidden until asked for.",
        "request",
        title="Show prompt and answer",
    ),
    Act(
        "screen.replay",
        "r",
        "Replay",
        "Send the call again, to the same or another model, and compare.",
        "request",
        title="Replay the call",
    ),
    Act(
        "screen.request_log",
        "l",
        "Log",
        "What the runner's log says about the time of this call.",
        "request",
    ),
    Act("screen.close", "escape,q", "Close", "Back to the list; ends a replay first.", "request"),
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
