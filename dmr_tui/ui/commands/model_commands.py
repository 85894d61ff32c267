"""What can be done to a model, wherever models are listed."""

from dmr_tui.ui.commands.command import Command, Where


def model_commands(where: Where, *, load: bool) -> tuple[Command, ...]:
    """The same keys in each list; `load`: the list has no load key of its own."""
    loads = (
        Command(
            "screen.load_model",
            "l",
            "",
            "Load the model, after asking; unloads others first if that is the way to make room.",
            where,
            title="Load the model",
        ),
        Command(
            "screen.unload_model",
            "u",
            "",
            "Unload the model, after asking.",
            where,
            title="Unload the model",
        ),
    )
    return (
        *(loads if load else ()),
        Command(
            "screen.model_menu",
            "a",
            "Actions",
            "Everything that can be done to the model, to choose from.",
            where,
            title="Actions for the model",
        ),
        Command(
            "screen.pull_model",
            "n",
            "",
            "Look a model up in a registry, and download it.",
            where,
            title="Pull a model",
        ),
        Command(
            "screen.configure_model",
            "o",
            "",
            "Change the model's context, keep-alive and flags; shows what is different first.",
            where,
            title="Configure the model",
        ),
        Command(
            "screen.reapply_config",
            "R",
            "",
            "Set a configuration again that the runner has lost.",
            where,
            title="Set the lost configuration again",
        ),
        Command(
            "screen.unload_all",
            "U",
            "",
            "Unload every model, after asking; what is configured stays.",
            where,
            title="Unload all models",
        ),
        Command(
            "screen.tag_model",
            "T",
            "",
            "Give the model another name.",
            where,
            title="Tag the model",
        ),
        Command(
            "screen.remove_model",
            "D,delete",
            "",
            "Delete the model from the disk, or take away one of its names, after asking.",
            where,
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
"""What the menu of a model offers, in its order."""
