"""A real llama.cpp behind the simulated runner."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dmr_tui.simulator.engine.upstream import NoEngine, _Chunks
from dmr_tui.simulator.server import Simulator, serve
from tests.real_engine import real_engine
from tests.simulator.likeness import chunks
from tests.simulator.steps import (
    CHAT,
    chat,
    endless,
    hang_up,
    log,
    records,
    rows,
    wait_for,
)

ROOT = Path(__file__).parents[2]
REAL = "ai/tiny-random:latest"


@pytest.fixture(scope="module")
def engine_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("engine")
    with real_engine(folder, context=2048, embedding=128, blocks=4) as url:
        yield url


@pytest.fixture
def proxy(engine_url: str) -> Iterator[tuple[Simulator, httpx.Client]]:
    simulator = Simulator(engine_url=engine_url)
    with serve(simulator) as url, httpx.Client(base_url=url, timeout=20) as client:
        yield simulator, client


def test_the_catalogue_shows_the_real_model(proxy: tuple[Simulator, httpx.Client]) -> None:
    _, client = proxy
    (model,) = client.get("/models").json()
    assert model["tags"] == [f"docker.io/{REAL}"]
    assert model["config"]["context_size"] == 2048
    assert list(rows(client)) == [REAL]
    assert "n_slots = 1, n_ctx_slot = 2048" in log(client)


def test_answers_are_the_engines_and_the_records_ours(
    proxy: tuple[Simulator, httpx.Client], engine_url: str
) -> None:
    _, client = proxy
    body = chat("tiny-random", "hello", max_tokens=20, temperature=0, seed=1)
    through = client.post(CHAT, json=body).json()
    direct = httpx.post(f"{engine_url}/v1/chat/completions", json=body).json()
    assert through["choices"] == direct["choices"]
    streamed = client.post("/v1/chat/completions", json={**body, "stream": True})
    text = "".join(
        part["choices"][0]["delta"].get("content") or "" for part in chunks(streamed.text)[:-1]
    )
    assert text == direct["choices"][0]["message"]["content"]
    kept = records(client, REAL)
    assert [record["status_code"] for record in kept] == [200, 200]
    assert all("timings" in json.loads(record["response"]) for record in kept)
    assert [record["url"] for record in kept] == [CHAT, CHAT]
    assert log(client).count("prompt eval time") == 2


def test_refusals_of_the_engine_pass_through(proxy: tuple[Simulator, httpx.Client]) -> None:
    _, client = proxy
    answer = client.post(CHAT, json=chat(REAL, "word " * 9000))
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "exceed_context_size_error"
    assert client.post(CHAT, json=chat("ai/nope")).status_code == 404


def test_rate_through_the_proxy_is_the_engines(proxy: tuple[Simulator, httpx.Client]) -> None:
    _, client = proxy
    # Measured in a process of its own: a caller does not share the runner's interpreter.
    code = (
        "import httpx, json, sys\n"
        "from tests.simulator.steps import measured_rate\n"
        "while body := sys.stdin.readline():\n"
        "    print(*measured_rate(httpx.URL(sys.argv[1]), json.loads(body)), flush=True)"
    )
    command = [sys.executable, "-c", code, str(client.base_url)]
    caller = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert caller.stdin is not None
        assert caller.stdout is not None
        # Other work on the computer may take one run's processor time, hardly that of all.
        for _ in range(8):
            caller.stdin.write(json.dumps(endless(REAL, max_tokens=1500)) + "\n")
            caller.stdin.flush()
            engine, seen = map(float, caller.stdout.readline().split())
            if abs(seen / engine - 1) < 0.01:
                return
        pytest.fail(f"{seen:.1f} tokens a second arrived, {engine:.1f} were made")
    finally:
        caller.kill()
        caller.communicate()


def test_hanging_up_reaches_the_engine(
    proxy: tuple[Simulator, httpx.Client], engine_url: str
) -> None:
    _, client = proxy
    hang_up(client, endless(REAL, max_tokens=1900, stream=True), b'"content":"')
    wait_for(lambda: records(client, REAL)[0]["status_code"] == 200)
    answer = json.loads(records(client, REAL)[0]["response"])
    assert answer["choices"][0]["finish_reason"] is None
    assert "cancel task" in log(client)
    started = time.monotonic()
    # With its one slot still taken the engine would have to finish first.
    short = {"prompt": "a", "max_tokens": 1}
    assert httpx.post(f"{engine_url}/v1/completions", json=short).is_success
    assert time.monotonic() - started < 1.0


def test_an_engine_that_is_gone(tmp_path: Path) -> None:
    with real_engine(tmp_path) as url:
        simulator = Simulator(engine_url=url)
    with serve(simulator) as runner, httpx.Client(base_url=runner, timeout=20) as client:
        answer = client.post(CHAT, json=chat(REAL))
        assert answer.status_code == 500
        assert answer.json()["type"] == "error"
    with pytest.raises(NoEngine, match="llama-server"):
        Simulator(engine_url=url)


def test_chunks_may_be_cut_anywhere() -> None:
    body = b"5\r\nhello\r\n1;x=y\r\n \r\n6\r\nwo\r\nld\r\n0\r\n\r\n"
    for size in range(1, len(body)):
        taken = _Chunks()
        parts = [taken.feed(body[start : start + size]) for start in range(0, len(body), size)]
        assert b"".join(parts) == b"hello wo\r\nld"
        assert taken.ended
