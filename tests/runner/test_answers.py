"""The arrival of bytes: all that came in one read has one stamp."""

import asyncio
import tracemalloc
from collections.abc import AsyncIterator

import httpx

from dmr_tui.runner.answers import record_groups
from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.endpoint import parse_host

MIB = 2**20
EVENTS = "text/event-stream"
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
)


def sse(text: str) -> bytes:
    data = f'data: {{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}\n\n'.encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


async def test_what_is_read_at_once_arrived_at_once() -> None:
    seen = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + sse("first"))
        await seen.wait()
        writer.write(b"".join(sse(str(number)) for number in range(40)))
        done = b"data: [DONE]\n\n"
        writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(done), done))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client = RunnerClient(parse_host(f"127.0.0.1:{port}", "--host"))
        stamps = []
        async with client.chat({"model": "any", "messages": []}) as chunks:
            async for at, _ in chunks:
                stamps.append(at)
                seen.set()
        await client.aclose()
    first, *rest = stamps
    assert len(rest) == 40
    assert first < rest[0]
    assert len(set(rest)) == 1


async def test_a_large_event_is_held_no_more_often_than_it_takes_to_read_it() -> None:
    large = 12 * MIB
    event = b'event: new_request\ndata: ["' + b"x" * large + b'"]\n\n'

    async def pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(event), 65_536):
            yield event[place : place + 65_536]

    response = httpx.Response(200, headers={"content-type": EVENTS}, content=pieces())
    tracemalloc.start()
    try:
        seen = [groups.unreadable async for _, groups in record_groups(response)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert seen == [1]
    # Itself, once more while it is decoded, and its text in the reader for what is damaged.
    assert peak < 4.6 * large
