"""Calls as clients make them, to a real llama.cpp: what the dashboard makes of each."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from dmr_tui.measure.rates import decode_rate
from dmr_tui.measure.request_numbers import combined_rate, ttft_s, waited_s
from dmr_tui.runner.request import Request
from dmr_tui.simulator.server import Simulator
from dmr_tui.state.request_filter import RequestFilter, View
from dmr_tui.state.snapshot import Snapshot
from tests.monitor.conftest import Watched, watched
from tests.real_engine import real_engine

OPENAI = "OpenAI/Python 2.54.0"
N8N = "langchainjs-openai/1.0.0 ((node/v20.20.2; linux; x64))"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = Path(tmp_path_factory.mktemp("engine"))
    with real_engine(folder, context=2048, embedding=128, blocks=4) as url:
        yield url


@pytest.fixture
def beside(engine: str) -> Iterator[tuple[Watched, httpx.Client, str]]:
    """A monitor beside the runner, a client of it, and the model's name."""
    with watched(Simulator(engine_url=engine), interval=0.25) as seen:
        snapshot = seen.until(lambda s: s.runner.up and s.models and feed_is_open(s))
        endpoint = snapshot.runner.endpoint
        assert endpoint is not None
        seen.monitor.look(View(requests=RequestFilter(), groups=True))
        with httpx.Client(base_url=endpoint.url, timeout=60.0) as client:
            yield seen, client, seen.now.models[0].ref


def feed_is_open(snapshot: Snapshot) -> bool:
    return snapshot.source("requests feed").health == "ok"


def body(model: str, **options: Any) -> dict[str, Any]:
    asked = [{"role": "user", "content": "Tell me a story."}]
    return {"model": model, "messages": asked, "max_tokens": 24, "ignore_eos": True, **options}


def post(client: httpx.Client, agent: str = OPENAI, **options: Any) -> httpx.Response:
    return client.post(
        "/engines/v1/chat/completions", json=body(**options), headers={"User-Agent": agent}
    )


def calls(seen: Watched, count: int) -> list[Request]:
    """The calls, once so many have ended; in the order of their start."""

    def rows(snapshot: Snapshot) -> tuple[Request, ...]:
        return snapshot.requests.rows if snapshot.requests is not None else ()

    snapshot = seen.until(lambda s: len(rows(s)) >= count)
    return sorted(rows(snapshot), key=lambda call: call.started_at)


def test_one_slot_and_four_at_once(beside: tuple[Watched, httpx.Client, str]) -> None:
    """Every record claims full speed; that three waited is a number of its own."""
    seen, client, model = beside
    post(client, model=model, max_tokens=1)
    calls(seen, 1)
    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(post, client, model=model, max_tokens=1200, stream=True) for _ in range(4)
        ]
        answers = [call.result() for call in asked]
    assert all(answer.status_code == 200 for answer in answers)
    ended = calls(seen, 5)[1:]
    waits = sorted(wait for call in ended if (wait := waited_s(call)) is not None)
    rates = [rate.value for call in ended if (rate := decode_rate(call.timings)) is not None]
    assert len(waits) == len(rates) == 4
    took = max(call.finished_at or 0.0 for call in ended) - min(call.started_at for call in ended)
    assert 0.4 * took < waits[3] - waits[0] < took, "the last one waited for the other three"
    assert combined_rate(ended) is None, "they decoded one after the other"
    assert all(first is not None and first > 0.0 for first in map(ttft_s, ended))


def test_cut_left_timed_out_and_failed(beside: tuple[Watched, httpx.Client, str]) -> None:
    seen, client, model = beside
    assert post(client, model=model).status_code == 200
    with client.stream(
        "POST",
        "/engines/v1/chat/completions",
        json=body(model, stream=True, max_tokens=1500),
        headers={"User-Agent": N8N},
    ) as answer:
        next(answer.iter_lines())
    calls(seen, 2)
    with suppress(httpx.ReadTimeout):
        post_with_limit(client, model)
    calls(seen, 3)
    overflow = post(client, model=model, messages=[{"role": "user", "content": "word " * 4000}])
    assert overflow.status_code == 400
    wrong = post(client, model=model, temperature="hot")
    assert wrong.status_code == 400
    assert post(client, model="ai/nobody").status_code == 404
    cut, left, timed_out, overflowed, failed = calls(seen, 5)
    assert (cut.outcome, cut.completion_tokens, cut.caller) == ("cut", 24, "OpenAI Python")
    assert (left.outcome, left.caller) == ("client left", "LangChain JS (n8n AI nodes)")
    assert (timed_out.outcome, timed_out.status) == ("client left", 502)
    assert timed_out.duration == pytest.approx(0.3, abs=0.25)
    assert overflowed.outcome == "context overflow"
    assert failed.outcome == "failed"
    throughput = seen.until(lambda s: s.throughput.finished == 5).throughput
    assert (throughput.failed, throughput.client_left) == (2, 2)
    kinds = {event.kind for event in seen.until(lambda s: len(s.events) >= 5).events}
    assert {"client left", "request failed"} <= kinds


def post_with_limit(client: httpx.Client, model: str) -> None:
    client.post(
        "/engines/v1/chat/completions",
        json=body(model, max_tokens=1500),
        headers={"User-Agent": OPENAI},
        timeout=0.3,
    )


def test_an_sdk_that_tries_three_times_makes_one_call(
    beside: tuple[Watched, httpx.Client, str],
) -> None:
    seen, client, model = beside
    for _ in range(3):
        with suppress(httpx.ReadTimeout):
            post_with_limit(client, model)
    snapshot = seen.until(
        lambda s: s.requests is not None and any(call.tries == 3 for call in s.requests.rows)
    )
    assert snapshot.requests is not None
    assert len(snapshot.requests.rows) == 1
    (group,) = snapshot.requests.by_caller
    assert (group.requests, group.left, group.retried) == (1, 1, 1)


def test_a_call_is_sent_again_and_its_bodies_are_read(
    beside: tuple[Watched, httpx.Client, str],
) -> None:
    seen, client, model = beside
    answer = post(client, model=model, temperature=0.0).json()
    (call,) = calls(seen, 1)
    told: list[Any] = []
    came = threading.Event()
    seen.monitor.bodies(call, lambda bodies: (told.append(bodies), came.set()))
    assert came.wait(20)
    assert told[0].prompt == (("user", "Tell me a story."),)
    assert told[0].answer == answer["choices"][0]["message"]["content"]
    turns: list[Any] = []
    ended = threading.Event()
    seen.monitor.replay(
        call, model, lambda turn: (turns.append(turn), ended.set() if turn.ended else None)
    )
    assert ended.wait(20), turns[-1:]
    turn = turns[-1]
    assert turn.failure is None
    assert turn.text == told[0].answer, "at temperature 0 it says the same"
    assert turn.completion_tokens == 24
    assert turn.decode is not None


def test_in_flight_shows_who_and_how_long(beside: tuple[Watched, httpx.Client, str]) -> None:
    seen, client, model = beside
    with client.stream(
        "POST",
        "/engines/v1/chat/completions",
        json=body(model, stream=True, max_tokens=1800),
        headers={"User-Agent": N8N},
    ):
        (call,) = seen.until(lambda s: s.in_flight).in_flight
        assert call.caller == "LangChain JS (n8n AI nodes)"
        assert call.limit == 300.0
        assert dict(call.parameters)["max_tokens"] == "1800"
        assert call.messages == (("user", len(json.dumps("Tell me a story."))),)
    seen.until(lambda s: not s.in_flight)
