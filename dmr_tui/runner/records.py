"""A record of the runner's recorder, read as a Request."""

import re
from collections.abc import Hashable
from functools import lru_cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import structs

from dmr_tui.runner import wire
from dmr_tui.runner.decoding import UNREADABLE, read_json
from dmr_tui.runner.errors.explain import explain_text
from dmr_tui.runner.names import digest_in
from dmr_tui.runner.request import FAILURES, Outcome, Request
from dmr_tui.runner.tokens import token_counts

LISTED_MESSAGES = 200
LONGEST_VALUE = 2**20
LONGEST_LINE = 1_000
LONGEST_ERROR = 2**16
KEPT_ERROR = 4_000
"""Characters of an error that are kept of each of many requests."""
_TEXTS = frozenset({"model", "messages", "prompt", "input", "query", "documents", "instructions"})
_CHOICES = frozenset(
    {"response_format", "tool_choice", "encoding_format", "reasoning_effort", "service_tier"}
)
_APIS = (
    ("/count_tokens", "Anthropic tokens"),
    ("/messages", "Anthropic"),
    ("/chat/completions", "OpenAI chat"),
    ("/completions", "OpenAI completion"),
    ("/embeddings", "embeddings"),
    ("/rerank", "rerank"),
    ("/score", "score"),
    ("/images/generations", "images"),
)
# DMR itself writes these into X-Request-Origin; anything else was put there by the caller.
OWN_ORIGINS = frozenset({"ollama/completion", "anthropic/messages"})
# The SDKs send the name of their class, of which there is one for each way to wait and to log in.
_SDK = re.compile(r"(?:Async)?(?:Azure)?(OpenAI|Anthropic)/(Python|JS)(?= |$)")
_KNOWN = (
    ("langchainjs", "LangChain JS (n8n AI nodes)"),
    ("n8n", "n8n"),
    ("ollama-python", "Ollama Python"),
    ("ollama-js", "Ollama JS"),
    ("litellm", "LiteLLM"),
    ("docker-model-cli", "docker model"),
    ("dmr-tui", "dmr-tui"),
    ("curl", "curl"),
    ("Mozilla", "browser"),
)
_PRODUCT = re.compile(r"[^\s/()]{1,40}")
_LONGEST = 24
N8N_LIMIT = 300.0
"""Seconds after which n8n gives up: its AI nodes always, its HTTP node by default."""
_WORD = re.compile(r"[\w.-]{1,40}")


H = TypeVar("H", bound=Hashable)


class _Message(msgspec.Struct, frozen=True):
    role: Any = None
    content: msgspec.Raw = msgspec.Raw(b"")


class _Body(msgspec.Struct, frozen=True):
    messages: list[_Message] | None = None
    stream: Any = None


class _Answer(msgspec.Struct, frozen=True):
    choices: list[wire.Choice] | None = None
    usage: wire.Usage | None = None
    timings: wire.Timings | None = None
    stop_reason: str | None = None
    content: Any = None
    type: str | None = None


class _Error(msgspec.Struct, frozen=True):
    error: Any = None
    message: str | None = None


def read_record(
    record: wire.Record, group: wire.RecordGroup, finished_at: float | None = None
) -> Request:
    """The facts of one record; a body that is not JSON only leaves its fields unknown."""
    record = _cut(record)
    api = _api(record)
    answer, body = _read(record.response, _Answer), _read(record.request, _Body)
    # What does not even look like JSON may be a picture, or a page of a proxy.
    bodies = (("request", body, record.request), ("answer", answer, record.response))
    unreadable = [name for name, read, text in bodies if read is None and text[:1] == "{"]
    answer, body = answer or _Answer(), body or _Body()
    prompt, cached, completion = token_counts(answer.usage, answer.timings)
    finish = _finish(answer)
    return Request(
        id=record.id,
        model=_shared(record.model),
        digest=_shared(digest_in(record.id) or digest_in(group.model)),
        api=api,
        caller=_shared(caller_name(record.user_agent, api, record.origin)),
        started_at=_started(record),
        outcome=_outcome(record, answer, finish),
        status=record.status_code,
        finished_at=finished_at,
        limit=time_limit(record.user_agent),
        finish_reason=_shared(finish),
        error=_error_text(record.error),
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=completion,
        timings=answer.timings,
        message_count=None if body.messages is None else len(body.messages),
        request_bytes=len(record.request),
        response_bytes=len(record.response),
        context_size=group.config.context_size,
        user_agent=_shared(record.user_agent),
        origin=_shared(record.origin),
        streamed=body.stream is True if record.request else None,
        unreadable=" and ".join(unreadable),
        parameters=_shared(_parameters(record.request)),
        messages=tuple(
            _shared((str(message.role or "?")[:20], len(bytes(message.content))))
            for message in (body.messages or ())[-LISTED_MESSAGES:]
        ),
        fingerprint=hash((record.model, record.url, record.request)) if record.request else None,
    )


@lru_cache(maxsize=4096)
def _shared(value: H) -> H:
    """Return the first value that was equal: of thousands of requests most say the same."""
    return value


def _cut(record: wire.Record) -> wire.Record:
    """Return `record` with lines of a bounded length: any client may write what it likes."""
    return structs.replace(
        record,
        id=record.id[:LONGEST_LINE],
        model=record.model[:LONGEST_LINE],
        url=record.url[:LONGEST_LINE],
        error=record.error[:LONGEST_ERROR],
        user_agent=record.user_agent[:LONGEST_LINE],
        origin=record.origin[:LONGEST_LINE],
    )


def _parameters(text: str) -> tuple[tuple[str, str], ...]:
    """The options without any text of the prompt: numbers, switches, and what else is set."""
    body = _read(text, dict[str, msgspec.Raw])
    if body is None:
        return ()
    found = []
    for name in sorted(body.keys() - _TEXTS):
        value = _value(body[name])
        if name in _CHOICES and isinstance(value, dict):
            value = value.get("type", "set")
        if isinstance(value, list):
            shown = f"{len(value)}"
        elif isinstance(value, str) and name in _CHOICES and _WORD.fullmatch(value):
            shown = value
        elif value is None or isinstance(value, bool | int | float):
            shown = {None: "null", True: "true", False: "false"}.get(value, str(value))  # type: ignore[arg-type]
        else:
            shown = "set"
        found.append((name[:40], shown))
    return tuple(found[:40])


def _value(text: msgspec.Raw) -> Any:
    """Return the value of an option; ... for one that is too long, or cannot be read."""
    try:
        return read_json(bytes(text), Any) if len(bytes(text)) < LONGEST_VALUE else ...
    except UNREADABLE:
        return ...


def _read(text: str, form: Any) -> Any:
    try:
        return read_json(text, form) if text else None
    except UNREADABLE:
        return None


def _started(record: wire.Record) -> float:
    nanoseconds = record.id.rpartition("_")[2]
    # Nineteen digits reach the year 2286; any client may make up an id.
    whole = nanoseconds.isascii() and nanoseconds.isdecimal() and len(nanoseconds) < 20
    return int(nanoseconds) / 1e9 if whole else max(0.0, float(record.timestamp))


def _api(record: wire.Record) -> str:
    if record.origin.startswith("ollama/"):
        return "Ollama"
    found = (api for ending, api in _APIS if record.url.endswith(ending))
    return next(found, record.url or "unknown")


def _finish(answer: _Answer) -> str | None:
    if answer.choices:
        return answer.choices[0].finish_reason
    return answer.stop_reason


def _outcome(record: wire.Record, answer: _Answer, finish: str | None) -> Outcome:
    if record.status_code == 0:
        return "in flight"
    # A caller that hangs up before an answer in one piece looks like the server's fault.
    left = record.status_code == 502 and _error_text(record.error) == "unknown error"
    if left or record.status_code == 408:
        return "client left"
    if record.error or record.status_code >= 400:
        kind = explain_text(record.status_code, record.error, record.model).kind
        return cast(Outcome, kind) if kind in FAILURES else "failed"
    if not record.response:
        return "client left"
    generated = answer.choices is not None or answer.type == "message"
    if generated and finish is None:
        return "client left"
    return "cut" if finish in {"length", "max_tokens"} else "ok"


def _error_text(error: str) -> str:
    outer = _read(error, _Error)
    if outer is None:
        return error[:KEPT_ERROR]
    inner = outer.error
    if isinstance(inner, dict):
        inner = inner.get("message")
    return str(inner or outer.message or error)[:KEPT_ERROR]


def caller_name(user_agent: str, api: str, origin: str = "") -> str:
    """A name for the caller; if it states none, one by the API."""
    own_name = "" if origin in OWN_ORIGINS else " ".join(origin.split())[:40]
    if own_name:
        return own_name
    if match := _SDK.match(user_agent):
        return f"{match[1]} {match[2]}"
    for product, name in _KNOWN:
        if _is_product(product, user_agent):
            return name
    found = _PRODUCT.match(user_agent)
    return found[0] if found else _unnamed(api)


def time_limit(user_agent: str) -> float | None:
    """Seconds after which this caller is known to hang up; None if nothing is known."""
    known = _is_product("langchainjs", user_agent) or _is_product("n8n", user_agent)
    return N8N_LIMIT if known else None


def _is_product(product: str, user_agent: str) -> bool:
    """True if `user_agent` is that product or, for LangChain, one of its packages."""
    following = user_agent.removeprefix(product)
    if following == user_agent:
        return False
    return following[:1] in {"", "/", " "} or (product == "langchainjs" and following[0] == "-")


def _unnamed(api: str) -> str:
    # DMR turns a request of the Responses API into a chat of its own, which has no User-Agent; any
    # caller may leave it out as well.
    if api == "OpenAI chat":
        return "unnamed (Responses API?)"
    name = f"unnamed ({api.removeprefix('OpenAI ').removesuffix(' tokens')})"
    return name if len(name) <= _LONGEST else "unnamed"
