"""Log lines joined to models."""

from dmr_tui.monitor.enginelog import EngineLog
from dmr_tui.runner.loglines import (
    Loaded,
    LoadFailed,
    LoadStarted,
    SlotsReady,
    Unloaded,
    read_line,
)
from tests.recorded import recorded

A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64


def test_a_recorded_log_tells_what_is_loaded_at_its_end() -> None:
    log = EngineLog()
    for line in recorded("v1.2.6/logs").body.split("\n"):
        event = read_line(line)
        if event is not None:
            log.take(event)
    (facts,) = log.facts.values()
    assert (facts.context, facts.slots) == (2048, 1)
    assert facts.load_s is not None
    assert 0.05 < facts.load_s < 0.1


def test_two_loads_at_once_are_not_mixed_up() -> None:
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", A, 4096))
    log.take(LoadStarted(1.5, "llama.cpp", B, 8192))
    log.take(SlotsReady(2.0, 1, 8192))
    log.take(SlotsReady(2.1, 1, 4096))
    log.take(Loaded(3.0))
    log.take(Loaded(3.1))
    assert log.facts[A].context is None
    assert log.facts[B].context is None
    log.take(LoadStarted(5.0, "llama.cpp", A, 4096))
    log.take(SlotsReady(5.5, 4, 4096))
    log.take(Loaded(6.0))
    assert (log.facts[A].context, log.facts[A].slots, log.facts[A].load_s) == (4096, 4, 1.0)


def test_a_failed_load_leaves_nothing() -> None:
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", A, 4096))
    log.take(LoadFailed(2.0))
    assert log.facts == {}


def test_an_unload_takes_the_facts_along() -> None:
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", A, 4096))
    log.take(SlotsReady(1.1, 1, 4096))
    log.take(Loaded(1.2))
    log.take(Unloaded(9.0, A, "embedding"))
    assert A in log.facts, "another mode was unloaded"
    log.take(Unloaded(9.0, A, "completion"))
    assert log.facts == {}


def test_a_load_without_an_end_does_not_stand_in_the_way_for_ever() -> None:
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", A, None))
    log.take(LoadStarted(400.0, "llama.cpp", B, None))
    log.take(SlotsReady(400.1, 1, 2048))
    assert log.facts[B].context == 2048
