"""Log lines joined to models."""

import random

from dmr_tui.monitor.log.engine_log import EngineLog
from dmr_tui.runner.logs.log_event import (
    BufferAllocated,
    DeviceSummed,
    LayersOffloaded,
    Loaded,
    LoadFailed,
    LoadStarted,
    RunnerStarted,
    SlotsReady,
    Unloaded,
)
from dmr_tui.runner.logs.log_line import read_line
from tests.recorded import recorded

A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64
C = "sha256:" + "c" * 64


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


def test_one_failure_that_is_told_twice_ends_one_load() -> None:
    """First the engine says it and then the runner, while another model loads."""
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", A, 4096))
    log.take(LoadFailed(2.0))
    log.take(LoadStarted(2.1, "llama.cpp", B, 8192))
    log.take(LoadFailed(2.2, A))
    log.take(SlotsReady(2.5, 2, 4096))
    log.take(Loaded(3.0))
    assert (log.facts[B].context, log.facts[B].slots) == (4096, 2)


def test_a_load_goes_on_when_the_one_beside_it_fails() -> None:
    """Engine and runner both say so; what is printed next may be of the load that goes on."""
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", A, 4096))
    log.take(LoadStarted(1.1, "llama.cpp", B, 8192))
    log.take(LoadFailed(2.0))
    log.take(LoadFailed(2.1, B))
    assert B not in log.facts
    log.take(LoadStarted(2.2, "llama.cpp", C, 2048))
    log.take(SlotsReady(2.5, 1, 4096))
    log.take(Loaded(3.0))
    assert (log.facts[A].context, log.facts[C].context) == (None, None)
    log.take(Loaded(4.0))
    log.take(LoadStarted(5.0, "llama.cpp", B, 8192))
    log.take(SlotsReady(5.5, 1, 8192))
    assert log.facts[B].context == 8192


def test_a_load_that_fails_after_the_one_beside_it_has_ended_stands_in_no_ones_way() -> None:
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", A, 4096))
    log.take(LoadStarted(1.1, "llama.cpp", B, 8192))
    log.take(Loaded(2.0))
    log.take(LoadFailed(2.1, A))
    log.take(LoadStarted(3.0, "llama.cpp", C, 2048))
    log.take(SlotsReady(3.5, 1, 2048))
    assert log.facts[C].context == 2048


def test_lines_in_any_order_break_nothing() -> None:
    """The log may be cut, and read from anywhere."""
    events = [
        LoadStarted(1.0, "llama.cpp", A, 4096),
        LoadStarted(1.1, "llama.cpp", A, 4096),
        Unloaded(1.2, A, "completion"),
        SlotsReady(1.3, 2, 4096),
        Loaded(1.4),
        LoadFailed(1.5),
        LoadFailed(1.6, A),
        LoadStarted(1.7, "llama.cpp", B, 4096),
    ]
    random.seed(1)
    for _ in range(2000):
        log = EngineLog()
        for event in random.choices(events, k=8):
            log.take(event)
            if random.random() < 0.2:
                log.gone(A)


def test_a_runner_that_starts_has_no_engines() -> None:
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", A, 4096))
    log.take(Loaded(2.0))
    log.take(RunnerStarted(3.0))
    assert log.facts == {}


def test_a_load_under_way_is_not_gone() -> None:
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", A, 4096))
    log.gone(A)
    log.take(SlotsReady(9.0, 2, 4096))
    log.take(Loaded(9.5))
    assert log.facts[A].load_s == 8.5
    log.gone(A)
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


def test_what_an_engine_says_of_its_memory() -> None:
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", A, 4096))
    # The plan before the load, in whole MiB and in two rows.
    log.take(DeviceSummed(1.1, "CUDA0", 100, 50, 20))
    log.take(DeviceSummed(1.1, "Host", 10, 0, 5))
    facts = log.facts[A]
    assert (facts.weights, facts.cache, facts.compute) == (110, 50, 25)
    log.take(DeviceSummed(1.2, "CUDA0", 90, 45, 20))
    assert log.facts[A].weights == 100, "a row that is told again is the newer one"
    for device, kind, size in (
        ("CUDA0", "weights", 101),
        ("CPU_Mapped", "weights", 7),
        ("CUDA0", "cache", 51),
        ("CUDA0", "compute", 21),
        ("CPU", "output", 1),
    ):
        log.take(BufferAllocated(1.3, device, kind, size))
    log.take(DeviceSummed(1.4, "CUDA0", 1, 1, 1))
    log.take(LayersOffloaded(1.5, 20, 33))
    facts = log.facts[A]
    assert (facts.weights, facts.cache, facts.compute) == (108, 51, 21), "line by line is better"
    assert facts.layers == "20 of 33"
    log.take(Loaded(2.0))
    log.take(BufferAllocated(3.0, "CUDA0", "weights", 999))
    assert log.facts[A].weights == 108, "nothing is being loaded any more"


def test_a_trial_before_the_load_is_not_added_to_it() -> None:
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", A, 4096))
    trial = (("CUDA0", "weights", 0), ("CPU", "weights", 0), ("CUDA0", "cache", 0))
    for device, kind, size in (*trial, ("CUDA0", "compute", 22)) * 2:
        log.take(BufferAllocated(1.1, device, kind, size))
    assert log.facts[A].compute is None
    log.take(DeviceSummed(1.2, "CUDA0", 100, 50, 20))
    assert log.facts[A].compute == 20
    load = (("CPU", "weights", 0), ("CUDA0", "weights", 101), ("CUDA0", "cache", 51))
    for device, kind, size in (*load, ("CUDA0", "cache", 9), ("CUDA0", "compute", 21)):
        log.take(BufferAllocated(1.3, device, kind, size))
    # A draft model is tried and loaded after the model that it drafts for.
    for device, kind, size in (*trial, ("CUDA0", "compute", 5)):
        log.take(BufferAllocated(1.4, device, kind, size))
    for device, kind, size in (("CUDA0", "weights", 7), ("CUDA0", "compute", 4)):
        log.take(BufferAllocated(1.5, device, kind, size))
    facts = log.facts[A]
    assert (facts.weights, facts.cache, facts.compute) == (108, 60, 25)


def test_memory_of_two_loads_at_once_is_nobodys() -> None:
    log = EngineLog()
    log.take(LoadStarted(1.0, "llama.cpp", A, 4096))
    log.take(LoadStarted(1.5, "llama.cpp", B, 8192))
    log.take(BufferAllocated(1.6, "CUDA0", "weights", 101))
    assert [facts.weights for facts in log.facts.values()] == [None, None]
