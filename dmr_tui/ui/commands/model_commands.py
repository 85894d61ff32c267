"""Commands on a model, for every list of models."""

from dmr_tui.ui.commands.command import Command

LOAD_COMMANDS: tuple[Command, ...] = (
    Command(
        "screen.load_model",
        "l",
        "",
        "Load the model, after asking; unloads others first if that is the way to make room.",
        title="Load the model",
    ),
    Command(
        "screen.unload_model", "u", "", "Unload the model, after asking.", title="Unload the model"
    ),
)
"""For lists of models that have no such commands of their own."""
MODEL_COMMANDS: tuple[Command, ...] = (
    Command(
        "screen.model_menu",
        "a",
        "Actions",
        "Everything that can be done to the model, to choose from.",
        title="Actions for the model",
    ),
    Command(
        "screen.pull_model",
        "n",
        "",
        "Look a model up in a registry, and download it.",
        title="Pull a model",
    ),
    Command(
        "screen.configure_model",
        "o",
        "",
        "Change the model's context, keep-alive and flags; shows what is different first.",
        title="Configure the model",
    ),
    Command(
        "screen.reapply_config",
        "R",
        "",
        "Set a configuration again that the runner has lost.",
        title="Set the lost configuration again",
    ),
    Command(
        "screen.unload_all",
        "U",
        "",
        "Unload every model, after asking; what is configured stays.",
        title="Unload all models",
    ),
    Command("screen.tag_model", "T", "", "Give the model another name.", title="Tag the model"),
    Command(
        "screen.remove_model",
        "D,delete",
        "",
        "Delete the model from the disk, or take away one of its names, after asking.",
        title="Remove the model",
        shown_key="D",
    ),
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
