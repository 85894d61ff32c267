"""The simulator against what real runners answered, request by request."""

import json
import re
from collections.abc import Callable

import httpx
import pytest

from dmr_tui.simulator.server import Simulator
from tests.recorded import Exchange, recorded
from tests.simulator.conftest import Serve, Shared
from tests.simulator.likeness import chunks, events, family, outline, renamed, shape
from tests.simulator.steps import OTHER, SMALL, keep_busy, wait_for

Prepare = Callable[[Simulator, httpx.Client], None]


def replay(client: httpx.Client, exchange: Exchange) -> httpx.Response:
    """The recorded request, sent again with the simulation's models."""
    request = renamed(exchange.request)
    body = request.get("body")
    content = body if isinstance(body, str) else json.dumps(body) if body is not None else None
    headers = request.get("headers", {})
    return client.request(request["method"], request["path"], content=content, headers=headers)


def assert_alike(answer: httpx.Response, exchange: Exchange) -> None:
    """Same status, same type of content; the same text, or JSON of the same shape."""
    assert answer.status_code == exchange.response["status"], answer.text
    kind = exchange.response["headers"].get("content-type")
    assert answer.headers.get("content-type") == kind
    if kind is not None and "json" in kind:
        assert answer.text.endswith("\n") == exchange.body.endswith("\n")
        assert shape(answer.json()) == shape(renamed(exchange.json))
    else:
        # Some recordings have lost the line feed at the end, but not the length with it.
        assert answer.text.rstrip("\n") == renamed(exchange.body).rstrip("\n")
        length = exchange.response["headers"].get("content-length")
        if length is not None and renamed(exchange.body) == exchange.body:
            assert answer.headers["content-length"] == length


def nothing(simulator: Simulator, client: httpx.Client) -> None:
    """A runner that has just been started."""


def loaded(simulator: Simulator, client: httpx.Client) -> None:
    simulator.load(SMALL)


def both_loaded(simulator: Simulator, client: httpx.Client) -> None:
    loaded(simulator, client)
    simulator.load(OTHER)


def loaded_by_digest(simulator: Simulator, client: httpx.Client) -> None:
    simulator.load(client.get(f"/models/{SMALL}").json()["id"])


def one_busy(simulator: Simulator, client: httpx.Client) -> None:
    both_loaded(simulator, client)
    keep_busy(simulator, client, OTHER)


def configured(simulator: Simulator, client: httpx.Client) -> None:
    loaded(simulator, client)
    settings = {"model": OTHER, "context-size": 2048, "keep_alive": "90s"}
    assert client.post("/engines/_configure", json=settings).status_code == 202


def two_modes(simulator: Simulator, client: httpx.Client) -> None:
    simulator.load(OTHER, "embedding")


ANSWERS: tuple[tuple[str, Prepare], ...] = (
    ("root", nothing),
    ("version", nothing),
    ("status", nothing),
    ("df", nothing),
    ("models", nothing),
    ("openai-models", nothing),
    ("model-inspect", nothing),
    ("model-missing", nothing),
    ("slots", nothing),
    ("props", nothing),
    ("ps-empty", nothing),
    ("ps-running", loaded),
    ("ps-after", both_loaded),
    ("ps-busy", one_busy),
    ("ps-two-modes", two_modes),
    ("requests-empty", nothing),
    ("metrics-by-tag", loaded),
    ("metrics-busy", one_busy),
    ("configure-empty", nothing),
    ("configure-set", nothing),
    ("configure-show-after", configured),
    ("configure-bad", nothing),
    ("configure-busy", one_busy),
    ("configure-missing-model", nothing),
    ("unload-all", loaded),
    ("unload-busy", one_busy),
    ("chat-json", loaded),
    ("chat-v1-alias", loaded),
    ("chat-llamacpp-path", loaded),
    ("chat-bad-json", nothing),
    ("chat-no-model", nothing),
    ("chat-missing-model", nothing),
    ("chat-bad-backend", nothing),
    ("chat-origin", nothing),
    ("chat-after-configure", configured),
    ("preload", nothing),
    ("embeddings", nothing),
    ("embeddings-wrong-mode", nothing),
    ("pull-missing", nothing),
    ("delete-missing", nothing),
)


@pytest.mark.parametrize(("name", "prepare"), ANSWERS, ids=[name for name, _ in ANSWERS])
def test_answer_of_v1_2_6(shared: Shared, name: str, prepare: Prepare) -> None:
    simulator, client = shared
    simulator.restart()
    prepare(simulator, client)
    exchange = recorded(f"v1.2.6/{name}")
    assert_alike(replay(client, exchange), exchange)


@pytest.mark.parametrize("version", ["v1.0.12", "v1.1.20"])
@pytest.mark.parametrize(
    "name",
    [
        "root", "version", "status", "df", "models", "logs", "metrics", "configure-empty",
        "ps-empty", "requests-empty", "chat-missing-model", "pull-missing", "preload",
    ],
)  # fmt: skip
def test_answer_of_an_older_version(served: Serve, version: str, name: str) -> None:
    simulator, client = served("quiet", version=version)
    simulator.unload_all()
    exchange = recorded(f"{version}/{name}")
    assert_alike(replay(client, exchange), exchange)


@pytest.mark.parametrize("version", ["v1.0.12", "v1.1.20"])
def test_records_and_status_of_an_older_version(served: Serve, version: str) -> None:
    simulator, client = served("quiet", version=version)
    simulator.unload_all()
    if version == "v1.0.12":
        # It does not know preloading, and generates.
        replay(client, recorded(f"{version}/preload"))
    chat = recorded(f"{version}/chat")
    assert outline(chunks(replay(client, chat).text)) == outline(chunks(chat.body))
    for name in ("ps-running", "requests", "unload"):
        exchange = recorded(f"{version}/{name}")
        assert_alike(replay(client, exchange), exchange)


def test_the_old_scenario_is_an_old_version(served: Serve) -> None:
    _, client = served("old")
    assert client.get("/version").status_code == 404
    assert client.get("/engines/status").json()["llama.cpp"].startswith("running llama.cpp")


@pytest.mark.parametrize("name", ["chat-stream-cold", "chat-stream-timings"])
def test_stream(served: Serve, name: str) -> None:
    simulator, client = served("quiet")
    simulator.unload_all()
    exchange = recorded(f"v1.2.6/{name}")
    answer = replay(client, exchange)
    assert answer.headers["content-type"] == exchange.response["headers"]["content-type"]
    assert answer.headers["transfer-encoding"] == "chunked"
    assert outline(chunks(answer.text)) == outline(chunks(exchange.body))


def test_records_have_the_recorded_shapes(served: Serve) -> None:
    simulator, client = served("quiet")
    simulator.unload_all()
    streamed = ("chat-stream-cold", "chat-stream-timings")
    for name in (*streamed, "chat-json", "chat-llamacpp-path", "chat-v1-alias"):
        replay(client, recorded(f"v1.2.6/{name}"))
    exchange = recorded("v1.2.6/requests")
    assert_alike(replay(client, exchange), exchange)


def test_existing_records_come_before_the_feed_is_connected(served: Serve) -> None:
    simulator, client = served("quiet")
    simulator.unload_all()
    for name in ("chat-stream-cold", "chat-json"):
        replay(client, recorded(f"v1.2.6/{name}"))
    exchange = recorded("v1.2.6/requests-sse")
    got = []
    with client.stream(
        "GET", exchange.request["path"], headers=exchange.request["headers"]
    ) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["cache-control"] == "no-cache"
        for text in answer.iter_text():
            got += events(text)
            if got[-1][0] == "connected":
                break
    want = events(exchange.body)
    assert [name for name, _ in got] == ["existing_request", "existing_request", "connected"]
    assert {shape(data) for _, data in got[:2]} <= {shape(data) for _, data in want}
    assert got[2] == events(recorded("v1.2.6/requests-sse-live").body)[0]


def test_new_requests_name_what_the_caller_wrote(served: Serve) -> None:
    simulator, client = served("quiet")
    simulator.load(SMALL)
    want = {name: shape(data) for name, data in events(recorded("v1.2.6/requests-sse-live").body)}
    with client.stream("GET", "/engines/requests", headers={"Accept": "text/event-stream"}) as feed:
        text = feed.iter_text()
        assert events(next(text))[0][0] == "connected"
        body = {"model": SMALL, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}
        simulator.send(body, headers={"user-agent": "n8n/1.99"}).result(10)
        name, data = events(next(text))[0]
    assert name == "new_request"
    assert data[0]["model"] == SMALL
    assert shape(data) == want["new_request"]


@pytest.mark.parametrize("name", ["load-oom", "preload-oom"])
def test_out_of_memory(served: Serve, name: str) -> None:
    simulator, client = served("quiet")
    simulator.unload_all()
    exchange = recorded(f"v1.2.6/{name}")
    request = exchange.request
    # At its packaged context this model's cache is 20 GiB.
    body = {**request["body"], "model": "ai/mistral-nemo:12B-Q4_K_M"}
    answer = client.post(request["path"], json=body, headers=request.get("headers", {}))
    size = re.compile(r"allocating \d+\.\d\d MiB")
    assert answer.status_code == exchange.response["status"]
    assert size.sub("", answer.text) == size.sub("", exchange.body)
    log = client.get("/logs").text
    for line in (
        'msg="main: exiting due to model loading error"',
        'level=WARN msg="Backend runner initialization failed" backend=llama.cpp',
        'level=WARN msg="Backend running model exited with error" backend=llama.cpp',
    ):
        assert line in log
    for after in ("ps-after-oom", "requests-after-oom"):
        assert_alike(
            client.get(recorded(f"v1.2.6/{after}").request["path"]), recorded(f"v1.2.6/{after}")
        )


def test_context_overflow(served: Serve) -> None:
    simulator, client = served("quiet")
    simulator.load(SMALL)
    exchange = recorded("v1.2.6/chat-ctx-overflow")
    body = {"model": SMALL, "messages": [{"role": "user", "content": "word " * 20_000}]}
    answer = client.post("/engines/v1/chat/completions", json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == exchange.response["headers"]["content-type"]
    assert shape(answer.json()) == shape(exchange.json)
    error = answer.json()["error"]
    assert error["n_prompt_tokens"] > error["n_ctx"] == 8192
    assert error["message"] == (
        f"request ({error['n_prompt_tokens']} tokens) exceeds the available context size "
        "(8192 tokens), try increasing it"
    )


def test_metrics_are_there_only_for_a_digest(served: Serve) -> None:
    simulator, client = served("quiet")
    loaded_by_digest(simulator, client)
    exchange = recorded("v1.2.6/metrics-by-digest")
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == exchange.response["headers"]["content-type"]
    names = set(re.findall(r"^(llamacpp:\w+)\{", answer.text, re.M))
    assert names
    assert names <= set(re.findall(r"^(llamacpp:\w+)\{", exchange.body, re.M))


@pytest.mark.parametrize("plain", [True, False])
def test_pull(served: Serve, plain: bool) -> None:
    _, client = served("quiet")
    new, again = ("pull-plain", "pull-plain") if plain else ("pull-progress", "pull-again")
    headers = {} if plain else {"Accept": "application/json"}
    for body, exchange in (
        ({"from": "ai/qwen3:0.6B-Q4_K_M"}, recorded(f"v1.2.6/{new}")),
        ({"from": "ai/qwen3:0.6B-Q4_K_M"}, recorded(f"v1.2.6/{again}")),
    ):
        answer = client.post("/models/create", json=body, headers=headers)
        assert answer.status_code == 200
        for name in ("content-type", "cache-control"):
            assert answer.headers[name] == exchange.response["headers"][name]
        lines = answer.text.splitlines()
        want = exchange.body.splitlines()
        if plain:
            assert re.sub("[0-9.]+MiB", "", lines[-1]).startswith("{&#34;type&#34;:&#34;success")
        else:
            got = [json.loads(line) for line in lines]
            assert outline(got) == outline([json.loads(line) for line in want])
    assert "Using cached model: " in answer.text


def test_a_model_that_is_there_comes_under_its_other_name_at_once(served: Serve) -> None:
    _, client = served("quiet")

    def tags() -> dict[str, list[str]]:
        return {each["id"]: each["tags"] for each in client.get("/models").json()}

    there = tags()
    looked_up = client.get("/models/ai/gemma3", params={"remote": "true"}).json()
    assert "docker.io/ai/gemma3:4B-Q4_K_M" in there[looked_up["id"]]
    answer = client.post("/models/create", json={"from": "ai/gemma3"})
    assert "Using cached model: " in answer.text
    assert tags() == {
        **there,
        looked_up["id"]: ["docker.io/ai/gemma3:4B-Q4_K_M", "docker.io/ai/gemma3:latest"],
    }
    client.post("/models/create", json={"from": "ai/gemma3:4B-Q4_K_M"})
    assert tags()[looked_up["id"]][-1] == "docker.io/ai/gemma3:latest", "each name keeps its place"
    client.post("/models/create", json={"from": looked_up["id"]})
    assert len(tags()[looked_up["id"]]) == 2, "a digest is no name"


def test_log_lines_have_recorded_forms(served: Serve) -> None:
    simulator, client = served("quiet", cpus=2)
    simulator.unload_all()
    replay(client, recorded("v1.2.6/chat-stream-cold"))
    replay(client, recorded("v1.2.6/chat-json"))
    replay(client, recorded("v1.2.6/chat-missing-model"))
    test_body = {"model": SMALL, "messages": [{"role": "user", "content": "word " * 9000}]}
    client.post("/engines/v1/chat/completions", json=test_body)
    one_left = simulator.send({**test_body, "messages": [], "ignore_eos": True})
    wait_for(lambda: "in_use" in client.get("/engines/ps").text)
    replay(client, recorded("v1.2.6/unload-busy"))
    one_left.cancel()
    wait_for(lambda: "in_use" not in client.get("/engines/ps").text)
    simulator.load(OTHER)
    replay(client, recorded("v1.2.6/configure-set"))
    wait_for(lambda: client.get("/engines/ps").text.count("last_used") == 2)
    replay(client, recorded("v1.2.6/configure-missing-model"))
    replay(client, recorded("v1.2.6/embeddings-wrong-mode"))
    replay(client, recorded("v1.2.6/models"))
    want = {family(line) for line in recorded("v1.2.6/logs-follow").body.splitlines()}
    got = {family(line) for line in client.get("/logs").text.splitlines()}
    # The recording ends just before these two.
    want |= {line for line in got if "Evicted runner(s)" in line or "--embeddings" in line}
    assert got - want == set()
    for telling in (
        "Evicting to make room", "Evicted runner(s)", "Removed records", "Configuring runner",
        "backend args", "n_ctx_slot", "model loaded", "listening on unix", "launch_slot_",
        "print_timing", "release:", "cancel task", "send_error", "n_past was set",
        "Listing available models", "failed to get model", "preload failed", "No unused runner",
    ):  # fmt: skip
        assert any(telling in each for each in got), telling


def test_pulled_model_answers_and_a_deleted_one_does_not(served: Serve) -> None:
    _, client = served("quiet")
    name = "ai/qwen3:0.6B-Q4_K_M"
    body = {"model": name, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 3}
    chat = "/engines/v1/chat/completions"
    assert client.post(chat, json=body).status_code == 404
    client.post("/models/create", json={"from": name})
    assert client.post(chat, json=body).status_code == 200
    assert client.delete(f"/models/{name}").status_code == 200
    assert client.post(chat, json=body).status_code == 404


def test_delete(served: Serve) -> None:
    _, client = served("quiet")
    exchange = recorded("v1.2.6/delete-multi")
    assert_alike(replay(client, exchange), exchange)
    assert OTHER not in client.get("/models").text


def test_tag(served: Serve) -> None:
    _, client = served("quiet")
    missing = client.post(f"/models/{SMALL}/tag")
    assert (missing.status_code, missing.text) == (400, "missing repo or tag query parameter\n")
    done = client.post(f"/models/{SMALL}/tag", params={"repo": "mine", "tag": "one"})
    assert done.status_code == 201
    assert client.get("/models/mine:one").json()["tags"] == [
        f"docker.io/{SMALL}",
        "docker.io/ai/mine:one",
    ]
