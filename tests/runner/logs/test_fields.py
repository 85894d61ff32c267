"""The stamps of lines, whatever they say."""

import pytest

from dmr_tui.runner.logs.fields import stamp
from dmr_tui.runner.wire import LAST_MOMENT


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("[1970-01-01T00:00:07Z] x", 7.0),
        ("[0001-01-01T00:00:00Z] x", 0.0),
        ('time="0001-01-01T00:00:00+23:59" x', 0.0),
        ('time="9999-12-31T23:59:59-23:59" x', float(LAST_MOMENT)),
        ("[9999-12-31T23:59:59Z] x", float(LAST_MOMENT)),
        ("[2026-13-41T25:61:61Z] x", 0.0),
        ('time="2026-01-01T00:00:00+99:99" x', 0.0),
        ("x", 0.0),
    ],
)
def test_a_stamp_is_a_moment_of_the_calendar_or_none(text: str, at: float) -> None:
    assert stamp(text) == at
