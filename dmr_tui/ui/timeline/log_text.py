"""Lines of the runner's log: as parts, the filter on them, and one of them in full."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType

from dmr_tui.runner.logs.log_line import LogLine
from dmr_tui.text.sanitize import plain
from dmr_tui.ui.shell.page_dialog import PageDialog, Text
from dmr_tui.ui.shell.pane import now
from dmr_tui.ui.timeline.leveled_pane import Level, ModelNames, RowFilter
from dmr_tui.ui.widgets.lines import Line, Part, fit

RUNNER = "runner"
"""Source of what the runner itself says; every other one is an engine."""
SHOWN = 1000
"""Characters of a line that are looked at to show it: no terminal is wider."""
READ = 20_000
"""Characters of a line that is read alone."""
SEARCHED = 100_000
"""Characters of a line in which words are looked for."""
SIGNS: dict[str, Part] = {
    "error": ("x ", "bold $error"),
    "warn": ("! ", "bold $warning"),
}
_LEVELS_SHOWN: dict[Level, tuple[str, ...]] = {
    "warnings and errors": ("warn", "error"),
    "errors": ("error",),
}
FOUND = "bold underline $accent"


@dataclass(frozen=True, slots=True)
class LineFilter(RowFilter):
    """Conditions on a line of the log."""

    def matches(self, line: LogLine, names: ModelNames) -> bool:
        """Return True if the line meets all conditions."""
        if line.level not in _LEVELS_SHOWN.get(self.level, (line.level,)):
            return False
        if not self.engine and line.source != RUNNER:
            return False
        if self.model and names.key(line.digest, line.model) != self.model:
            return False
        if not self.words:
            return True
        # Asked for each of many thousand lines at each key.
        text = line.text[:SEARCHED].lower()
        for word in self.words:
            if word not in text and word not in f"{line.source} {line.model}".lower():
                return False
        return True


def clock_time(at: float) -> str:
    """The time of day, with the date if it is not today's; empty if unknown."""
    if at <= 0.0:
        return ""
    moment = datetime.fromtimestamp(at)
    today = moment.date() == datetime.fromtimestamp(now()).date()
    return moment.strftime("%H:%M:%S" if today else "%m-%d %H:%M:%S")


def _date_time(at: float) -> str:
    if at <= 0.0:
        return "without a time"
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def line_parts(line: LogLine, found: re.Pattern[str] | None) -> Line:
    """One line as it stands in the log, with what was looked for made visible."""
    style = "$value" if line.source == RUNNER else "$label"
    if line.level == "error":
        style = "$error"
    elif line.level == "debug":
        style = "$faint"
    return (
        (f"{clock_time(line.at):8} ", "$label"),
        SIGNS.get(line.level, ("  ", "")),
        (f"{fit(line.source, len(RUNNER))} ", "$faint"),
        *_highlighted(plain(line.text[:SHOWN]), style, found),
    )


def pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    """A pattern that finds the words in a line; None if there are none."""
    return re.compile("|".join(map(re.escape, words)), re.IGNORECASE) if words else None


def _highlighted(text: str, style: str, found: re.Pattern[str] | None) -> Iterator[Part]:
    place = 0
    for match in found.finditer(text) if found else ():
        yield text[place : match.start()], style
        yield match[0], FOUND
        place = match.end()
    yield text[place:], style


class LineDialog(PageDialog):
    """The whole of one line: source and model, and the text wrapped."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,space,enter", "dismiss", "Close", key_display="esc")
    ]

    def __init__(self, line: LogLine, model: str) -> None:
        """`model` is the name of the model that the line is about, or empty."""
        facts = " ".join(filter(None, (line.level, f"from {line.source}", model)))
        cut = "" if len(line.text) <= READ else f" … ({len(line.text):,} characters)"
        text = plain(line.text[:READ]) + cut
        page = Text([((plain(facts), "$label"),), (), ((text, "$value"),)])
        super().__init__(page, id="log-line", title=f"Log line {_date_time(line.at)}")
