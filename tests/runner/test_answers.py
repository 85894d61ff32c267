"""The arrival of bytes: all that came in one read has one stamp."""

import asyncio

from dmr_tui.runner.client import RunnerClient
from dmr_tui.runner.endpoint import parse_host

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
