"""The one table of commands: keys, footer, palette and help are made of it.

A command is two lines. The first: its keys; its word in the footer, or - to keep it out of there;
its action; and its title in the palette, if it is to be there. The second: its sentence.

`as` comes before the first key as the footer shows it, where that is not Textual's name of it.
`!` is behind keys that work before the widget with the focus sees them. An action is the screen's;
with `app.` it is the app's, with `pane.` that of the pane in which the keys work. A command whose
name in the settings is not that of its action has it in front: `event_level=pane.next_level`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

Where = Literal[
    "everywhere", "models", "chat", "requests", "request", "memory", "timeline", "log", "doctor"
]


EVERYWHERE = """
1                      Dashboard  app.show('dashboard')  Show the dashboard
    Models, hardware, throughput and chat.
2                      Requests   app.show('requests')   Show the requests
    What every caller does to the runner.
3                      Memory     app.show('memory')     Show the memory
    Who holds memory, what fits, what to unload.
4                      Timeline   app.show('timeline')   Show the timeline
    Loads, unloads and failures, and the runner's log.
6                      Doctor     app.show('doctor')     Show the doctor
    Where the runner is looked for, and how each source is.
question_mark,f1 as ?  Help       app.help               Help
    Keys, and what each number means.
x                      -          app.dismiss_warning    Dismiss the warning
    Dismiss the warning until it was gone for a minute.
C                      -          app.contexts           Choose another runner
    Watch another runner: the contexts that docker model and docker know.
f5                     -          app.refresh_now        Refresh now
    Ask the runner everything again now.
f                      -          maximize_pane          Maximize the focused pane
    Give the whole screen to the focused pane, and back.
q,ctrl+q as q          Quit       app.quit               Quit
    End the dashboard.
"""

LOAD = """
l  -  load_model    Load the model
    Load the model, after asking; unloads others first if that is the way to make room.
u  -  unload_model  Unload the model
    Unload the model, after asking.
"""

ON_A_MODEL = """
a              Actions  model_menu       Actions for the model
    Everything that can be done to the model, to choose from.
n              -        pull_model       Pull a model
    Look a model up in a registry, and download it.
o              -        configure_model  Configure the model
    Change the model's context, keep-alive and flags; shows what is different first.
R              -        reapply_config   Set the lost configuration again
    Set a configuration again that the runner has lost.
U              -        unload_all       Unload all models
    Unload every model, after asking; what is configured stays.
T              -        tag_model        Tag the model
    Give the model another name.
D,delete as D  -        remove_model     Remove the model
    Delete the model from the disk, or take away one of its names, after asking.
"""

CHOOSE_MODEL = """
enter  Chat  choose_model
    Chat with the model under the cursor.
"""

MODELS = """
i,space as i  Details  model_details  Details of the model
    Everything that is known about the model.
m             Memory   model_memory   Memory of the model
    What the model needs, whether it fits, and what to unload for it.
slash as /    Filter   filter_models  Filter the models
    Show only models whose name or quantization matches.
escape        -        drop_filter
    Show every model again.
s             Sort     sort_models    Sort the models by the next column
    Sort by the next column; a click on a header sorts too.
c             Prompt   focus_chat     Write a prompt
    Write a prompt for the chosen model.
"""

CHAT = """
enter                               Send     send_prompt
    Send the prompt.
ctrl+j,shift+enter,alt+enter as ^j  -        new_line
    Begin a new line in the prompt.
escape !                            Stop     stop_answer   Stop the answer
    Stop the answer; the prompt comes back.
escape !                            Back     focus_models
    Back to the list of models.
ctrl+t !                            Tests    presets       Send a test prompt
    Send one of the test prompts: short, long, JSON, code.
ctrl+o !                            Options  chat_options  Chat options
    System prompt, temperature, token limit, seed.
ctrl+r !                            Again    regenerate    Ask the last prompt again
    Ask the last prompt again.
ctrl+y !                            Copy     copy_answer   Copy the last answer
    Copy the last answer to the clipboard.
ctrl+l !                            -        clear_chat    Clear the chat
    Forget the conversation.
"""

TIMELINE = """
enter          Its lines  lines_of_event               Go to the log lines of the event
    Go to the lines of the log that the event is about.
r              Request    request_of_event
    Go to the call it is about.
slash as /     Filter     filter_events=pane.search    Filter the timeline
    Show only events that hold each of some words.
w              Level      event_level=pane.next_level  Show only warnings and errors in the timeline
    Only warnings and errors; again, only errors; again, all.
m              Model      event_model=pane.only_model
    Only events of the model under the cursor; again, of all.
escape         -          all_events=pane.drop_filter
    Show every event again.
tab,shift+tab  Log        other_pane
    Go to the log.
"""

LOG = """
enter          Whole line  whole_line
    Read all of a line.
b              Event       event_of_line                    Go to the event of the log line
    Back to the timeline, to the event nearest to the line.
r              Request     request_of_line
    Go to the call that ran when the line was written.
slash as /     Search      search_log=pane.search           Search the log
    Show only lines that hold each of some words, and mark the words.
w              Level       log_level=pane.next_level        Show only warnings and errors in the log
    Only warnings and errors; again, only errors; again, all.
t              Engine      engine_lines=pane.toggle_engine  Hide or show the engines' lines
    Hide what the engines print, or show it again.
m              Model       log_model=pane.only_model
    Only lines that name the model of this one; most engine lines name none.
space          Pause       pause_log=pane.pause             Pause the log
    Take no new lines, or go on.
escape         -           all_lines=pane.drop_filter
    Show every line again.
tab,shift+tab  Events      other_pane
    Go to the events.
"""

MEMORY = """
l,enter                  Load     load_model         Load the model, and make room for it
    Load the model as the what-if says, after asking; unloads others if that is the way.
u                        Unload   unload_model       Unload the model
    Unload the model, after asking.
i,space as i             Details  model_details
    Everything that is known about the model.
plus,equals_sign as + -  Context  context(2.0)       What if: a longer context
    What if the context were twice as long?
minus                    -        context(0.5)       What if: a shorter context
    What if the context were half as long?
greater_than_sign,right  -        context_by(1024)
    What if the context were 1,024 tokens longer?
less_than_sign,left      -        context_by(-1024)
    What if the context were 1,024 tokens shorter?
t                        KV type  next_cache_type    What if: another type of the KV cache
    What if the KV cache were of another type: f16, q8_0, q4_0?
p as p P                 Slots    slots(1)           What if: more slots
    What if the engine had one slot more?
P                        -        slots(-1)
    What if the engine had one slot less?
M                        -        largest            What if: the largest context that fits
    What if it had the largest context that fits?
0                        -        as_loaded
    Back to how the runner would load it.
slash as /               Filter   filter_models
    Show only models whose name or quantization matches.
escape                   -        drop_filter
    Show every model again.
s                        -        sort_models
    Sort by the next column.
"""

REQUESTS = """
enter,i     Details  open_request                      Details of the call
    Everything about the call: its numbers, parameters, prompt and answer.
enter       List     pane.only_group
    List the calls of this caller or model.
v           Count    pane.next_mode                    Count the calls by caller or by model
    List, counted by caller, counted by model; a click on the titles does it too.
slash as /  Filter   filter_requests=pane.search       Filter the calls
    Show only calls that have the words in model, caller, API, status or error.
m           Model    pane.toggle_condition('model')
    Only calls to this model, or to all again.
c           Caller   pane.toggle_condition('caller')
    Only calls of this caller, or of all again.
o           Status   pane.toggle_condition('outcome')
    Only calls that ended like this one, or all again.
escape      -        pane.drop_conditions
    Show every call again.
s           -        sort_requests=pane.sort_next      Sort the calls by the next column
    Sort by the next column; a click on a header sorts too.
space       Pause    pause_requests=pane.pause         Pause the list of calls
    Let the rows stand still, or go on; g goes to the newest and follows.
n           Name     name_caller                       Name the caller
    Give the caller a name, and say after how many seconds it hangs up.
l           Log      request_log                       Log lines of the call
    What the runner's log says about the time of this call.
"""

REQUEST = """
b         Prompt and answer  show_bodies  Show prompt and answer
    Show prompt and answer, which are hidden until asked for.
r         Replay             replay       Replay the call
    Send the call again, to the same or another model, and compare.
l         Log                request_log
    What the runner's log says about the time of this call.
escape,q  Close              close
    Back to the list; ends a replay first.
"""

DOCTOR = """
d  Demo     app.demo         Watch a simulated runner
    Watch a simulated runner instead.
r  Try now  app.refresh_now
    Look for the runner now.
y  Copy     copy_step        Copy the first step that the doctor advises
    Copy the first step of the gravest finding to the clipboard.
p  Prove    prove_engine     Prove that an engine works
    Load the smallest model, after asking, to see whether an engine works.
"""


@dataclass(frozen=True, slots=True)
class Command:
    """One thing that the user can do."""

    where: Where
    name: str
    """Its name in the settings, without the place; or empty for that of the action."""
    owner: str
    """Where the method of the action is: "app", "screen" or "pane"."""
    action: str
    """The action, with its parameters."""
    keys: str
    shown_key: str | None
    """The first key as the footer shows it; None for Textual's name of it."""
    priority: bool
    """True if it works before the widget with the keys sees them."""
    label: str
    """Word in the footer; empty keeps it out of there."""
    title: str
    """Name in the palette; empty keeps it out of there."""
    help: str
    """One sentence, for help, palette and tooltip."""

    @property
    def id(self) -> str:
        """Name in the settings, of place and action: "memory.context_by_1024"."""
        name, _, parameters = self.action.partition("(")
        for sign, word in (("-", "minus_"), (".0)", ""), (".", "_"), ("'", ""), (")", "")):
            parameters = parameters.replace(sign, word)
        return f"{self.where}.{self.name or name}{'_' if parameters else ''}{parameters}"

    @property
    def method(self) -> str:
        """Name of the method that does it."""
        return f"action_{self.action.partition('(')[0]}"


def _read(where: Where, rows: str) -> Iterator[Command]:
    lines = [line for line in rows.splitlines() if line]
    for line, help in zip(lines[::2], lines[1::2], strict=True):
        keys, label, action, *title = re.split(" {2,}", line)
        usual, _, shown_key = keys.removesuffix(" !").partition(" as ")
        name, _, action = action.rpartition("=")
        owner = next((each for each in ("app", "pane") if action.startswith(f"{each}.")), "screen")
        yield Command(
            where,
            name,
            owner,
            action.removeprefix(f"{owner}."),
            usual,
            shown_key or None,
            keys.endswith(" !"),
            label.removeprefix("-"),
            "".join(title),
            help.strip(),
        )


COMMANDS = (
    *_read("everywhere", EVERYWHERE),
    *_read("models", CHOOSE_MODEL + LOAD + ON_A_MODEL + MODELS),
    *_read("chat", CHAT),
    *_read("timeline", TIMELINE),
    *_read("log", LOG),
    *_read("memory", MEMORY + ON_A_MODEL),
    *_read("requests", REQUESTS),
    *_read("request", REQUEST),
    *_read("doctor", DOCTOR),
)
MENU = (
    "load_model",
    "unload_model",
    "configure_model",
    "reapply_config",
    "tag_model",
    "remove_model",
    "unload_all",
    "pull_model",
)
"""Actions in the menu of a model, in its order."""


def bindings(where: Where) -> list[Binding]:
    """Return the bindings of the keys that work in one place."""
    return [
        Binding(
            key,
            command.action if command.owner == "pane" else f"{command.owner}.{command.action}",
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
