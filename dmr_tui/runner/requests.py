"""A record of the runner's recorder as a Request: its facts without its bodies."""

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

from dmr_tui.runner import wire
from dmr_tui.runner.callers import caller_name, time_limit
from dmr_tui.runner.names import digest_in

Outcome = Literal["in flight", "ok", "cut", "client left", "context overflow", "failed"]
"""`cut` is an answer that ended at max_tokens; `client left` was the caller's doing."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """One call of any client; times in seconds since 1970 by the runner's clock."""

    id: str
    model: str
    """What the caller wrote."""
    digest: str | None
    api: str
    caller: str
    started_at: float
    outcome: Outcome
    status: int
    """HTTP status; 0 while in flight."""
    finished_at: float | None = None
    """When its event arrived; None if that was before we listened."""
    limit: float | None = None
    """Seconds after which the caller is known to hang up."""
    finish_reason: str | None = None
    error: str = ""
    prompt_tokens: int | None = None
    """New and cached ones."""
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    timings: wire.Timings | None = None
    message_count: int | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    context_size: int | None = None
    """The window that the runner had configured for this call."""

    @property
    def duration(self) -> float | None:
        """Seconds from its start to its end; None if either is unknown."""
        return None if self.finished_at is None else self.finished_at - self.started_at


class _Body(msgspec.Struct, frozen=True):
    messages: list[msgspec.Raw] | None = None


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
    api = _api(record)
    answer = _read(record.response, _Answer) or _Answer()
    body = _read(record.request, _Body) or _Body()
    prompt, cached, completion = _tokens(answer)
    finish = _finish(answer)
    return Request(
        id=record.id,
        model=record.model,
        digest=digest_in(record.id) or digest_in(group.model),
        api=api,
        caller=caller_name(record.user_agent, api),
        started_at=_started(record),
        outcome=_outcome(record, answer, finish),
        status=record.status_code,
        finished_at=finished_at,
        limit=time_limit(record.user_agent),
        finish_reason=finish,
        error=_error_text(record.error),
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=completion,
        timings=answer.timings,
        message_count=None if body.messages is None else len(body.messages),
        request_bytes=len(record.request),
        response_bytes=len(record.response),
        context_size=group.config.context_size,
    )


def _read(text: str, form: type[T]) -> T | None:
    try:
        return msgspec.json.decode(text, type=form) if text else None
    except (msgspec.MsgspecError, UnicodeError):
        return None


def _started(record: wire.Record) -> float:
    nanoseconds = record.id.rpartition("_")[2]
    return int(nanoseconds) / 1e9 if nanoseconds.isdecimal() else float(record.timestamp)


def _api(record: wire.Record) -> str:
    if record.origin.startswith("ollama/"):
        return "Ollama"
    path = record.url
    for ending, api in (
        ("/count_tokens", "Anthropic tokens"),
        ("/messages", "Anthropic"),
        ("/chat/completions", "OpenAI chat"),
        ("/completions", "OpenAI completion"),
        ("/embeddings", "embeddings"),
        ("/rerank", "rerank"),
        ("/score", "score"),
        ("/images/generations", "images"),
    ):
        if path.endswith(ending):
            return api
    return path or "unknown"


def _tokens(answer: _Answer) -> tuple[int | None, int | None, int | None]:
    usage = answer.usage or wire.Usage()
    timings = answer.timings or wire.Timings()
    details = usage.prompt_tokens_details or wire.PromptDetails()
    cached = _first(timings.cache_n, details.cached_tokens, usage.cache_read_input_tokens)
    prompt = usage.prompt_tokens
    if prompt is None and usage.input_tokens is not None:
        # Anthropic counts the cached tokens apart from the new ones.
        prompt = usage.input_tokens + (usage.cache_read_input_tokens or 0)
    if timings.prompt_n is not None and prompt is None:
        prompt = timings.prompt_n + (timings.cache_n or 0)
    completion = _first(usage.completion_tokens, timings.predicted_n, usage.output_tokens)
    return prompt, cached, completion


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _finish(answer: _Answer) -> str | None:
    if answer.choices:
        return answer.choices[0].finish_reason
    return answer.stop_reason


def _outcome(record: wire.Record, answer: _Answer, finish: str | None) -> Outcome:
    if record.status_code == 0:
        return "in flight"
    if record.error:
        if "exceed_context_size_error" in record.error:
            return "context overflow"
        # A caller that hangs up on a call that is not streamed looks like the server's fault.
        left = record.status_code in {408, 502} and "unknown error" in record.error
        return "client left" if left or record.status_code == 408 else "failed"
    if record.status_code >= 400:
        return "failed"
    if not record.response:
        return "client left"
    generated = answer.choices is not None or answer.type == "message"
    if generated and finish is None:
        return "client left"
    return "cut" if finish in {"length", "max_tokens"} else "ok"


def _error_text(error: str) -> str:
    outer = _read(error, _Error)
    if outer is None:
        return error
    inner = outer.error
    if isinstance(inner, dict):
        inner = inner.get("message")
    return str(inner or outer.message or error)
