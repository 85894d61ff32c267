"""Finished calls that were made up: of every kind one, and as many as one likes."""

from dataclasses import replace

from dmr_tui.measure.stats import Summary
from dmr_tui.runner.errors.explain import Explanation
from dmr_tui.runner.request import Request, Slower
from dmr_tui.runner.wire import Timings
from dmr_tui.state.replies import Bodies
from dmr_tui.state.request_filter import RequestFilter, View
from dmr_tui.state.requests import FinishedRequests, RequestGroup, SlowLately
from dmr_tui.state.snapshot import Snapshot
from tests.ui.still import MODELS, NOW, request, snapshot

N8N = "LangChain JS (n8n AI nodes)"


def call(number: int, ago: float, took: float, **more: object) -> Request:
    """A chat that ended `ago` seconds before now; `number` makes it another one."""
    values: dict[str, object] = {
        "id": f"{MODELS[0].id}_{number}",
        "started_at": NOW - ago - took,
        "finished_at": NOW - ago,
        "outcome": "ok",
        "status": 200,
        "finish_reason": "stop",
        "prompt_tokens": 168,
        "cached_tokens": 40,
        "completion_tokens": 256,
        "timings": Timings(128, 157.0, 256, 6056.0, 40),
        "message_count": 2,
        "request_bytes": 1200,
        "response_bytes": 2400,
        "window": 8192,
        "streamed": True,
        "user_agent": "langchainjs-openai/1.0.0 (node/v22.11.0)",
        "parameters": (("max_tokens", "1024"), ("stream", "true"), ("temperature", "0.7")),
        "messages": (("system", 212), ("user", 640)),
    }
    return request(**{**values, **more})


GEMMA = {"model": "ai/gemma3:4B-Q4_K_M", "digest": MODELS[1].id}
EMBEDDING = {
    "model": "ai/nomic-embed-text-v1.5:F16",
    "digest": MODELS[3].id,
    "api": "embeddings",
    "caller": "n8n",
    "completion_tokens": None,
    "timings": None,
    "finish_reason": None,
    "message_count": None,
    "messages": (),
    "parameters": (),
    "streamed": False,
    "cached_tokens": None,
    "window": None,
    "context_size": 2048,
}
FAILED = {"finish_reason": None, "timings": None, "completion_tokens": None, "prompt_tokens": None}
OVERFLOW = (
    '{"error":{"code":400,"message":"request (9120 tokens) exceeds the available context size'
    ' (8192 tokens), try increasing it","type":"exceed_context_size_error",'
    '"n_prompt_tokens":9120,"n_ctx":8192}}'
)

SLOWER = Slower(42.0, 0.71, hint="GPU unused")

FINISHED: tuple[Request, ...] = (
    call(1, 3, 6.4),
    call(2, 11, 0.21, **EMBEDDING),
    call(
        3,
        20,
        21.5,
        caller="OpenAI Python",
        limit=None,
        timings=Timings(512, 640.0, 256, 20700.0, 0),
        prompt_tokens=512,
        cached_tokens=0,
        slow=SLOWER,
    ),
    call(4, 41, 300.2, outcome="client left", tries=3, first_started_at=NOW - 960, **FAILED),
    call(5, 370, 9.1, outcome="cut", finish_reason="length", completion_tokens=1024),
    call(
        6,
        395,
        0.12,
        outcome="context overflow",
        status=400,
        error=OVERFLOW,
        caller="docker model",
        limit=None,
        **{**FAILED, "cached_tokens": None},
    ),
    call(7, 420, 4.4, caller="curl", limit=None, streamed=False, load_s=12.3, **GEMMA),
    call(
        8,
        480,
        0.01,
        model="ai/phi5:14B",
        digest=None,
        outcome="model missing",
        status=404,
        error="model not found",
        caller="curl",
        limit=None,
        **{**FAILED, "cached_tokens": None, "window": None},
    ),
    call(9, 500, 7.2, api="Anthropic", caller="Anthropic Python", limit=None, cached_tokens=0),
    call(10, 86_000, 3.3, api="Ollama", caller="Ollama Python", limit=None, streamed=None),
)
UNKNOWN = Request("x_1", "", None, "/v9/[b]/thing", "unnamed", NOW - 9, "end unknown", 0)
HARMFUL = call(
    99,
    2,
    1.0,
    model="ai/[red]x[/y]\x1b[2J:Q4",
    caller="[blink]\x07[/]",
    user_agent="[@click=app.quit]x\x1b[0m",
)
CHINESE = call(
    98, 2, 1.0, model="hf.co/通义千问/通义千问三代模型:Q4", caller="工作流自动化平台机器人"
)

SLOW = SlowLately(5, 12.3, SLOWER)


def group(name: str, calls: int, **more: object) -> RequestGroup:
    """Calls counted."""
    values: dict[str, object] = {
        "failed": 0,
        "left": 0,
        "cold": 0,
        "retried": 0,
        "decode": Summary(calls, 41.2, 44.0, 38.0, 44.1),
        "prefill": Summary(calls, 806.0, 911.0, 640.0, 930.0),
        "ttft": Summary(calls, 0.31, 1.42, 0.2, 1.5),
        "waited": Summary(calls, 0.01, 0.4, 0.0, 0.5),
        "combined_rate": 92.4,
        "cache_share": 0.34,
        "prompt_tokens": 168 * calls,
        "completion_tokens": 256 * calls,
        "last_at": NOW - 3,
    }
    return RequestGroup(name=name, requests=calls, **{**values, **more})  # type: ignore[arg-type]


BY_CALLER = (
    group(N8N, 8120, left=14, retried=3, prompt_tokens=12_800_000),
    group("OpenAI Python", 1911, slow=SLOW, last_at=NOW - 20),
    group(
        "n8n",
        380,
        decode=None,
        prefill=None,
        ttft=None,
        waited=None,
        combined_rate=None,
        cache_share=None,
        completion_tokens=0,
        last_at=NOW - 11,
    ),
    group("curl", 20, failed=1, cold=1, last_at=NOW - 90_000),
)
BY_MODEL = (
    group("qwen3:8B-Q4_K_M", 10_031, failed=1, left=14, slow=SLOW),
    group("nomic-embed-text-v1.5:F16", 380, decode=None, prefill=None, ttft=None),
    group("gemma3:4B-Q4_K_M", 20, cold=1),
)

IN_FLIGHT = (
    request(id="f_1", started_at=NOW - 291),
    request(id="f_2", caller="n8n", started_at=NOW - 247, api="OpenAI chat"),
    request(id="f_3", caller="OpenAI Python", limit=None, started_at=NOW - 62, **GEMMA),
    request(id="f_4", started_at=NOW - 12),
)
BODIES = Bodies(
    FINISHED[0].id,
    (
        ("system", "You are terse."),
        ("user", "Explain a KV cache in two sentences.\n[b]no markup[/b] \x1b[31mred"),
    ),
    answer="It keeps keys and values of every token.\nSo reading goes on where it ended.",
    source="runner",
)
GONE = Bodies(
    FINISHED[0].id,
    failure=Explanation(
        "Its record is gone",
        "The runner keeps the last ten of a model.",
        "Start with --keep-bodies.",
    ),
)


def many(count: int) -> tuple[Request, ...]:
    """That many calls, the newest first."""
    return tuple(_older(FINISHED[number % 9], number) for number in range(count))


def _older(call: Request, number: int) -> Request:
    end = NOW - 600.0 - 9.0 * number
    return replace(
        call,
        id=f"many_{number}",
        started_at=end - (call.duration or 0.0),
        finished_at=end,
        first_started_at=None,
    )


def with_calls(
    rows: tuple[Request, ...] = FINISHED,
    *,
    asked: RequestFilter | None = None,
    groups: bool = False,
    matching: int | None = None,
    reading: bool = False,
    **more: object,
) -> Snapshot:
    """A Snapshot with what the monitor answers to that view."""
    calls = FinishedRequests(
        View(requests=RequestFilter() if asked is None else asked, groups=groups),
        rows,
        len(rows) if matching is None else matching,
        reading,
        BY_CALLER if groups else (),
        BY_MODEL if groups else (),
    )
    return snapshot(**{"requests": calls, "in_flight": IN_FLIGHT[:1], **more})
