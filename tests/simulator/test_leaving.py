"""Clients that leave before the end, and the records of their requests."""

import json
from typing import Any

import httpx

from tests.simulator.conftest import Shared
from tests.simulator.steps import (
    CHAT,
    GEMMA,
    QWEN,
    SMALL,
    chat,
    endless,
    hang_up,
    log,
    records,
    rows,
    wait_for,
)


def ended_record(client: httpx.Client, model: str) -> dict[str, Any]:
    wait_for(lambda: records(client, model)[0]["status_code"] != 0)
    wait_for(lambda: "in_use" not in rows(client)[model])
    return records(client, model)[0]


def test_leaving_a_whole_answer_is_502(warm: Shared) -> None:
    _, client = warm
    hang_up(client, endless(), b"")
    record = ended_record(client, SMALL)
    assert (record["status_code"], record["error"]) == (502, '{"error": "unknown error"}')
    assert "response" not in record
    wait_for(lambda: "cancel task, id_task = 0" in log(client))
    wait_for(lambda: "stop processing" in log(client))


def test_leaving_a_stream_keeps_the_text_so_far(warm: Shared) -> None:
    _, client = warm
    options = {"include_usage": True}
    hang_up(client, endless(stream=True, stream_options=options), b'"content":"')
    record = ended_record(client, SMALL)
    answer = json.loads(record["response"])
    assert record["status_code"] == 200
    assert answer["choices"][0]["finish_reason"] is None
    assert answer["choices"][0]["message"]["content"]
    assert not {"usage", "timings"} & answer.keys()


def test_leaving_a_stream_before_its_first_word_is_200_and_nothing(warm: Shared) -> None:
    simulator, client = warm
    simulator.load(QWEN)
    body = chat(QWEN, "word " * 6000, stream=True)
    hang_up(client, body, b"\r\n\r\n")
    record = ended_record(client, body["model"])
    assert record["status_code"] == 200
    assert not {"response", "error"} & record.keys()


def test_leaving_the_queue_is_502_and_frees_the_place(warm: Shared) -> None:
    simulator, client = warm
    first = simulator.send(endless(max_tokens=150))
    waiting = simulator.send(endless())
    wait_for(lambda: len(records(client, SMALL)) == 2)
    waiting.cancel()
    wait_for(lambda: records(client, SMALL)[1]["status_code"] == 502)
    assert first.result(10)[0] == 200
    assert client.post(CHAT, json=chat(max_tokens=1)).status_code == 200


def test_generation_ends_at_once_when_the_caller_leaves(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.load(GEMMA)
    hang_up(client, endless(GEMMA, stream=True), b'"content":"')
    wait_for(lambda: "in_use" not in rows(client)[GEMMA], seconds=0.5)
