"""The colours: load and state have one, everything else is quiet."""

from textual.color import Color
from textual.theme import Theme

ANSI = {
    "load-ok": "ansi_green",
    "load-moderate": "ansi_blue",
    "load-heavy": "ansi_yellow",
    "load-critical": "ansi_red",
    "value": "ansi_default",
    "label": "ansi_default",
    "faint": "ansi_bright_black",
    "border": "ansi_bright_black",
}
"""For themes that leave the colours to the terminal, which knows no shades between them."""


def variables_of(theme: Theme) -> dict[str, str]:
    """Return the names that the styles use, for a theme that does not define them."""
    if theme.ansi:
        return ANSI
    colors = theme.to_color_system().generate()
    value, ground = Color.parse(colors["foreground"]), Color.parse(colors["background"])
    return {
        "load-ok": colors["success"],
        "load-moderate": colors["primary"],
        "load-heavy": colors["warning"],
        "load-critical": colors["error"],
        "value": value.hex,
        "label": value.blend(ground, 0.4).hex,
        "faint": value.blend(ground, 0.65).hex,
    }


DARK = Theme(
    name="dmr-dark",
    primary="#4c9df3",
    secondary="#7c8da6",
    accent="#3fb8e0",
    foreground="#d6dde8",
    background="#0d1117",
    surface="#121820",
    panel="#1a222d",
    success="#4fbf7a",
    warning="#e0a43c",
    error="#ef6461",
    dark=True,
    variables={
        "load-ok": "#4fbf7a",
        "load-moderate": "#4c9df3",
        "load-heavy": "#e0a43c",
        "load-critical": "#ef6461",
        "value": "#eef3fa",
        "label": "#8a97a8",
        "faint": "#5b6777",
        "border": "#2b3644",
        "border-blurred": "#2b3644",
        "block-cursor-background": "#1f3a57",
        "block-cursor-foreground": "#eef3fa",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#1a222d",
        "block-cursor-blurred-foreground": "#d6dde8",
    },
)

LIGHT = Theme(
    name="dmr-light",
    primary="#0b62c4",
    secondary="#5a6778",
    accent="#0a6f93",
    foreground="#1d2733",
    background="#f6f8fa",
    surface="#ffffff",
    panel="#e8edf2",
    success="#1a7f3c",
    warning="#955f00",
    error="#c62828",
    dark=False,
    variables={
        "load-ok": "#1a7f3c",
        "load-moderate": "#0b62c4",
        "load-heavy": "#955f00",
        "load-critical": "#c62828",
        "value": "#0c1622",
        "label": "#566474",
        "faint": "#8a96a3",
        "border": "#c3ccd6",
        "border-blurred": "#c3ccd6",
        "block-cursor-background": "#cfe3fa",
        "block-cursor-foreground": "#0c1622",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#e8edf2",
        "block-cursor-blurred-foreground": "#1d2733",
    },
)
