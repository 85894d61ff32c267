"""Commands of the timeline and of the log below it."""

from dmr_tui.ui.commands.command import Command, at

TIMELINE_COMMANDS: tuple[Command, ...] = at(
    "timeline",
    Command(
        "screen.lines_of_event",
        "enter",
        "Its lines",
        "Go to the lines of the log that the event is about.",
        title="Go to the log lines of the event",
    ),
    Command("screen.request_of_event", "r", "Request", "Go to the call it is about."),
    Command(
        "screen.filter_events",
        "slash",
        "Filter",
        "Show only events that hold each of some words.",
        title="Filter the timeline",
        shown_key="/",
    ),
    Command(
        "screen.event_level",
        "w",
        "Level",
        "Only warnings and errors; again, only errors; again, all.",
        title="Show only warnings and errors in the timeline",
    ),
    Command(
        "screen.event_model",
        "m",
        "Model",
        "Only events of the model under the cursor; again, of all.",
    ),
    Command("screen.all_events", "escape", "", "Show every event again."),
    Command("screen.other_pane", "tab,shift+tab", "Log", "Go to the log."),
)

LOG_COMMANDS: tuple[Command, ...] = at(
    "log",
    Command("screen.whole_line", "enter", "Whole line", "Read all of a line."),
    Command(
        "screen.event_of_line",
        "b",
        "Event",
        "Back to the timeline, to the event nearest to the line.",
        title="Go to the event of the log line",
    ),
    Command(
        "screen.request_of_line",
        "r",
        "Request",
        "Go to the call that ran when the line was written.",
    ),
    Command(
        "screen.search_log",
        "slash",
        "Search",
        "Show only lines that hold each of some words, and mark the words.",
        title="Search the log",
        shown_key="/",
    ),
    Command(
        "screen.log_level",
        "w",
        "Level",
        "Only warnings and errors; again, only errors; again, all.",
        title="Show only warnings and errors in the log",
    ),
    Command(
        "screen.engine_lines",
        "t",
        "Engine",
        "Hide what the engines print, or show it again.",
        title="Hide or show the engines' lines",
    ),
    Command(
        "screen.log_model",
        "m",
        "Model",
        "Only lines that name the model of this one; most engine lines name none.",
    ),
    Command(
        "screen.pause_log", "space", "Pause", "Take no new lines, or go on.", title="Pause the log"
    ),
    Command("screen.all_lines", "escape", "", "Show every line again."),
    Command("screen.other_pane", "tab,shift+tab", "Events", "Go to the events."),
)
