"""Loading, sharing, keeping and evicting models."""

import time

import pytest

from tests.simulator.conftest import Serve, Shared
from tests.simulator.steps import (
    CHAT,
    EMBEDDER,
    GEMMA,
    OTHER,
    QWEN,
    SMALL,
    chat,
    log,
    records,
    rows,
    wait_for,
)


def test_ps_has_no_order(fresh: Shared) -> None:
    simulator, client = fresh
    for name in (SMALL, OTHER, GEMMA, EMBEDDER):
        simulator.load(name)
    orders = {tuple(rows(client)) for _ in range(40)}
    assert len(orders) > 1
    assert {frozenset(order) for order in orders} == {frozenset((SMALL, OTHER, GEMMA, EMBEDDER))}


def test_names_resolve_to_one_runner_that_keeps_the_first_name(fresh: Shared) -> None:
    _, client = fresh
    digest = client.get(f"/models/{SMALL}").json()["id"]
    alias = f"index.docker.io/{SMALL}"
    names = ("smollm2:360M-Q4_K_M", f"docker.io/{SMALL}", digest, digest[7:19], alias)
    for name in names:
        answer = client.post(CHAT, json=chat(name, max_tokens=1))
        assert answer.status_code == 200, name
    assert list(rows(client)) == ["smollm2:360M-Q4_K_M"]
    assert [record["model"] for record in records(client, SMALL)] == list(names)


@pytest.mark.parametrize("name", ["ai/smollm2", "smollm2:360m-q4_k_m", "sha256:0123456789ab"])
def test_names_that_resolve_to_nothing(fresh: Shared, name: str) -> None:
    assert fresh[1].post(CHAT, json=chat(name)).status_code == 404


def test_a_load_takes_its_time_in_half_seconds(fresh: Shared) -> None:
    simulator, client = fresh
    started = time.monotonic()
    call = simulator.send(chat(GEMMA, max_tokens=1))
    wait_for(lambda: GEMMA in rows(client))
    loading = rows(client)[GEMMA]
    assert loading["loading"] is True
    assert loading["last_used"] == "0001-01-01T00:00:00Z"
    assert "in_use" not in loading
    assert call.result(10)[0] == 200
    assert 2.0 <= time.monotonic() - started < 3.5
    assert "loading" not in rows(client)[GEMMA]


def test_hanging_up_aborts_the_load(fresh: Shared) -> None:
    simulator, client = fresh
    call = simulator.send(chat(GEMMA, max_tokens=1))
    wait_for(lambda: GEMMA in rows(client))
    call.cancel()
    wait_for(lambda: GEMMA not in rows(client))
    assert 'error="context canceled"' in log(client)
    assert records(client, GEMMA) == []


def test_two_callers_share_one_load(fresh: Shared) -> None:
    simulator, client = fresh
    calls = [simulator.send(chat(OTHER, max_tokens=2)) for _ in range(2)]
    assert [call.result(10)[0] for call in calls] == [200, 200]
    assert log(client).count('msg="backend args"') == 1


def test_a_full_runner_evicts_all_that_is_idle(served: Serve) -> None:
    simulator, client = served("quiet", cpus=2)
    simulator.unload_all()
    third = "hf.co/bartowski/Llama-3.2-1B-Instruct-GGUF:Q6_K"
    simulator.load(SMALL)
    simulator.load(OTHER)
    assert client.post(CHAT, json=chat(third, max_tokens=1)).status_code == 200
    assert list(rows(client)) == [third]
    assert "Evicting to make room" in log(client)


def test_embeddings_of_a_chat_model_start_a_second_runner(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.load(SMALL)
    answer = client.post("/engines/v1/embeddings", json={"model": SMALL, "input": "x"})
    assert answer.status_code == 400
    assert sorted(r["mode"] for r in client.get("/engines/ps").json()) == [
        "completion",
        "embedding",
    ]


@pytest.mark.parametrize("keep_alive", ["0", "300ms"])
def test_keep_alive_unloads(fresh: Shared, keep_alive: str) -> None:
    _, client = fresh
    settings = {"model": SMALL, "keep_alive": keep_alive}
    assert client.post("/engines/_configure", json=settings).status_code == 202
    wait_for(lambda: "Evicting backend runner" in log(client))
    assert rows(client) == {}
    assert records(client, SMALL) == []


@pytest.mark.parametrize(
    ("given", "shown"),
    [("90s", "1m30s"), ("-1", "-1"), ("-5m", "-1"), ("1h", "1h0m0s"), ("1.5s", "1.5s")],
)
def test_keep_alive_is_normalised(fresh: Shared, given: str, shown: str) -> None:
    simulator, client = fresh
    simulator.load(SMALL)
    client.post("/engines/_configure", json={"model": SMALL, "keep_alive": given})
    assert client.get("/engines/_configure").json()[0]["Config"] == {"keep_alive": shown}
    wait_for(lambda: "last_used" in rows(client).get(SMALL, {}))
    assert rows(client)[SMALL].get("keep_alive", shown) == shown


def test_configuring_reloads_with_the_new_context(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.load(SMALL)
    client.post(CHAT, json=chat(max_tokens=2))
    assert client.post(
        "/engines/_configure", json={"model": SMALL, "context-size": 1024}
    ).is_success
    assert records(client, SMALL) == []
    wait_for(lambda: "n_ctx_slot = 1024" in log(client))
    wait_for(lambda: not rows(client)[SMALL].get("loading"))
    too_long = client.post(CHAT, json=chat(text="word " * 1500))
    assert too_long.json()["error"]["n_ctx"] == 1024


def test_unloading_everything_forgets_configurations(fresh: Shared) -> None:
    _, client = fresh
    client.post("/engines/_configure", json={"model": SMALL, "context-size": 1024})
    wait_for(lambda: bool(rows(client)) and not rows(client)[SMALL].get("loading"))
    assert client.post("/engines/unload", json={"all": True}).json() == {"unloaded_runners": 1}
    assert client.get("/engines/_configure").json() == []


def test_memory_runs_out_and_is_given_back(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.load("ai/phi4:14B-Q4_K_M")
    simulator.load(QWEN)
    refused = client.post(CHAT, json=chat(GEMMA, max_tokens=1))
    assert refused.status_code == 500
    assert "not enough GPU memory to load the model (CUDA)" in refused.text
    client.post("/engines/unload", json={"models": ["ai/phi4:14B-Q4_K_M"]})
    assert client.post(CHAT, json=chat(GEMMA, max_tokens=1)).status_code == 200
