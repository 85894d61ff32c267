"""The facts about one request: each number with its source and its formula."""

from collections.abc import Iterator
from dataclasses import dataclass

from dmr_tui.measure.rates import MIN_PREFILL, decode_rate, prefill_rate
from dmr_tui.measure.request_numbers import context_used, new_tokens, ttft_s, waited_s, window
from dmr_tui.runner.errors.explain import explain_request
from dmr_tui.runner.request import FAILURES, Request
from dmr_tui.runner.wire import Timings
from dmr_tui.text import format
from dmr_tui.text.request_fields import duration_words
from dmr_tui.text.requests import (
    exact_moment,
    model_word,
    slower_words,
    status_words,
    why_ended,
)
from dmr_tui.ui.requests.request_text import status_style
from dmr_tui.ui.shell.pane import now

SHOWN_MESSAGES = 40
"""Messages of a long conversation that are listed, the newest ones."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: what it is, its value, and where that comes from."""

    name: str
    value: str
    note: str = ""
    style: str = "bold $value"


def _unknown(name: str, why: str) -> Fact:
    return Fact(name, format.UNKNOWN, why, "$faint")


def sections(request: Request, caller: str, ahead: float) -> Iterator[tuple[str, Iterator[Fact]]]:
    """Yield the facts under their titles, the most important first.

    `caller` is named as the user does; the runner's clock is `ahead` seconds of ours.
    """
    yield "What happened", _happened(request, caller)
    yield "Numbers", _numbers(request)
    yield "When", _when(request, ahead)
    yield "Context window, in tokens", _context(request)
    yield "Parameters", _parameters(request)
    yield "Messages", _messages(request)
    yield "Caller", _caller(request, caller)
    yield "Names", _names(request)


def _happened(request: Request, caller: str) -> Iterator[Fact]:
    http = f"HTTP {request.status}" if request.status else ""
    yield Fact("status", status_words(request), http, status_style(request))
    if request.outcome in FAILURES:
        said = explain_request(request)
        yield Fact("what", said.what, style="$value")
        if said.cause:
            yield Fact("cause", said.cause, style="$value")
        if said.step:
            yield Fact("next step", said.step, style="bold $accent")
        if said.detail and said.detail != said.what:
            yield Fact("its words", " ".join(said.detail.split())[:2000], style="$label")
    elif request.outcome in {"cut", "client left", "end unknown"}:
        yield Fact("what", why_ended(request, caller), style="$value")
    if request.slow:
        yield Fact("slow", slower_words(request.slow), style="$warning")
    if request.finish_reason:
        yield Fact("finish", request.finish_reason, "finish reason of the engine", "$value")


def _numbers(request: Request) -> Iterator[Fact]:
    timings = request.timings
    yield _decode(timings)
    yield _prefill(timings)
    yield _ttft(request)
    yield _waited(request)
    if request.outcome != "in flight":
        note = "client  when its end was heard - when it was sent"
        if request.duration is None:
            note = "it ended before dmr-tui listened"
        yield Fact("duration", duration_words(request.duration), note)
    prompt, cached = request.prompt_tokens, request.cached_tokens
    new = new_tokens(request)
    tokens = "" if new is None else f"{new:,} new + {format.count(cached)} cached"
    untold = "not told which were cached" if prompt is not None else ""
    yield Fact("prompt", format.count(prompt), tokens or untold)
    generated = request.completion_tokens
    yield Fact("generated", format.count(generated), "" if generated is None else "tokens")
    drafted = timings.draft_n if timings else None
    if timings is not None and drafted:
        taken = timings.draft_n_accepted or 0
        note = f"accepted / drafted = {taken:,} / {drafted:,}"
        yield Fact("drafts", f"{100 * taken / drafted:.0f} %", f"server  {note}")


def _decode(timings: Timings | None) -> Fact:
    rate = decode_rate(timings)
    if rate is None or timings is None or timings.predicted_n is None:
        why = "too short to measure" if timings is not None else "no timings in its answer"
        return _unknown("decode", why)
    spent = format.seconds((timings.predicted_ms or 0.0) / 1000.0)
    formula = f"(predicted_n - 1) / predicted_ms = {timings.predicted_n - 1:,} / {spent}"
    return Fact("decode", f"{format.rate(rate.value)} tok/s", f"{rate.source}  {formula}")


def _prefill(timings: Timings | None) -> Fact:
    rate = prefill_rate(timings)
    if rate is None or timings is None:
        few = f"fewer than {MIN_PREFILL} new prompt tokens"
        why = few if timings is not None else "no timings in its answer"
        return _unknown("prefill", why)
    spent = format.seconds((timings.prompt_ms or 0.0) / 1000.0)
    formula = f"prompt_n / prompt_ms = {format.count(timings.prompt_n)} / {spent}"
    return Fact("prefill", f"{format.rate(rate.value)} tok/s", f"{rate.source}  {formula}")


def _ttft(request: Request) -> Fact:
    value = ttft_s(request)
    if value is not None and request.timings is not None:
        waited = format.seconds(waited_s(request))
        prompt = format.seconds((request.timings.prompt_ms or 0.0) / 1000.0)
        return Fact(
            "TTFT",
            format.seconds(value),
            f"client, server  waited + prompt_ms = {waited} + {prompt}",
        )
    if request.streamed is False:
        why = "not streamed: the first token comes with the last"
    elif request.timings is None:
        why = "no timings in its answer"
    else:
        why = "its end was not heard" if request.finished_at is None else "not known"
    return _unknown("TTFT", why)


def _waited(request: Request) -> Fact:
    value = waited_s(request)
    if value is None:
        return _unknown("waited", "neither its log nor its timings tell")
    if request.processing_at is not None:
        note = "log  when the engine began - when it was sent"
    else:
        note = "client, server  duration - (prompt_ms + predicted_ms)"
    return Fact("waited", format.seconds(value), note)


def _when(request: Request, ahead: float) -> Iterator[Fact]:
    if request.tries > 1:
        first = request.first_started_at
        at = format.UNKNOWN if first is None else exact_moment(first - ahead)
        yield Fact("first sent", at, f"this is try {request.tries}", "$value")
    if request.load_s is not None:
        load = format.seconds(request.load_s)
        yield Fact("model loaded", load, "before the record begins; log", "$value")
    yield Fact("sent", exact_moment(request.started_at - ahead), "server", "$value")
    timings = request.timings
    if request.outcome == "in flight":
        elapsed = format.clock(now() - request.started_at + ahead)
        limit = f"of {format.clock(request.limit)}, its caller's limit" if request.limit else ""
        yield Fact("in flight", elapsed, limit)
    if request.processing_at is not None:
        yield Fact("began", exact_moment(request.processing_at - ahead), "log", "$value")
    if timings is not None and timings.prompt_ms is not None:
        spent = format.seconds(timings.prompt_ms / 1000.0)
        yield Fact("prefill took", spent, "server  prompt_ms", "$value")
    if timings is not None and timings.predicted_ms is not None:
        spent = format.seconds(timings.predicted_ms / 1000.0)
        yield Fact("decode took", spent, "server  predicted_ms", "$value")
    if request.finished_at is not None:
        yield Fact("ended", exact_moment(request.finished_at - ahead), "client", "$value")


def _context(request: Request) -> Iterator[Fact]:
    used, size = context_used(request), window(request)
    if used is None:
        yield _unknown("used", "the answer does not tell its tokens")
    else:
        prompt = format.count(request.prompt_tokens)
        generated = format.count(request.completion_tokens)
        yield Fact("used", f"{used:,}", f"prompt + generated = {prompt} + {generated}")
    source = "of its slot, by the engine's log" if request.window else "as it was configured"
    if size is None:
        yield _unknown("window", "neither the log nor the configuration tells")
    else:
        share = f"; {100 * used / size:.0f} % of it used" if used is not None else ""
        yield Fact("window", f"{size:,}", source + share)


def _parameters(request: Request) -> Iterator[Fact]:
    if not request.parameters and not request.request_bytes:
        yield _unknown("", "its record holds no request")
    elif not request.parameters:
        yield Fact("", "none: everything as the engine has it by default", style="$label")
    for name, value in request.parameters:
        yield Fact(name, value, style="$value")
    if request.streamed is not None and all(name != "stream" for name, _ in request.parameters):
        yield Fact("stream", "no, as it was not asked for", style="$label")


def _messages(request: Request) -> Iterator[Fact]:
    if request.unreadable:
        yield Fact("not readable", f"the body of its {request.unreadable}", style="$warning")
    yield Fact("request", _bytes(request.request_bytes), style="$value")
    yield Fact("answer", _bytes(request.response_bytes), style="$value")
    if request.message_count is None:
        yield _unknown("messages", "this kind of call has none")
        return
    shown = request.messages[-SHOWN_MESSAGES:]
    earlier = request.message_count - len(shown)
    note = f"the first {earlier:,} are not listed" if earlier > 0 else ""
    yield Fact("messages", f"{request.message_count:,}", note, "$value")
    for role, size in shown:
        yield Fact(f"  {role}", _bytes(size), style="$value")


def _bytes(size: int) -> str:
    if not size:
        return format.UNKNOWN
    return f"{size:,} bytes" if size < 10_000 else format.disk(size)


def _caller(request: Request, caller: str) -> Iterator[Fact]:
    own = "" if caller == request.caller else f"its own name is {request.caller}"
    yield Fact("name", caller, own)
    yield Fact("User-Agent", request.user_agent or format.UNKNOWN, style="$value")
    if request.origin:
        yield Fact("origin", request.origin, style="$value")
    if request.limit:
        yield Fact("hangs up after", f"{request.limit:g} s", style="$value")
    else:
        yield _unknown("hangs up after", "n names the caller, in the list")


def _names(request: Request) -> Iterator[Fact]:
    yield Fact("model", model_word(request.model), f"written {request.model}", "$value")
    yield Fact("digest", request.digest or format.UNKNOWN, style="$value")
    yield Fact("API", request.api, style="$value")
    yield Fact("record", request.id, style="$value")
