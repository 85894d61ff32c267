"""The state of a loaded model in a few words."""

from dmr_tui.state.model_row import Run
from dmr_tui.text import format
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.pane import now
from dmr_tui.ui.widgets.lines import Part

MODES = {"completion": "", "embedding": "emb", "reranking": "rerank", "image-generation": "image"}
STATE_ORDER = {"loading": 0, "busy": 1, "idle": 2}


def state_words(run: Run) -> Part:
    """The state of one run with its clock, and the colour of that state."""
    mode = MODES.get(run.mode, plain(run.mode))
    tail = f" {mode}" if mode else ""
    since = "" if run.since is None else f" {format.clock(now() - run.since)}"
    if run.state == "loading":
        return f"loading{since}{tail}", "bold $load-heavy"
    if run.state == "busy":
        return f"busy{since}{tail}", "bold $load-moderate"
    if run.never_unloads:
        return f"idle, stays{tail}", "$load-ok"
    if run.unloads_at is None:
        return f"idle{tail}", "$load-ok"
    return f"idle {format.countdown(run.unloads_at - now())}{tail}", "$load-ok"
