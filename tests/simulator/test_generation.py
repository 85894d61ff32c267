"""The answers of simulated engines, and their speed."""

import json
import time
from typing import Any

import httpx
import pytest

from tests.simulator.conftest import Serve, Shared
from tests.simulator.likeness import chunks
from tests.simulator.steps import (
    CHAT,
    EMBEDDER,
    GEMMA,
    QWEN,
    SMALL,
    chat,
    endless,
    log,
    measured_rate,
    records,
    wait_for,
)


def says(client: httpx.Client, **options: Any) -> Any:
    return client.post(CHAT, json=chat(text="Why?", max_tokens=90, **options)).json()["choices"]


def test_the_same_seed_says_the_same(warm: Shared) -> None:
    _, client = warm
    assert says(client, seed=5) == says(client, seed=5)
    assert any(says(client, seed=seed) != says(client, seed=5) for seed in range(4))


def test_another_simulator_with_that_seed_says_it_too(warm: Shared, served: Serve) -> None:
    def with_seed(seed: int) -> Any:
        simulator, client = served("quiet", seed=seed)
        simulator.load(SMALL)
        return says(client)

    mine = says(warm[1])
    assert with_seed(0) == mine
    assert any(with_seed(seed) != mine for seed in range(1, 5))


def test_max_tokens_cut_the_answer(warm: Shared) -> None:
    answer = warm[1].post(CHAT, json=chat(max_tokens=7)).json()
    assert answer["usage"]["completion_tokens"] == 7
    assert answer["timings"]["predicted_n"] == 7
    assert answer["choices"][0]["finish_reason"] == "length"
    assert warm[1].post(CHAT, json=chat(max_tokens=0)).json()["usage"]["completion_tokens"] == 1


def test_a_repeated_prefix_comes_from_the_cache(warm: Shared) -> None:
    _, client = warm
    text = "A prompt with quite a few words in it, so that there is something to keep."
    first, again = (client.post(CHAT, json=chat(text=text, max_tokens=3)).json() for _ in range(2))
    assert first["timings"]["cache_n"] == 0
    total = first["usage"]["prompt_tokens"]
    assert (again["timings"]["cache_n"], again["timings"]["prompt_n"]) == (total - 1, 1)
    assert again["usage"]["prompt_tokens_details"] == {"cached_tokens": total - 1}
    longer = client.post(CHAT, json=chat(text=f"{text} And more.", max_tokens=3)).json()
    assert 0 < longer["timings"]["cache_n"] < longer["usage"]["prompt_tokens"]
    off = client.post(CHAT, json=chat(text=text, max_tokens=3, cache_prompt=False)).json()
    assert off["timings"]["cache_n"] == 0


def test_progress_of_a_long_prompt(warm: Shared) -> None:
    body = chat(text="word " * 3000, max_tokens=1, stream=True, return_progress=True)
    stream = chunks(warm[1].post(CHAT, json=body).text)
    progress = [chunk["prompt_progress"] for chunk in stream if "prompt_progress" in chunk]
    done = [each["processed"] for each in progress]
    assert len(done) > 4
    assert done == sorted(done)
    assert (done[0], done[-1]) == (progress[0]["cache"], progress[0]["total"])


def test_json_answers(warm: Shared) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"enum": ["Rome"]}, "degrees": {"type": "integer", "maximum": 3}},
    }
    formats = ({"type": "json_object"}, {"type": "json_schema", "json_schema": {"schema": schema}})
    for wanted in formats:
        answer = warm[1].post(CHAT, json=chat(response_format=wanted)).json()
        content = json.loads(answer["choices"][0]["message"]["content"])
    assert content["city"] == "Rome"
    assert 0 <= content["degrees"] <= 3


def test_required_tools_are_called(warm: Shared) -> None:
    _, client = warm
    parameters = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": parameters}}
    body = chat(tools=[tool], tool_choice="required")
    choice = client.post(CHAT, json=body).json()["choices"][0]
    call = choice["message"]["tool_calls"][0]["function"]
    assert choice["finish_reason"] == "tool_calls"
    assert json.loads(call["arguments"])["city"] in ("Paris", "Rome")
    deltas = [
        chunk["choices"][0]["delta"]
        for chunk in chunks(client.post(CHAT, json={**body, "stream": True}).text)[:-1]
    ]
    parts = [delta["tool_calls"][0]["function"] for delta in deltas if "tool_calls" in delta]
    assert parts[0]["name"] == "get_weather"
    assert json.loads("".join(part["arguments"] for part in parts)) == json.loads(call["arguments"])


def test_reasoning_comes_first(warm: Shared) -> None:
    simulator, client = warm
    simulator.load(QWEN)
    body = chat(QWEN, "Say hello", stream=True)
    deltas = [c["choices"][0]["delta"] for c in chunks(client.post(CHAT, json=body).text)[1:-2]]
    kinds = [next(iter(delta)) for delta in deltas]
    assert set(kinds) == {"reasoning_content", "content"}
    assert kinds == sorted(kinds, reverse=True)
    record = json.loads(records(client, body["model"])[0]["response"])
    assert record["choices"][0]["message"]["reasoning_content"]
    quiet = chat(body["model"], "Say hello /no_think")
    message = client.post(CHAT, json=quiet).json()["choices"][0]["message"]
    assert "reasoning_content" not in message


def test_embeddings(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.load(EMBEDDER, "embedding")
    body = {"model": EMBEDDER, "input": ["one", "two"]}
    answer = client.post("/engines/v1/embeddings", json=body).json()
    vectors = [entry["embedding"] for entry in answer["data"]]
    assert [len(vector) for vector in vectors] == [768, 768]
    assert vectors[0] != vectors[1]
    assert answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] > 0
    assert "timings" not in answer
    in_base64 = client.post("/engines/v1/embeddings", json={**body, "encoding_format": "base64"})
    assert isinstance(in_base64.json()["data"][0]["embedding"], str)


def test_legacy_completions(warm: Shared) -> None:
    _, client = warm
    body = {"model": SMALL, "prompt": "Once upon a time", "max_tokens": 4}
    whole = client.post("/engines/v1/completions", json=body).json()
    parts = chunks(client.post("/engines/v1/completions", json={**body, "stream": True}).text)
    assert "".join(part["choices"][0]["text"] for part in parts[:-1]) == whole["choices"][0]["text"]
    assert {"usage", "timings"} <= parts[-2].keys()
    # The recorder puts streams together as chats, and a completion's text is lost in that.
    kept = json.loads(records(client, SMALL)[1]["response"])
    assert kept["choices"][0]["message"]["content"] == ""


def test_vllm_tells_usage_and_no_timings(served: Serve) -> None:
    _, client = served("vllm")
    assert client.get("/engines/status").json()["vllm"].startswith("Running: ")
    body = chat("ai/qwen3-vllm:4B", "Say hello", max_tokens=12)
    whole = client.post(CHAT, json=body).json()
    assert whole["usage"].keys() == {"prompt_tokens", "total_tokens", "completion_tokens"}
    assert "timings" not in whole
    options = {"include_usage": True, "continuous_usage_stats": True}
    parts = chunks(client.post(CHAT, json={**body, "stream": True, "stream_options": options}).text)
    counts = [part["usage"]["completion_tokens"] for part in parts[1:-1]]
    assert counts[:12] == list(range(1, 13))
    assert parts[-2]["choices"] == []
    mine = records(client, body["model"])[-1]
    assert "timings" not in mine["response"]


def test_rate_agrees_with_what_a_caller_measures(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.load(GEMMA)
    # A busy computer may delay the one last read that counts, but not every time.
    for _ in range(4):
        engine, seen = measured_rate(client.base_url, endless(GEMMA, max_tokens=150))
        assert engine == pytest.approx(100, rel=0.1)
        if abs(seen / engine - 1) < 0.02:
            return
    pytest.fail(f"{seen:.1f} tokens a second arrived, {engine:.1f} were claimed")


def test_one_slot_makes_callers_wait_outside_the_timings(warm: Shared) -> None:
    simulator, _ = warm
    started = time.monotonic()
    calls = [simulator.send(endless(max_tokens=100)) for _ in range(3)]
    answers = [json.loads(call.result(20)[1]) for call in calls]
    spent = sum(a["timings"]["prompt_ms"] + a["timings"]["predicted_ms"] for a in answers) / 1000
    assert time.monotonic() - started >= 0.95 * spent
    for answer in answers:
        assert answer["timings"]["predicted_per_second"] > 250


def test_more_slots_share_the_speed(fresh: Shared) -> None:
    simulator, client = fresh
    settings = {"model": SMALL, "runtime-flags": ["--parallel", "4"]}
    assert client.post("/engines/_configure", json=settings).status_code == 202
    wait_for(lambda: "n_slots = 4, n_ctx_slot = 2048" in log(client))
    alone = json.loads(simulator.send(endless(max_tokens=150)).result(20)[1])
    calls = [simulator.send(endless(max_tokens=150)) for _ in range(4)]
    for call in calls:
        timings = json.loads(call.result(20)[1])["timings"]
        assert timings["predicted_per_second"] < 0.9 * alone["timings"]["predicted_per_second"]
