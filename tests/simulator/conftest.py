"""Simulators that are served for a test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from dmr_tui.simulator.server import Simulator, serve
from tests.simulator.steps import SMALL

Shared = tuple[Simulator, httpx.Client]
Serve = Callable[..., tuple[Simulator, httpx.Client]]


@pytest.fixture
def served() -> Iterator[Serve]:
    """Serves a simulator for the test; gives it with a client."""
    with ExitStack() as stack:

        def start(*args: Any, **options: Any) -> tuple[Simulator, httpx.Client]:
            simulator = Simulator(*args, **options)
            url = stack.enter_context(serve(simulator))
            client = stack.enter_context(httpx.Client(base_url=url, timeout=20))
            return simulator, client

        yield start


@pytest.fixture(scope="module")
def shared() -> Iterator[Shared]:
    """One served simulator for tests that restart it before they begin."""
    simulator = Simulator("quiet")
    with serve(simulator) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield simulator, client


@pytest.fixture
def fresh(shared: Shared) -> Shared:
    """The shared simulator, restarted and without faults."""
    simulator, client = shared
    simulator.faults.clear()
    simulator.restart()
    return simulator, client


@pytest.fixture
def warm(fresh: Shared) -> Shared:
    """As `fresh`, with the small model loaded."""
    fresh[0].load(SMALL)
    return fresh
