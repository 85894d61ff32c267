"""A recorder entry as a Request: outcome, caller, tokens; for every client that was recorded."""

import msgspec
import pytest

from dmr_tui.runner import wire
from dmr_tui.runner.records import caller_name, read_record
from dmr_tui.runner.request import Request
from tests.recorded import client_records, recorded


def requests_of(name: str) -> list[Request]:
    groups = msgspec.json.decode(recorded(name).body, type=list[wire.RecordGroup])
    return [read_record(r, g) for g in groups for r in g.records or ()]


def of_client(step: str) -> Request:
    record = next(record for what, record in client_records() if what == step)
    return read_record(msgspec.convert(record, wire.Record), wire.RecordGroup(model=""))


def test_a_finished_call() -> None:
    request = requests_of("v1.2.6/requests")[0]
    assert request.outcome == "cut"
    assert request.digest is not None
    assert request.digest.startswith("sha256:6b2404")
    assert request.started_at == pytest.approx(1795387275.636578532)
    assert (request.prompt_tokens, request.cached_tokens, request.completion_tokens) == (28, 0, 16)
    assert request.timings is not None
    assert request.timings.predicted_ms == 3.425
    assert request.context_size == 2048
    assert request.message_count == 1


@pytest.mark.parametrize(
    ("status", "error", "outcome"),
    [
        (408, "request timeout", "client left"),
        (408, "", "client left"),
        (502, "unknown error", "client left"),
        (502, "bad gateway", "failed"),
        (504, "unknown error", "failed"),
    ],
)
def test_a_caller_that_hung_up(status: int, error: str, outcome: str) -> None:
    record = wire.Record(id="sha256:aa_1", model="ai/x", status_code=status, error=error)
    assert read_record(record, wire.RecordGroup(model="")).outcome == outcome


def test_nothing_of_the_prompt_or_the_answer_is_kept() -> None:
    for request in requests_of("v1.2.6/requests-in-flight"):
        assert "hello" not in repr(request).lower()
        assert "story" not in repr(request).lower()


def test_of_many_requests_each_takes_little_memory() -> None:
    body = {"messages": [{"role": "user", "content": f"{n} " * n} for n in range(9)], "top_p": 0.5}
    error = msgspec.json.encode({"error": {"message": "x" * 50_000}}).decode()

    def read(number: int) -> Request:
        # Each record comes with texts of its own.
        text = msgspec.json.encode(body).decode()
        agent = "".join(["curl/", "8.7"])
        record = wire.Record(
            id=f"sha256:{'a' * 64}_{number}",
            model="".join(["ai/", "x"]),
            status_code=500,
            request=text,
            error=error,
            user_agent=agent,
        )
        return read_record(record, wire.RecordGroup(model=""))

    one, other = read(1), read(2)
    assert len(one.error) < 5_000
    for name in ("model", "digest", "caller", "user_agent", "parameters"):
        assert getattr(one, name)
        assert getattr(one, name) is getattr(other, name), name
    assert len(one.messages) == 9
    assert all(a is b for a, b in zip(one.messages, other.messages, strict=True))


def test_in_flight() -> None:
    running = [r for r in requests_of("v1.2.6/requests-in-flight") if r.outcome == "in flight"]
    (request,) = running
    assert request.status == 0
    assert request.caller == "n8n"
    assert request.limit == 300.0
    assert request.completion_tokens is None


@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        ("behaviours: client closes the stream after 1.5 s, ai/mid:F32", "client left"),
        ("behaviours: client timeout 1 s, non-stream, ai/mid:F32", "client left"),
        (
            "behaviours: client read timeout 0.5 s during prompt processing "
            "(stream, server is mute until the first token)",
            "client left",
        ),
        ("openai-python: prompt longer than the context (ctx 2048)", "context overflow"),
        ('openai-python: bad parameter (temperature="hot")', "failed"),
        ("curl: /rerank", "failed"),
        ("behaviours: response_format json_object", "ok"),
        ("tool-calls: tools, tool_choice=required, non-stream", "ok"),
        ("tool-calls: anthropic SDK: messages.create, tool_choice any", "ok"),
        ("litellm: completion anthropic/", "cut"),
        ("ollama-python: chat stream", "cut"),
        ("openai-python: completions (legacy) stream", "cut"),
    ],
)
def test_outcomes(step: str, outcome: str) -> None:
    steps = [what for what, _ in client_records()]
    found = next((what for what in steps if what.startswith(step[:60])), None)
    assert found is not None, steps
    assert of_client(found).outcome == outcome


def test_errors_are_read_out_of_their_json() -> None:
    request = of_client("curl: /rerank")
    assert request.error.startswith("This server does not support reranking")


def test_anthropic_counts_cached_tokens_apart() -> None:
    request = of_client("litellm: completion anthropic/")
    assert (request.prompt_tokens, request.cached_tokens) == (51, 50)
    assert request.api == "Anthropic"
    assert request.timings is None


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("langchainjs-openai/1.0.0 ((node/v20.20.2; linux; x64))", "LangChain JS (n8n AI nodes)"),
        ("n8n", "n8n"),
        ("AsyncOpenAI/Python 2.54.0", "OpenAI Python"),
        ("docker-model-cli/v1.2.6", "docker model"),
        ("my-service/3.1 (linux)", "my-service"),
        ("", "unnamed (Responses API?)"),
        ("\x1b[31mred", "\x1b[31mred"),
    ],
)
def test_callers_have_names(agent: str, name: str) -> None:
    assert caller_name(agent, "OpenAI chat") == name


def test_every_recorded_client_has_a_name_and_an_api() -> None:
    for what, record in client_records():
        request = read_record(msgspec.convert(record, wire.Record), wire.RecordGroup(model=""))
        assert request.caller, what
        assert not request.api.startswith("/"), (what, request.api)


@pytest.mark.parametrize(
    "record",
    [
        {"id": "x", "model": "m"},
        {"id": "x_notanumber", "model": "m", "status_code": 200, "response": "half a {"},
        {"id": "x_1", "model": "m", "status_code": 200, "response": '{"choices": "no list"}'},
        {"id": "x_1", "model": "m", "status_code": 500, "error": "not json"},
        {"id": "x_1", "model": "m", "status_code": 200, "error": '{"message": "mid-stream"}'},
    ],
)
def test_broken_records_are_read_as_far_as_they_go(record: dict[str, object]) -> None:
    request = read_record(msgspec.convert(record, wire.Record), wire.RecordGroup(model="m"))
    assert request.timings is None
    assert request.completion_tokens is None
