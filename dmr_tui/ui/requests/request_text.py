"""What there is to read about a request, in colour: its status, remarks, prompt and answer."""

from collections.abc import Iterator

from rich.cells import cell_len

from dmr_tui.runner.errors.explain import explain_request
from dmr_tui.runner.request import FAILURES, Request
from dmr_tui.state.event import ErrorDetail, Event
from dmr_tui.state.replies import Bodies
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text import format
from dmr_tui.text.requests import moment, slower_words, why_ended
from dmr_tui.text.sanitize import plain, plain_lines
from dmr_tui.text.turns import failure_lines
from dmr_tui.ui.shell.pane import now
from dmr_tui.ui.widgets.glyphs import GLYPHS
from dmr_tui.ui.widgets.lines import Line, Part, wrapped

LATELY_S = 600.0
LONGEST = 100_000
"""Characters of one text that are shown: breaking millions into lines would take seconds."""


def status_style(request: Request) -> str:
    """Quiet if all is well, else the colour of what happened."""
    if request.outcome in FAILURES:
        return "bold $error"
    if request.outcome in {"cut", "client left"}:
        return "$warning"
    return "$label" if request.outcome == "ok" else "$faint"


def unrecorded(snapshot: Snapshot) -> int:
    """Count the requests of the last minutes that failed before the runner recorded them.

    A load that fails ends the request that needed it, and so does a model that is not installed.
    """
    since = now() + snapshot.clock_offset - LATELY_S
    return sum(
        event.at >= since
        and event.request is None
        and (event.kind in {"load failed", "out of memory"} or _lacks_model(event))
        for event in snapshot.events
    )


def _lacks_model(event: Event) -> bool:
    return isinstance(event.detail, ErrorDetail) and event.detail.kind == "model missing"


def remarks(request: Request, caller: str) -> Line:
    """One line about what is not as usual; empty for an ordinary request."""
    parts: list[Part] = []
    for text, style in _remarks(request, caller):
        if parts:
            parts.append((f" {GLYPHS.dot} ", "$faint"))
        parts.append((text, style))
    return tuple(parts)


def _remarks(request: Request, caller: str) -> Iterator[Part]:
    if request.outcome in FAILURES:
        said = explain_request(request)
        yield plain(said.what), "$error"
        for text in (said.cause, said.step):
            if text:
                yield plain(text), "$label"
    elif request.outcome in {"cut", "client left", "end unknown"}:
        yield why_ended(request, caller), "$label"
    if request.slow:
        yield f"{GLYPHS.warning} {slower_words(request.slow)}", "$warning"
    if request.load_s is not None:
        load = format.seconds(request.load_s)
        yield f"model loaded first: {load}, before the record begins", "$label"
    if request.tries > 1:
        first = request.first_started_at
        since = "" if first is None else f", first at {moment(first, now())}"
        yield f"sent {request.tries} times{since}", "$label"


def body_lines(bodies: Bodies, width: int) -> list[Line]:
    """The messages with their roles, then reasoning and answer."""
    if bodies.failure is not None:
        said = failure_lines(bodies.failure)
        return [line for text in said for line in text_lines(text, width, "$warning")]
    lines: list[Line] = []
    for role, text in bodies.prompt:
        lines += [*_titled(role, text, width), ()]
    if bodies.reasoning:
        lines += [*_titled("reasoning", bodies.reasoning, width), ()]
    lines += _titled("answer", bodies.answer or "(no text)", width)
    return lines


def _titled(title: str, text: str, width: int) -> Iterator[Line]:
    yield ((plain(title), "bold $accent"), (f"  {len(text):,} characters", "$faint"))
    yield from text_lines(text, width, "$value")


def text_lines(text: str, width: int, style: str) -> list[Line]:
    """`text` broken into lines of that width; control characters are visible signs."""
    shown = plain_lines(text[:LONGEST]).expandtabs(4)
    lines: list[Line] = []
    for line in shown.split("\n"):
        part = (line, style)
        lines += [(part,)] if cell_len(line) <= width else wrapped((part,), width, 0)
    if len(text) > LONGEST:
        more = f"{GLYPHS.ellipsis} and {len(text) - LONGEST:,} characters more"
        lines.append(((more, "$warning"),))
    return lines
