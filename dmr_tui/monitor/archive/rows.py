"""A Request as a row of the archive: what many calls share as their kind, the rest as a call."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from dmr_tui.measure.request_numbers import ended
from dmr_tui.monitor.archive.selection import searched_text
from dmr_tui.runner.names import short
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import Timings

LONGEST_ERROR = 2000
"""Characters of an error that are kept."""
SEARCHED_ERROR = 200
"""Characters of an error that a filter's words are looked for in."""
ANY_ERROR = "\x01"
"""The form of all further errors where there are too many forms."""
LARGEST = 2**63 - 1
"""What SQLite holds as a number."""

_DIGITS = re.compile(r"\d+")
_PARAMETERS = msgspec.json.Decoder(tuple[tuple[str, str], ...])
_MESSAGES = msgspec.json.Decoder(tuple[tuple[str, int], ...])


class Kind(NamedTuple):
    """What many calls share: a filter looks at a few hundred kinds instead of at all calls."""

    runner: str
    model: str
    digest: str | None
    api: str
    caller: str
    outcome: Any
    status: int
    limit_s: float | None
    finish_reason: str | None
    user_agent: str
    origin: str
    streamed: bool | None
    context_size: int | None
    stem: str
    """What the ids of its calls begin with."""
    error_form: str
    """The searched part of its errors, with one sign for each number in it."""


@dataclass(frozen=True, slots=True)
class StoredKind:
    """A kind that is in the archive, and what a filter asks of it."""

    id: int
    kind: Kind
    model: str
    """Short name."""
    exact_text: str
    """What words are looked for in, as far as all of its calls have it; the error follows it."""

    @property
    def text(self) -> str:
        """The same with the form of its errors."""
        return self.exact_text + self.kind.error_form


KIND_COLUMNS = Kind._fields
CALL_COLUMNS = (
    "key",
    "kind",
    "ended",
    "record",
    "started_at",
    "finished_at",
    "first_started_at",
    "processing_at",
    "load_s",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "prompt_n",
    "prompt_ms",
    "predicted_n",
    "predicted_ms",
    "cache_n",
    "draft_n",
    "draft_n_accepted",
    "message_count",
    "request_bytes",
    "response_bytes",
    "window",
    "tries",
    "parameters",
    "messages",
    "error",
    "slow",
)
"""In the order of `row_of`; from the second on also in that of `request_of`."""


def masked(text: str) -> str:
    """`text` with every number as one sign that nobody types."""
    return _DIGITS.sub("\0", text)


def key_of(runner: str, id: str) -> int:
    """63 bits that are the same for the same call in every instance."""
    text = f"{runner}\0{id}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest()) >> 1


def kind_of(request: Request, runner: str, *, any_error: bool) -> Kind:
    """The kind of `request`; with `any_error` its error does not make it another one."""
    form = masked(_text(request.error)[:SEARCHED_ERROR])
    return Kind(
        runner=_text(runner),
        model=_text(request.model),
        digest=request.digest,
        api=_text(request.api),
        caller=_text(request.caller),
        outcome=request.outcome,
        status=_whole(request.status) or 0,
        limit_s=request.limit,
        finish_reason=None if request.finish_reason is None else _text(request.finish_reason),
        user_agent=_text(request.user_agent),
        origin=_text(request.origin),
        streamed=request.streamed,
        context_size=_whole(request.context_size),
        stem=_text(request.id).rpartition("_")[0],
        error_form=ANY_ERROR if form and any_error else form,
    )


def stored_kind(id: int, kind: Kind) -> StoredKind:
    """The kind with that id in the archive."""
    call = Request("", kind.model, kind.digest, kind.api, kind.caller, 0.0, kind.outcome, 0)
    # SQLite has no booleans.
    streamed = None if kind.streamed is None else bool(kind.streamed)
    return StoredKind(id, kind._replace(streamed=streamed), short(kind.model), searched_text(call))


def row_of(request: Request, runner: str, kind: StoredKind) -> tuple[Any, ...]:
    """The values of `CALL_COLUMNS`."""
    timings = request.timings or Timings()
    return (
        key_of(runner, request.id),
        kind.id,
        ended(request),
        _record(_text(request.id), kind.kind.stem),
        request.started_at,
        request.finished_at,
        request.first_started_at,
        request.processing_at,
        request.load_s,
        _whole(request.prompt_tokens),
        _whole(request.cached_tokens),
        _whole(request.completion_tokens),
        _whole(timings.prompt_n),
        timings.prompt_ms,
        _whole(timings.predicted_n),
        timings.predicted_ms,
        _whole(timings.cache_n),
        _whole(timings.draft_n),
        _whole(timings.draft_n_accepted),
        request.message_count,
        request.request_bytes,
        request.response_bytes,
        _whole(request.window),
        request.tries,
        _json(request.parameters),
        _json(request.messages),
        _text(request.error)[:LONGEST_ERROR] or None,
        _text(request.slow) or None,
    )


def request_of(row: tuple[Any, ...], kinds: Mapping[int, StoredKind]) -> Request:
    """The call of a row."""
    # fmt: off
    (
        kind_id, _, record, started_at, finished_at, first_started_at, processing_at, load_s,
        prompt_tokens, cached_tokens, completion_tokens,
        prompt_n, prompt_ms, predicted_n, predicted_ms, cache_n, draft_n, draft_n_accepted,
        message_count, request_bytes, response_bytes, window, tries,
        parameters, messages, error, slow,
    ) = row
    # fmt: on
    kind = kinds[kind_id].kind
    timings = None
    if prompt_ms is not None or prompt_n is not None or predicted_ms is not None:
        timings = Timings(
            prompt_n, prompt_ms, predicted_n, predicted_ms, cache_n, draft_n, draft_n_accepted
        )
    return Request(
        id=f"{kind.stem}_{record}" if type(record) is int else record,
        model=kind.model,
        digest=kind.digest,
        api=kind.api,
        caller=kind.caller,
        started_at=started_at,
        outcome=kind.outcome,
        status=kind.status,
        finished_at=finished_at,
        limit=kind.limit_s,
        finish_reason=kind.finish_reason,
        error=error or "",
        prompt_tokens=prompt_tokens,
        cached_tokens=cached_tokens,
        completion_tokens=completion_tokens,
        timings=timings,
        message_count=message_count,
        request_bytes=request_bytes,
        response_bytes=response_bytes,
        context_size=kind.context_size,
        user_agent=kind.user_agent,
        origin=kind.origin,
        streamed=kind.streamed,
        parameters=_parameters(parameters) if parameters else (),
        messages=_MESSAGES.decode(messages) if messages else (),
        window=window,
        processing_at=processing_at,
        load_s=load_s,
        tries=tries,
        first_started_at=first_started_at,
        slow=slow or "",
    )


@lru_cache(maxsize=1000)
def _parameters(text: str) -> tuple[tuple[str, str], ...]:
    # A few programs call, each with its own options again and again.
    return _PARAMETERS.decode(text)


def _record(id: str, stem: str) -> int | str:
    # An id of DMR is the digest, which the kind has, and nanoseconds.
    digits = id.rpartition("_")[2]
    if digits.isdecimal() and len(digits) <= 19:
        number = int(digits)
        if number <= LARGEST and f"{stem}_{number}" == id:
            return number
    return id


def _json(pairs: tuple[tuple[str, Any], ...]) -> str | None:
    return _text(msgspec.json.encode(pairs).decode()) if pairs else None


def _text(text: str) -> str:
    """`text` without what SQLite cannot hold: halves of surrogate pairs."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _whole(number: int | None) -> int | None:
    """`number`, or None for one that SQLite cannot hold, which an engine made up."""
    return number if number is None or abs(number) <= LARGEST else None
