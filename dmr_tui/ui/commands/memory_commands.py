"""Commands of the memory screen."""

from dmr_tui.ui.commands.command import Command, at

MEMORY_COMMANDS: tuple[Command, ...] = at(
    "memory",
    Command(
        "screen.load_model",
        "l,enter",
        "Load",
        "Load the model as the what-if says, after asking; unloads others if that is the way.",
        title="Load the model, and make room for it",
    ),
    Command(
        "screen.unload_model",
        "u",
        "Unload",
        "Unload the model, after asking.",
        title="Unload the model",
    ),
    Command(
        "screen.model_details",
        "i,space",
        "Details",
        "Everything that is known about the model.",
        shown_key="i",
    ),
    Command(
        "screen.context(2.0)",
        "plus,equals_sign",
        "Context",
        "What if the context were twice as long?",
        title="What if: a longer context",
        shown_key="+ -",
    ),
    Command(
        "screen.context(0.5)",
        "minus",
        "",
        "What if the context were half as long?",
        title="What if: a shorter context",
    ),
    Command(
        "screen.context_by(1024)",
        "greater_than_sign,right",
        "",
        "What if the context were 1,024 tokens longer?",
    ),
    Command(
        "screen.context_by(-1024)",
        "less_than_sign,left",
        "",
        "What if the context were 1,024 tokens shorter?",
    ),
    Command(
        "screen.next_cache_type",
        "t",
        "KV type",
        "What if the KV cache were of another type: f16, q8_0, q4_0?",
        title="What if: another type of the KV cache",
    ),
    Command(
        "screen.slots(1)",
        "p",
        "Slots",
        "What if the engine had one slot more?",
        title="What if: more slots",
        shown_key="p P",
    ),
    Command("screen.slots(-1)", "P", "", "What if the engine had one slot less?"),
    Command(
        "screen.largest",
        "M",
        "",
        "What if it had the largest context that fits?",
        title="What if: the largest context that fits",
    ),
    Command("screen.as_loaded", "0", "", "Back to how the runner would load it."),
    Command(
        "screen.filter_models",
        "slash",
        "Filter",
        "Show only models whose name or quantization matches.",
        shown_key="/",
    ),
    Command("screen.drop_filter", "escape", "", "Show every model again."),
    Command("screen.sort_models", "s", "", "Sort by the next column."),
)
