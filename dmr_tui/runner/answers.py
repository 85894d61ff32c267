"""The bodies of answers, decoded; an error in one is raised."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx

from dmr_tui.runner import wire
from dmr_tui.runner.decoding import Entries, decode, decode_groups
from dmr_tui.runner.errors.failures import BadAnswer, BrokenOff, Rejected

LIMIT = 32 * 2**20
"""Bytes of an answer that are read at the most, so that no answer can fill the memory."""
ERROR_LIMIT = 64 * 2**10
LINE_LIMIT = 16 * 2**20
EVENT_LIMIT = 24 * 2**20
"""Bytes of an event of the recorder's feed: the last ten records of a model are one event."""
ANSWER_LIMIT = 1_000_000
"""Characters of a streamed answer, some 250,000 tokens; shown, each takes far more than a byte."""
BUSY_NS = 20_000_000
"""Nanoseconds after which reading lets others have their turn, however fast the bytes come."""


async def raise_for_status(response: httpx.Response) -> None:
    """Raise Rejected, with the text of the answer, for any status but success."""
    coding = response.headers.get("content-encoding", "identity")
    if coding != "identity":
        # It was not asked for, and a few bytes of it can be gigabytes.
        raise BadAnswer(f"the answer is compressed ({coding[:20]})")
    if response.status_code >= 300:
        body = await read_body(response, ERROR_LIMIT, cut=True)
        raise Rejected(response.status_code, body.decode("utf-8", "replace"))


async def read_body(response: httpx.Response, limit: int = LIMIT, *, cut: bool = False) -> bytes:
    """The body, up to `limit` bytes.

    Raises BadAnswer if it is longer, unless it is to be `cut` there.
    """
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > limit:
            if cut:
                break
            # The error remembers this frame, and may be kept for a while.
            body.clear()
            raise BadAnswer(f"the answer is larger than {limit // 2**20} MiB")
    return bytes(body[:limit])


async def record_groups(
    response: httpx.Response,
) -> AsyncIterator[tuple[str, Entries[wire.RecordGroup]]]:
    """The events of the recorder's feed: name and groups, which only two kinds of event have.

    An event that is longer than EVENT_LIMIT or cannot be read has no groups, and is counted as
    one unreadable entry.
    """
    if "text/event-stream" not in response.headers.get("content-type", ""):
        raise BadAnswer("the answer is no stream of events")
    name, size = "", 0
    data: list[bytes] = []
    async for _, line in _lines(response, EVENT_LIMIT, cut=True):
        field, _, value = line.partition(b":")
        # Of an event that is very long no two copies are to be kept.
        line = b""
        if field == b"event":
            name = value.strip()[:100].decode("utf-8", "replace")
        elif field == b"data":
            size += len(value)
            if size <= EVENT_LIMIT:
                data.append(value)
            value = b""
        elif not field.rstrip(b"\r") and name:
            groups: Entries[wire.RecordGroup] = Entries()
            if name in {"existing_request", "new_request"}:
                try:
                    groups = decode_groups(b"\n".join(data))
                except BadAnswer:
                    groups.unreadable = 1
            data.clear()
            yield name, groups
            name, size = "", 0


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
            raise Rejected(500, text[:ERROR_LIMIT].decode("utf-8", "replace"))
        update: wire.PullLine = decode(text, wire.PullLine)
        if update.type == "error":
            raise Rejected(500, update.message[:ERROR_LIMIT])
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
    finished, length = False, 0
    # Not an SSE decoder: llama.cpp also sends "error:" lines, which SSE says to skip, and the
    # stamp has to be that of the bytes, not that of the decoded event.
    async for at, line in _lines(response):
        name, _, value = line.partition(b":")
        if name == b"error":
            raise Rejected(500, value[:ERROR_LIMIT].decode("utf-8", "replace"))
        if name != b"data" or not (value := value.strip()):
            continue
        if value == b"[DONE]":
            return
        chunk: wire.Chunk = decode(value, wire.Chunk)
        if chunk.error is not None:
            text = value[:ERROR_LIMIT].decode("utf-8", "replace")
            raise Rejected(_code(chunk.error), text)
        finished = finished or any(choice.finish_reason for choice in chunk.choices)
        length += sum(map(_length, chunk.choices))
        if length > ANSWER_LIMIT:
            raise BadAnswer(f"the answer is longer than {ANSWER_LIMIT:,} characters")
        yield at, chunk
    if not finished:
        raise BrokenOff("the stream ended before the answer did")


def _length(choice: wire.Choice) -> int:
    """Return the characters that a choice adds to the answer."""
    delta = choice.delta or wire.Delta()
    texts = (choice.text, delta.content, delta.reasoning_content, delta.reasoning)
    calls = len(str(delta.tool_calls)) if delta.tool_calls else 0
    return calls + sum(len(text) for text in texts if text)


def _code(error: Any) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 500


async def _lines(
    response: httpx.Response, limit: int = LINE_LIMIT, *, cut: bool = False
) -> AsyncIterator[tuple[int, bytes]]:
    """Lines with the instant (perf_counter_ns) at which their last byte was received.

    Raises BadAnswer for a line of more than `limit` bytes, unless its end is to be `cut` off.
    """
    loop = asyncio.get_running_loop()
    rest = bytearray()
    at, waited = 0, True

    def on_turn() -> None:
        nonlocal waited
        waited = True

    async for data in response.aiter_bytes():
        # One read from the socket may hold many HTTP chunks. They come here one by one, but they
        # arrived together: unless the loop had to wait in between, the stamp stays.
        if waited:
            at, waited = time.perf_counter_ns(), False
            loop.call_soon(on_turn)
        elif time.perf_counter_ns() - at > BUSY_NS:
            # Bytes that come without a pause would keep everything else from running.
            await asyncio.sleep(0)
        *lines, last = data.split(b"\n")
        for line in lines:
            if rest:
                rest += line[: limit - len(rest)]
                yield at, _taken(rest)
            else:
                yield at, line
        rest += last[: limit - len(rest)]
        if len(rest) >= limit and not cut:
            rest.clear()
            raise BadAnswer(f"a line is longer than {limit // 2**20} MiB")
    if rest:
        yield time.perf_counter_ns(), bytes(rest)


def _taken(buffer: bytearray) -> bytes:
    """Return what is in the buffer, and empty it."""
    taken = bytes(buffer)
    buffer.clear()
    return taken
