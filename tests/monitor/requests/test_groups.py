"""Calls by caller and by model."""

from dataclasses import replace

import pytest

from dmr_tui.monitor.archive.selection import matches
from dmr_tui.monitor.requests.groups import by_caller, by_model
from dmr_tui.runner.request import Request, Slower
from dmr_tui.runner.wire import Timings
from dmr_tui.state.request_filter import RequestFilter

CALL = Request(
    id="a_1",
    model="ai/qwen3:8B",
    digest=None,
    api="OpenAI chat",
    caller="LangChain JS (n8n AI nodes)",
    started_at=100.0,
    outcome="ok",
    status=200,
    finished_at=103.0,
    prompt_tokens=400,
    cached_tokens=300,
    completion_tokens=101,
    timings=Timings(prompt_n=100, prompt_ms=500.0, predicted_n=101, predicted_ms=2000.0),
    streamed=True,
)
CALLS = [
    CALL,
    replace(CALL, id="a_2", outcome="failed", timings=None, completion_tokens=None),
    replace(CALL, id="a_3", outcome="client left", timings=None, tries=3),
    replace(CALL, id="a_4", caller="curl", load_s=12.0, finished_at=104.0),
    replace(CALL, id="b_5", caller="curl", model="docker.io/ai/phi4:latest"),
]


def test_by_caller() -> None:
    n8n, curl = by_caller(CALLS, {"LangChain JS (n8n AI nodes)": "orders"})
    assert (n8n.name, n8n.requests, n8n.failed, n8n.left, n8n.retried, n8n.cold) == (
        *("orders", 3, 1, 1, 1, 0),
    )
    assert (curl.name, curl.requests, curl.cold, curl.last_at) == ("curl", 2, 1, 104.0)
    assert n8n.decode is not None
    assert n8n.decode.p50 == 50.0
    assert n8n.prefill is not None
    assert n8n.prefill.p50 == 200.0
    assert n8n.ttft is not None
    assert n8n.ttft.p50 == pytest.approx(1.0)
    assert n8n.cache_share == 0.75


def test_two_names_of_one_caller_are_one_group() -> None:
    names = {"LangChain JS (n8n AI nodes)": "shop", "curl": "shop"}
    (shop,) = by_caller(CALLS, names)
    assert shop.requests == 5


def test_by_model() -> None:
    qwen, phi = by_model(CALLS)
    assert (qwen.name, phi.name) == ("qwen3:8B", "phi4")
    assert qwen.combined_rate == 100.0, "two of them decoded at once"
    assert phi.combined_rate is None


def test_a_model_that_became_slow_is_marked() -> None:
    slow = Slower(50.0, 0.5, concurrent=2)
    calls = [replace(CALL, id=f"a_{n}", finished_at=200.0 + n) for n in range(10)]
    assert by_model(calls)[0].slow is None
    calls[7:] = [replace(call, slow=slow) for call in calls[7:]]
    lately = by_model(calls)[0].slow
    assert lately is not None
    assert lately.newest == slow
    calls += [replace(CALL, id=f"a_{n}", finished_at=300.0 + n) for n in (20, 21, 22)]
    assert by_model(calls)[0].slow is None, "it is not the rule any more"


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (RequestFilter(), 5),
        (RequestFilter("QWEN"), 4),
        (RequestFilter("qwen3 orders"), 3),
        (RequestFilter("qwen3 langchain"), 3),
        (RequestFilter("left"), 1),
        (RequestFilter("nothing of it"), 0),
        (RequestFilter(model="phi4"), 1),
        (RequestFilter(caller="orders"), 3),
        (RequestFilter(caller="curl", model="phi4"), 1),
        (RequestFilter(outcome="failed"), 1),
        (RequestFilter(since=103.5), 1),
    ],
)
def test_a_filter(wanted: RequestFilter, ids: int) -> None:
    names = {"LangChain JS (n8n AI nodes)": "orders"}
    assert sum(matches(wanted, call, names) for call in CALLS) == ids
