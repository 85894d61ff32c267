"""Events in words."""

from types import NoneType
from typing import get_args

import pytest

from dmr_tui.state.event import Detail, ErrorDetail, Event, UnloadDetail
from dmr_tui.text.events import event_cause, event_text, words


@pytest.mark.parametrize("detail", [kind for kind in get_args(Detail) if kind is not NoneType])
def test_each_detail_has_words_of_its_own(detail: type) -> None:
    assert words.dispatch(detail) is not words.dispatch(object)


def test_an_error_that_the_table_does_not_know_is_quoted() -> None:
    quote = "starting\nclip_init: something odd"
    event = Event("e", 1.0, "error", ErrorDetail(quote, times=3, span_s=20.0), "log")
    assert event_text(event) == "clip_init: something odd, 3 times within 20 s"
    assert event_cause(event) == ""


def test_an_engine_that_ended_without_a_word() -> None:
    event = Event("e", 1.0, "engine died", ErrorDetail(""), "log", "error")
    assert event_text(event) == "the engine ended"


@pytest.mark.parametrize(
    ("idle", "text"),
    [(0.4, "right after its use, as its keep-alive is 0"), (300.1, "idle for 5 min")],
)
def test_a_mode_that_is_not_the_usual_one_is_named(idle: float, text: str) -> None:
    event = Event("e", 1.0, "unloaded", UnloadDetail("idle", idle), "log", mode="completion")
    assert event_text(event) == text
    other = Event("e", 1.0, "unloaded", UnloadDetail("idle", idle), "log", mode="embedding")
    assert event_text(other) == f"embedding: {text}"
