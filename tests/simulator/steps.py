"""The steps of these tests: requests to a simulated runner, and a look at what they change."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from dmr_tui.simulator.server import Simulator

SMALL, OTHER = "ai/smollm2:360M-Q4_K_M", "ai/llama3.2:1B-Q8_0"
GEMMA = "ai/gemma3:4B-Q4_K_M"
QWEN = "ai/qwen3:8B-Q4_K_M"
EMBEDDER = "ai/nomic-embed-text-v1.5:F16"
CHAT = "/engines/v1/chat/completions"


def chat(model: str = SMALL, text: str = "go on", **options: Any) -> dict[str, Any]:
    """The body of a chat."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **options}


def endless(model: str = SMALL, **options: Any) -> dict[str, Any]:
    """A chat whose answer goes on until it is stopped."""
    return chat(model, ignore_eos=True, **{"max_tokens": 5000, **options})


def rows(client: httpx.Client) -> dict[str, dict[str, Any]]:
    """The rows of `/engines/ps` by the name in the request that loaded them."""
    return {row["model_name"]: row for row in client.get("/engines/ps").json()}


def records(client: httpx.Client, model: str) -> list[dict[str, Any]]:
    """The records of one model."""
    groups = client.get("/engines/requests", params={"model": model}).json()
    return [record for group in groups for record in group["records"]]


def log(client: httpx.Client) -> str:
    """The whole log."""
    return client.get("/logs").text


def keep_busy(simulator: Simulator, client: httpx.Client, model: str) -> None:
    """Let another client's request generate for as long as the test lasts."""
    simulator.send(endless(model))
    wait_for(lambda: any(row.get("in_use") for row in client.get("/engines/ps").json()))


def drain(parts: Iterator[Any]) -> None:
    """Read to the end, whatever end that is."""
    for _ in parts:
        pass


def wait_for(fact: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until `fact` holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def hang_up(client: httpx.Client, body: dict[str, Any], after: bytes) -> None:
    """Send a request over a socket of its own, and close it once `after` has come."""
    content = json.dumps(body).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
    address = (client.base_url.host, client.base_url.port or 80)
    with socket.create_connection(address) as caller:
        caller.sendall(head.encode() + content)
        got = b""
        if not after:
            wait_for(lambda: bool(records(client, body["model"])))
        while after not in got:
            got += caller.recv(65536)


def measured_rate(url: httpx.URL, body: dict[str, Any]) -> tuple[float, float]:
    """Tokens a second of a stream: what its timings say, what arrived."""
    options = {"stream": True, "stream_options": {"include_usage": True}}
    content = json.dumps({**body, **options}).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n"
    data, stamps = b"", []
    with socket.create_connection((url.host, url.port or 80)) as caller:
        caller.sendall(head.encode() + content)
        while b"[DONE]" not in data[-200:]:
            part = caller.recv(65536)
            now = time.perf_counter()
            assert part
            stamps += [now] * part.count(b'"content":"')
            data += part
    timings = json.JSONDecoder().raw_decode(data.decode().rpartition('"timings":')[2])[0]
    steps = timings["predicted_n"] - 1
    return 1000 * steps / timings["predicted_ms"], steps / (stamps[-1] - stamps[0])
