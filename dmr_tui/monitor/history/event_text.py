"""The words of the timeline: errors, windows and times, each in one form."""

from dmr_tui.runner.errors.explain import explain_line, telling_line
from dmr_tui.runner.errors.row import Kind
from dmr_tui.text import format

LONGEST = 200


def error_words(text: str, name: str) -> tuple[Kind | None, str, str]:
    """Kind, what happened without the model's name, and likely cause with the next step.

    `name` is what a command may call the model. Without an entry in the table of errors there is
    no kind, and what happened is the line of `text` that tells most.
    """
    found = explain_line(text)
    if found is None:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return None, (telling_line(text) or (lines[-1] if lines else ""))[:LONGEST], ""
    named = explain_line(text, name) or found
    return found.kind, found.what, f"{named.cause} {named.step}".strip()


def context_words(tokens: int) -> str:
    """A context window as it was asked for."""
    return "the largest context" if tokens <= 0 else f"context {tokens:,}"


def slot_words(context: int, slots: int) -> str:
    """The context window that each slot really has."""
    where = "1 slot" if slots == 1 else f"each of {slots} slots"
    return f"context {context:,} in {where}"


def idle_words(seconds: float) -> str:
    """How long nobody used it."""
    if seconds < 1.0:
        return "right after its use, as its keep-alive is 0"
    return f"idle for {format.age(seconds)}"


def times_words(count: int, seconds: float) -> str:
    """How often within how long."""
    return f"{count} times within {format.age(seconds)}"


def in_mode(text: str, mode: str) -> str:
    """`text`, with the mode if it is not the usual one."""
    return text if mode in {"", "completion"} else f"{mode}: {text}"
