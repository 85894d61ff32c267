"""The bodies of answers, decoded; an error in one is raised."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import httpx
import msgspec
from httpx_sse import EventSource, ServerSentEvent, SSEError

from dmr_tui.runner import wire
from dmr_tui.runner.errors.failures import BadAnswer, BrokenOff, Rejected

T = TypeVar("T")

LIMIT = 64 * 2**20
"""Bytes of an answer that are read at the most; ten records of 10 MiB cannot fill the memory."""
ERROR_LIMIT = 64 * 2**10
LINE_LIMIT = 16 * 2**20


async def raise_for_status(response: httpx.Response) -> None:
    """Raise Rejected, with the text of the answer, for any status but success."""
    if response.status_code >= 300:
        body = await read_body(response, ERROR_LIMIT, cut=True)
        raise Rejected(response.status_code, body.decode("utf-8", "replace"))


async def read_body(response: httpx.Response, limit: int = LIMIT, *, cut: bool = False) -> bytes:
    """The body, up to `limit` bytes.

    Raises BadAnswer if it is longer, unless it is to be `cut` there.
    """
    parts = []
    size = 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > limit:
            if cut:
                break
            raise BadAnswer(f"the answer is larger than {limit // 2**20} MiB")
    return b"".join(parts)


def decode(body: bytes, form: type[T] | Any) -> T:
    """The JSON of `body` as `form`. Raises BadAnswer if it is something else."""
    try:
        answer: T = msgspec.json.decode(body, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if body.lstrip()[:1] == b"<":
            raise BadAnswer("the answer is a web page, not a runner's JSON") from None
        raise BadAnswer(f"the answer is not what a runner says: {error}") from None
    return answer


async def _events(response: httpx.Response) -> AsyncIterator[ServerSentEvent]:
    try:
        async for event in EventSource(response).aiter_sse():
            yield event
    except SSEError as error:
        raise BadAnswer(str(error)) from None


async def record_groups(
    response: httpx.Response,
) -> AsyncIterator[tuple[str, list[wire.RecordGroup]]]:
    """The events of the recorder's feed: name and groups, which only two kinds of event have."""
    async for event in _events(response):
        if event.event in {"existing_request", "new_request"}:
            yield event.event, decode(event.data.encode(), list[wire.RecordGroup])
        else:
            yield event.event, []


async def pull_lines(response: httpx.Response) -> AsyncIterator[wire.PullLine]:
    """The lines of a pull; the last one is a success.

    Raises Rejected for an error that comes instead, BrokenOff if the lines end without either.
    """
    async for _, line in _lines(response):
        text = line.strip()
        if not text:
            continue
        if not text.startswith(b"{"):
            # A failure after the first line comes as plain text behind it.
            raise Rejected(500, text.decode("utf-8", "replace"))
        update: wire.PullLine = decode(text, wire.PullLine)
        if update.type == "error":
            raise Rejected(500, update.message)
        yield update
        if update.type == "success":
            return
    raise BrokenOff("the download ended before the model was there")


async def chat_chunks(response: httpx.Response) -> AsyncIterator[tuple[int, wire.Chunk]]:
    """The chunks of a chat completion with their arrival (perf_counter_ns).

    Raises Rejected for an error inside the stream, BrokenOff if it ends before the answer does.
    """
    content_type = response.headers.get("content-type", "")
    if "text/event-stream" not in content_type:
        # Some backends answer a stream request with one whole completion.
        body = await read_body(response)
        yield time.perf_counter_ns(), decode(body, wire.Chunk)
        return
    finished = False
    # Not an SSE decoder: llama.cpp also sends "error:" lines, which SSE says to skip, and the
    # stamp has to be that of the bytes, not that of the decoded event.
    async for at, line in _lines(response):
        name, _, value = line.partition(b":")
        if name == b"error":
            raise Rejected(500, value.decode("utf-8", "replace"))
        if name != b"data" or not (value := value.strip()):
            continue
        if value == b"[DONE]":
            return
        chunk: wire.Chunk = decode(value, wire.Chunk)
        if chunk.error is not None:
            raise Rejected(_code(chunk.error), value.decode("utf-8", "replace"))
        finished = finished or any(choice.finish_reason for choice in chunk.choices)
        yield at, chunk
    if not finished:
        raise BrokenOff("the stream ended before the answer did")


def _code(error: Any) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 500


async def _lines(response: httpx.Response) -> AsyncIterator[tuple[int, bytes]]:
    """Lines with the instant (perf_counter_ns) at which their last byte was received."""
    loop = asyncio.get_running_loop()
    rest, at, waited = b"", 0, True

    def on_turn() -> None:
        nonlocal waited
        waited = True

    async for data in response.aiter_bytes():
        # One read from the socket may hold many HTTP chunks. They come here one by one, but they
        # arrived together: unless the loop had to wait in between, the stamp stays.
        if waited:
            at, waited = time.perf_counter_ns(), False
            loop.call_soon(on_turn)
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            yield at, line
        if len(rest) > LINE_LIMIT:
            raise BadAnswer(f"a line is longer than {LINE_LIMIT // 2**20} MiB")
    if rest:
        yield time.perf_counter_ns(), rest
