"""The records of requests, and the feed of them."""

import asyncio
import json
import time
from typing import Any

from tests.simulator.conftest import Shared
from tests.simulator.likeness import events
from tests.simulator.steps import (
    CHAT,
    EMBEDDER,
    SMALL,
    chat,
    keep_busy,
    records,
)


def test_ten_records_are_kept(warm: Shared) -> None:
    _, client = warm
    for number in range(12):
        client.post(CHAT, json=chat(text=f"number {number}", max_tokens=1))
    kept = [json.loads(record["request"]) for record in records(client, SMALL)]
    assert [each["messages"][0]["content"] for each in kept] == [
        f"number {n}" for n in range(2, 12)
    ]


def test_in_flight_is_status_0(warm: Shared) -> None:
    simulator, client = warm
    before = time.time_ns()
    keep_busy(simulator, client, SMALL)
    (record,) = records(client, SMALL)
    assert record["status_code"] == 0
    assert not {"response", "error"} & record.keys()
    digest, _, started = record["id"].rpartition("_")
    assert digest == client.get(f"/models/{SMALL}").json()["id"]
    assert before <= int(started) <= time.time_ns()
    with client.stream(
        "GET",
        "/engines/requests?include_existing=true",
        headers={"Accept": "text/event-stream"},
    ) as feed:
        name, data = events(next(feed.iter_text()))[0]
    assert (name, data[0]["records"][0]["status_code"]) == ("existing_request", 0)


def test_usage_is_recorded_only_if_asked_for(warm: Shared) -> None:
    _, client = warm
    client.post(CHAT, json=chat(stream=True, max_tokens=2))
    options = {"include_usage": True}
    client.post(CHAT, json=chat(stream=True, max_tokens=2, stream_options=options))
    without, with_usage = (json.loads(each["response"]) for each in records(client, SMALL))
    assert "usage" not in without
    assert "usage" in with_usage
    assert without["timings"].keys() == with_usage["timings"].keys()


def test_media_are_cut_and_callers_noted(warm: Shared) -> None:
    _, client = warm
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 300}}
    body = {"model": SMALL, "messages": [{"role": "user", "content": [image]}]}
    headers = {"X-Request-Origin": "my-app", "User-Agent": "tests/1"}
    assert client.post(CHAT, json=body, headers=headers).status_code == 500
    (record,) = records(client, SMALL)
    assert f"{'A' * 100}...[truncated 200 chars]" in record["request"]
    assert list(json.loads(record["request"])) == ["messages", "model"]
    assert (record["origin"], record["user_agent"]) == ("my-app", "tests/1")
    assert json.loads(record["error"])["error"]["code"] == 500


def test_a_slow_reader_of_the_feed_loses_events_and_no_more(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.load(EMBEDDER, "embedding")
    feeds, feed = simulator.world.recorder._feeds, asyncio.Queue[Any]()
    feeds.add(feed)
    body = {"model": EMBEDDER, "input": "x"}
    for _ in range(104):
        client.post("/engines/v1/embeddings", json=body)
    feeds.discard(feed)
    assert feed.qsize() == 100


def test_the_feed_of_one_model_compares_what_callers_wrote(warm: Shared) -> None:
    simulator, client = warm
    with client.stream(
        "GET", "/engines/requests", params={"model": SMALL}, headers={"Accept": "text/event-stream"}
    ) as feed:
        text = feed.iter_text()
        next(text)
        for name in (f"docker.io/{SMALL}", SMALL):
            simulator.send(chat(name, max_tokens=1)).result(10)
        assert events(next(text))[0][1][0]["model"] == SMALL
