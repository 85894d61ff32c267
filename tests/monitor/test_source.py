"""A source that fails is asked less and less often, up to a limit."""

import weakref

import anyio
import pytest

from dmr_tui.monitor.source import LONGEST_PAUSE_S, Polled
from dmr_tui.runner.errors.failures import BadAnswer, Unreachable


class Clock:
    """A loop's clock that goes on when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(anyio, "current_time", lambda: self.now)


def pause_of(source: Polled[int], clock: Clock) -> float:
    """Seconds until the source is due, in steps of a quarter."""
    began = clock.now
    while not source.due:
        clock.now += 0.25
    return clock.now - began


async def test_pauses_grow_with_each_failure_and_shrink_with_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failing = True

    async def fetch() -> int:
        if failing:
            raise Unreachable("connection refused")
        return 1

    source = Polled("disk", 1.0, fetch, lambda: None, lambda: 0.0)
    clock = Clock(monkeypatch)
    pauses = []
    for _ in range(6):
        await source.poll()
        pauses.append(pause_of(source, clock))
    assert pauses == [2.0, 4.0, 8.0, LONGEST_PAUSE_S, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    failing = False
    await source.poll()
    assert pause_of(source, clock) == 1.0


async def test_a_source_that_is_asked_seldom_is_not_asked_more_often_when_it_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fetch() -> int:
        raise Unreachable("connection refused")

    source = Polled("disk", 60.0, fetch, lambda: None, lambda: 0.0)
    clock = Clock(monkeypatch)
    await source.poll()
    assert pause_of(source, clock) == 60.0


async def test_a_kick_ends_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fetch() -> int:
        raise Unreachable("connection refused")

    source = Polled("disk", 60.0, fetch, lambda: None, lambda: 0.0)
    clock = Clock(monkeypatch)
    await source.poll()
    assert not source.due
    source.kick()
    assert pause_of(source, clock) == 0.0


class Body(bytearray):
    """An answer that can be asked whether it is still there."""


async def test_an_error_does_not_keep_the_answer_that_caused_it() -> None:
    bodies: list[weakref.ref[Body]] = []

    async def fetch() -> int:
        body = Body(1000)
        bodies.append(weakref.ref(body))
        try:
            int(body.decode())
        except ValueError as error:
            raise BadAnswer("too large") from error
        return 1

    source = Polled("disk", 60.0, fetch, lambda: None, lambda: 0.0)
    error = await source.poll()
    assert isinstance(error, BadAnswer)
    assert [body() for body in bodies] == [None]
