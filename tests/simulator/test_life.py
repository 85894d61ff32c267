"""Restarts, dying engines, the log, starting and ending."""

import contextlib
import json
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from dmr_tui.simulator.server import Simulator, serve
from tests.simulator.conftest import Shared
from tests.simulator.steps import (
    CHAT,
    SMALL,
    chat,
    drain,
    endless,
    log,
    records,
    rows,
    wait_for,
)


def test_restart_loses_everything_but_the_models(warm: Shared) -> None:
    simulator, client = warm
    client.post(CHAT, json=chat(max_tokens=1))
    installed = client.get("/models").json()
    with (
        client.stream("GET", "/engines/requests", headers={"Accept": "text/event-stream"}) as feed,
        client.stream("GET", "/logs", params={"follow": "true"}) as follow,
    ):
        texts = [feed.iter_text(), follow.iter_text()]
        for text in texts:
            next(text)
        simulator.restart()
        for text in texts:
            with pytest.raises(httpx.RemoteProtocolError):
                drain(text)
    assert client.get("/engines/ps").json() == []
    assert client.get("/engines/requests").json() == []
    assert "Loading backend runner" not in log(client)
    assert client.get("/models").json() == installed


def test_an_engine_that_dies_breaks_the_stream(warm: Shared) -> None:
    simulator, client = warm
    with client.stream("POST", CHAT, json=endless(stream=True)) as stream:
        parts = stream.iter_bytes()
        next(parts)
        simulator.kill_engine(SMALL)
        with pytest.raises(httpx.RemoteProtocolError):
            drain(parts)
    wait_for(lambda: rows(client) == {})
    assert "terminated unexpectedly" in log(client)
    assert client.post(CHAT, json=chat(max_tokens=1)).status_code == 200


def test_an_engine_that_dies_fails_a_whole_answer(warm: Shared) -> None:
    simulator, client = warm
    call = simulator.send(endless())
    wait_for(lambda: bool(records(client, SMALL)))
    simulator.kill_engine(SMALL)
    status, body = call.result(10)
    assert status == 500
    assert json.loads(body)["type"] == "error"


def test_following_the_log(fresh: Shared) -> None:
    _, client = fresh
    with client.stream("GET", "/logs", params={"follow": "true"}) as follow:
        parts = follow.iter_bytes()
        got = next(parts)
        client.get("/models/ai/missing")
        while b"reference=ai/missing\n" not in got:
            got += next(parts)
    assert got == client.get("/logs").content[: len(got)]
    without = client.get("/logs", params={"follow": "false", "no-engines": "true"}).text
    assert " I srv" not in without
    assert client.get("/logs?follow=maybe").text == (
        'invalid follow parameter: "maybe" is not a valid boolean\n'
    )


def test_a_follower_that_leaves_takes_the_new_lines_of_all_others_along(fresh: Shared) -> None:
    simulator, client = fresh
    with client.stream("GET", "/logs", params={"follow": "true"}) as first:
        next(first.iter_bytes())
    client.get("/models/ai/missing")
    with client.stream("GET", "/logs", params={"follow": "true"}) as second:
        parts = second.iter_bytes()
        got = next(parts)
        while b"reference=ai/missing\n" not in got:
            got += next(parts)
        client.get("/models/ai/absent")
        assert b"ai/absent" in client.get("/logs").content, "the old lines always come"
        simulator.restart()
        with contextlib.suppress(httpx.RemoteProtocolError):
            for part in parts:
                got += part
    assert b"ai/absent" not in got


def test_serving_leaves_nothing_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    path = str(tmp_path / "runner.sock")
    read: list[bytes] = []

    def follow() -> None:
        transport = httpx.HTTPTransport(uds=path)
        with (
            httpx.Client(transport=transport, base_url="http://runner", timeout=20) as client,
            client.stream("GET", "/logs?follow=true") as answer,
        ):
            read.extend(answer.iter_bytes())

    def follow_to_the_end() -> None:
        with contextlib.suppress(httpx.TransportError):
            follow()

    reader = threading.Thread(target=follow_to_the_end)
    with serve(Simulator("workflow"), uds=path) as url:
        assert url == f"unix://{path}"
        reader.start()
        wait_for(lambda: bool(read) or not reader.is_alive())
        started = time.monotonic()
    assert time.monotonic() - started < 1.0
    reader.join(5)
    assert set(threading.enumerate()) == before
    with pytest.raises(httpx.ConnectError):
        follow()


def test_it_can_be_served_again() -> None:
    simulator = Simulator("quiet")
    for _ in range(2):
        with serve(simulator) as url:
            assert httpx.post(f"{url}{CHAT}", json=chat(max_tokens=1)).status_code == 200
            assert httpx.get(f"{url}/engines/ps").json()


def test_steering_before_it_is_served() -> None:
    simulator = Simulator("quiet")
    assert simulator.unload_all() == 1
    simulator.load(SMALL)
    with serve(simulator) as url:
        assert [row["model_name"] for row in httpx.get(f"{url}/engines/ps").json()] == [SMALL]


def test_address_taken(fresh: Shared) -> None:
    port = urlsplit(str(fresh[1].base_url)).port
    with pytest.raises(OSError, match="in use"), serve(Simulator(), port=port or 0):
        pytest.fail("two servers on one port")


def test_unknown_scenario_and_version() -> None:
    with pytest.raises(ValueError, match="there are quiet"):
        Simulator("nowhere")
    with pytest.raises(ValueError, match="not a version"):
        Simulator(version="new")
