"""Every fault once, as a client sees it; and that nothing else is hit."""

import json

import httpx
import pytest

from dmr_tui.simulator.http.faults import Fault
from tests.simulator.conftest import Shared
from tests.simulator.steps import CHAT, SMALL, chat, endless, records, wait_for

PS = "/engines/ps"


def test_a_fault_hits_its_path_as_often_as_it_says(warm: Shared) -> None:
    simulator, client = warm
    simulator.faults.add(Fault("status", PS, count=2, status=500, text="boom"))
    assert client.get("/engines/df").status_code == 200
    hit = [client.get(PS) for _ in range(3)]
    assert [answer.status_code for answer in hit] == [500, 500, 200]
    assert hit[0].text == "boom\n"


def test_a_fault_with_a_probability(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.faults.add(Fault("status", PS, probability=0.5))
    codes = [client.get(PS).status_code for _ in range(60)]
    assert 10 < codes.count(503) < 50
    simulator.faults.clear()
    assert client.get(PS).status_code == 200


def test_refused_on_arrival(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.faults.add(Fault("refuse", count=1))
    with httpx.Client(base_url=client.base_url) as another:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            another.get(PS)
        assert another.get(PS).status_code == 200


def test_not_listening(fresh: Shared) -> None:
    simulator, client = fresh
    with httpx.Client(base_url=client.base_url) as another:
        simulator.stop_listening()
        with pytest.raises(httpx.ConnectError):
            another.get(PS)
        simulator.listen_again()
        assert another.get(PS).status_code == 200


def test_hang(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.faults.add(Fault("hang", PS, count=1))
    with pytest.raises(httpx.ReadTimeout):
        client.get(PS, timeout=0.2)
    assert client.get(PS).status_code == 200


def test_slow_headers(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.faults.add(Fault("slow", PS, count=1, seconds=0.4))
    answer = client.get(PS)
    assert answer.elapsed.total_seconds() >= 0.4
    assert answer.json() == []


def test_html(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.faults.add(Fault("html", PS, count=1))
    answer = client.get(PS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


def test_garbage(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.faults.add(Fault("garbage", PS, count=1))
    answer = client.get(PS)
    assert answer.headers["content-type"] == "application/json"
    with pytest.raises(UnicodeDecodeError):
        answer.content.decode()


def test_wrong_types(fresh: Shared) -> None:
    simulator, client = fresh
    right = client.get("/engines/df").json()
    simulator.faults.add(Fault("wrong types", "/engines/df", count=1))
    wrong = client.get("/engines/df").json()
    assert wrong == {key: str(value) for key, value in right.items()}


def test_half_an_answer(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.faults.add(Fault("half", "/models", count=1))
    with client.stream("GET", "/models") as answer:
        assert int(answer.headers["content-length"]) > 1000
        parts: list[bytes] = []
        with pytest.raises(httpx.RemoteProtocolError):
            parts.extend(answer.iter_bytes())
    assert len(b"".join(parts)) == int(answer.headers["content-length"]) // 2


def test_reset_in_the_middle_of_a_stream(warm: Shared) -> None:
    simulator, client = warm
    simulator.faults.add(Fault("reset", CHAT, count=1, after=700))
    parts: list[bytes] = []
    with (
        pytest.raises(httpx.ReadError),
        client.stream("POST", CHAT, json=endless(stream=True)) as answer,
    ):
        parts.extend(answer.iter_bytes())
    assert 0 < len(b"".join(parts)) <= 700
    # For the runner that is a caller who left.
    wait_for(lambda: records(client, SMALL)[0]["status_code"] == 200)
    assert json.loads(records(client, SMALL)[0]["response"])["choices"][0]["finish_reason"] is None


def test_a_list_of_records_that_is_much_too_long(fresh: Shared) -> None:
    simulator, client = fresh
    simulator.faults.add(Fault("huge", "/engines/requests", count=1))
    answer = client.get("/engines/requests")
    assert len(answer.content) > 10_000_000
    assert {"id", "request", "status_code"} <= answer.json()[0]["records"][0].keys()
    assert client.get("/engines/requests").json() == []


def test_faults_leave_requests_inside_the_simulation_alone(warm: Shared) -> None:
    simulator, _ = warm
    simulator.faults.add(Fault("status"))
    assert simulator.send(chat(max_tokens=1)).result(10)[0] == 200
