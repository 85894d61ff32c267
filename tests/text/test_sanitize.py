"""Text from outside cannot steer a terminal."""

import pytest

from dmr_tui.text.sanitize import plain, plain_lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J", "␛[2J"),
        ("a\r\nb", "a␍␊b"),
        ("\x07\x7f", "␇␡"),
        ("\x9b31m", "\N{REPLACEMENT CHARACTER}31m"),
        ("ai/\u202e4Q", "ai/\N{REPLACEMENT CHARACTER}4Q"),
        ("\ud800x", "\N{REPLACEMENT CHARACTER}x"),
        ("[red]x[/]", "[red]x[/]"),
        ("模型 é ✓", "模型 é ✓"),
    ],
)
def test_one_line(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_lines_and_tabs_stay_where_lines_are_wanted() -> None:
    assert plain_lines("a\r\n\tb\x1b[31m") == "a\n\tb␛[31m"


def test_everything_that_comes_out_is_printable_or_a_line_break() -> None:
    everything = "".join(chr(code) for code in range(0x300))
    harmless = {"\xa0", "\xad"}  # a space and a hyphen
    assert all(c.isprintable() or c in harmless for c in plain(everything))
