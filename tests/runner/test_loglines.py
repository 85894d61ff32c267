"""The lines of a real log as events."""

from dmr_tui.runner.loglines import (
    Loaded,
    LoadFailed,
    LoadStarted,
    SlotsReady,
    Unloaded,
    read_line,
)
from tests.recorded import recorded

TINY = "sha256:6b2404074c575d7e3705cef045147e5e9e5c98913a28d63b0da565148f05413e"
MID = "sha256:984bca8e2fb43f669259d237b63dd8aa71d2416e345a3ec716a1c8b98b9bbb38"


def test_a_recorded_log_tells_loads_and_unloads() -> None:
    lines = recorded("v1.2.6/logs-follow").body.split("\n")
    events = [event for line in lines if (event := read_line(line)) is not None]
    kinds = [type(event) for event in events]
    assert kinds == [
        *(LoadStarted, SlotsReady, Loaded),
        *(LoadStarted, SlotsReady, Loaded, Unloaded),
        *(LoadStarted, SlotsReady, Loaded, Unloaded),
    ]
    started, slots, loaded = events[0], events[1], events[2]
    assert isinstance(started, LoadStarted)
    assert (started.backend, started.digest, started.context_size) == ("llama.cpp", TINY, 2048)
    assert isinstance(slots, SlotsReady)
    assert (slots.slots, slots.context) == (1, 2048)
    assert isinstance(loaded, Loaded)
    assert 0.07 < loaded.at - started.at < 0.08
    assert isinstance(events[6], Unloaded)
    assert (events[6].digest, events[6].mode) == (MID, "completion")


def test_a_failed_load() -> None:
    line = (
        "[2026-11-22T22:41:18.328180453Z] time=2026-11-22T22:41:18.328Z level=INFO "
        'msg="0.00.1 E srv main: exiting due to model loading error"'
    )
    event = read_line(line)
    assert isinstance(event, LoadFailed)
    assert event.at > 1.7e9


def test_other_lines_tell_nothing() -> None:
    for line in ("", "garbage \x00 n_ctx_slot", 'msg="Listing available models"', "args="):
        assert read_line(line) is None
