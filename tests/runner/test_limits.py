"""What a runner says has a limit: beyond it nothing is believed, unpacked or sent back."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest

from dmr_tui.runner import answers
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.endpoint import parse_host
from dmr_tui.runner.errors.failures import BadAnswer
from tests.stand_in import Heard, StandIn, Told, stand_in

T = TypeVar("T")
EVENTS = {"Content-Type": "text/event-stream"}


def asked(told: Callable[[Heard], Told], ask: Callable[[RunnerClient], Awaitable[T]]) -> T:
    """What a client hears of a server."""

    async def run(server: StandIn) -> T:
        async with RunnerClient(parse_host(server.url, "--host")) as client:
            return await ask(client)

    with stand_in(told) as server:
        return asyncio.run(run(server))


def chunk(**delta: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


@pytest.mark.parametrize("kind", ["content", "reasoning_content"])
def test_a_streamed_answer_without_end_stops_and_says_so(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(answers, "ANSWER_LIMIT", 500_000)
    pieces = 0

    def endless() -> Iterator[bytes]:
        while True:
            yield chunk(**{kind: "x" * 100_000})

    async def chat(client: RunnerClient) -> None:
        nonlocal pieces
        async with client.chat({"model": "m", "messages": []}) as chunks:
            async for _ in chunks:
                pieces += 1

    with pytest.raises(BadAnswer, match="longer than 500,000 characters"):
        asked(lambda heard: Told(endless(), headers=EVENTS), chat)
    assert pieces == 5


def test_calls_of_tools_count_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "ANSWER_LIMIT", 2**20)
    call = {"index": 0, "function": {"arguments": "x" * 2**20}}

    async def chat(client: RunnerClient) -> None:
        async with client.chat({"model": "m", "messages": []}) as chunks:
            async for _ in chunks:
                pass

    with pytest.raises(BadAnswer, match="longer than"):
        asked(lambda heard: Told(chunk(tool_calls=[call]), headers=EVENTS), chat)


def test_an_event_that_is_too_long_or_unreadable_costs_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answers, "EVENT_LIMIT", 2_000)
    group = json.dumps([{"model": "m", "count": 1, "records": []}]).encode()
    bodies = [group, b'["' + b"x" * 3_000 + b'"]', b"[{", b"[" * 500 + b"]" * 500, group]
    many_lines = b"\ndata: ".join([b"[", *[b" " * 500] * 10, b"]"])
    told = b"".join(
        b"event: new_request\ndata: " + body + b"\n\n" for body in [*bodies, many_lines, group]
    )

    async def feed(client: RunnerClient) -> list[tuple[int, int]]:
        async with client.feed() as events:
            return [(len(groups), groups.unreadable) async for _, groups in events]

    found = asked(lambda heard: Told(iter([told]), headers=EVENTS), feed)
    assert found == [(1, 0), (0, 1), (0, 1), (0, 1), (1, 0), (0, 1), (1, 0)]


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "gzip, gzip"])
def test_a_compressed_answer_is_refused(coding: str) -> None:
    packed = gzip.compress(b"[" + b" " * 10_000_000 + b"]")

    async def models(client: RunnerClient) -> object:
        return await client.models()

    with pytest.raises(BadAnswer, match=f"compressed \\({coding}"):
        asked(lambda heard: Told(packed, headers={"Content-Encoding": coding}), models)


@pytest.mark.parametrize("domain", ["", "; Domain=127.0.0.1", "; Domain=localhost; Path=/"])
def test_cookies_are_not_sent_back(domain: str) -> None:
    heard: list[dict[str, str]] = []

    def told(request: Heard) -> Told:
        heard.append(request.headers)
        return Told("[]", headers={"Set-Cookie": f"id=7{domain}"})

    async def twice(client: RunnerClient) -> None:
        await client.models()
        await client.models()

    asked(told, twice)
    assert len(heard) == 2
    assert all("cookie" not in headers for headers in heard)
