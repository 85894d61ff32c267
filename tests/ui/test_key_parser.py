"""Replies of the terminal are no keys; keys, clicks and pastes come through."""

import time

import pytest
from textual import events, messages

from dmr_tui.ui.widgets import key_parser
from dmr_tui.ui.widgets.key_parser import LONGEST, KeyParser

REPLIES = {
    "a colour": "\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\",
    "a colour, by a bell": "\x1b]10;rgb:0000/0000/0000\x07",
    "the clipboard": f"\x1b]52;c;{'QUJD' * 5_000}\x07",
    "the name of the terminal": "\x1bP>|tmux 3.4\x1b\\",
    "a capability": "\x1bP1+r544e=787465726d\x1b\\",
    "a picture": "\x1b_Gi=31;OK\x1b\\",
    "attributes": "\x1b[?62;22;52c",
    "attributes, secondary": "\x1b[>0;276;0c",
    "attributes, tertiary": "\x1bP!|7E565445\x1b\\",
    "a mode, without its question mark (zellij)": "\x1b[2026;2$y",
    "a dark mode that begins": "\x1b[?997;1n",
    "all is well": "\x1b[0n",
    "the size of a cell": "\x1b[6;18;9t",
    "the flags of the keyboard": "\x1b[?1u",
    "keys that Textual cannot read": "\x1b[57441;1:3u",
    "a size without end": "\x1b[48;99999999999999999999;1;1;1t",
    "a size that no terminal has": "\x1b[48;60000;60000;1;1t",
    "a click far away": "\x1b[<0;99999999999999999999;1M",
    "a code without end": "\x1b[99999999999999u",
}


def keys(parser: KeyParser, *texts: str) -> list[str]:
    """The keys that come of texts which are read one after the other."""
    found = [event for text in texts for event in (*parser.feed(text), *parser.tick())]
    return [event.key for event in found if isinstance(event, events.Key)]


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_a_reply_is_no_key(reply: str) -> None:
    assert keys(KeyParser(), f"a{reply}b") == ["a", "b"]
    for cut in range(1, min(len(reply), 40)):
        assert keys(KeyParser(), f"a{reply[:cut]}", f"{reply[cut:]}b") == ["a", "b"], cut


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        *(("\x1b[A", "up"), ("\x1b[1;5C", "ctrl+right"), ("\x1b[5~", "pageup"), ("\x1bOP", "f1")),
        *(("\x1b[97;5u", "ctrl+a"), ("\x1b[Z", "shift+tab"), ("é", "é")),
    ],
)
def test_a_key_is_one(typed: str, key: str) -> None:
    assert keys(KeyParser(), typed) in ([key], [{"é": "latin_small_letter_e_with_acute"}.get(key)])


def test_what_textual_asked_for_comes_through() -> None:
    text = "\x1b[?2026;2$y\x1b[I\x1b[24;80R\x1b[<0;3;4M\x1b[48;55;200;990;2000t"
    answers = KeyParser().feed(text)
    assert [type(answer) for answer in answers] == [
        messages.TerminalSupportsSynchronizedOutput,
        events.AppFocus,
        events.CursorPosition,
        events.MouseDown,
        events.Resize,
    ]


def test_a_paste_comes_through_without_its_sequences() -> None:
    text = "\x1b[200~one\x1b[31m \x1b]two\x1b[201~q"
    for cut in range(len(text)):
        parser = KeyParser()
        found = [*parser.feed(text[:cut] or "z"), *parser.feed(text[cut:])]
        paste, key = found[-2:]
        assert isinstance(paste, events.Paste), cut
        assert paste.text == "one ]two"
        assert isinstance(key, events.Key)
        assert key.key == "q"
        assert len(found) == 2 + (cut == 0)


@pytest.mark.parametrize(("typed", "key"), [("\x1b", "escape"), ("\x1b]", "right_square_bracket")])
def test_escape_and_alt_are_keys(monkeypatch: pytest.MonkeyPatch, typed: str, key: str) -> None:
    parser, now = KeyParser(), time.monotonic()
    assert keys(parser, typed) == []
    late = now + 2 * key_parser.ESCAPE_DELAY
    monkeypatch.setattr(key_parser.time, "monotonic", lambda: late)
    found = [*parser.tick()]
    monkeypatch.setattr("textual._parser.get_time", lambda: late)
    found += parser.tick()
    assert [event.key for event in found if isinstance(event, events.Key)] == [key]


def test_a_reply_that_never_ends_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    parser, now = KeyParser(), time.monotonic()
    assert keys(parser, "\x1b]11;rgb:") == []
    monkeypatch.setattr(key_parser.time, "monotonic", lambda: now + 2 * key_parser.REPLY_S)
    assert keys(parser, "") == []
    parser = KeyParser()
    typed = keys(parser, "\x1b]" + "x" * LONGEST, "y")
    assert typed[-1] == "y", "no more is held than so much"
