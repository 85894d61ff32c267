"""Only the new lines of a log that is always answered as a whole."""

from collections.abc import AsyncIterator

from dmr_tui.monitor.log.log_reader import LONGEST_LINE, LogTail


async def pieces(text: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


async def read(tail: LogTail, text: bytes, size: int = 7) -> list[str] | None:
    lines = await tail.read(pieces(text, size))
    return None if lines is None else [line async for line in lines]


async def test_each_line_comes_once_wherever_the_bytes_are_cut() -> None:
    log = "".join(f"line {number} äöü\n" for number in range(300)).encode()
    for size in (1, 5, 64, 10_000):
        tail = LogTail()
        found: list[str] = []
        for end in (0, 13, 14, 1000, 1001, len(log)):
            lines = await read(tail, log[:end], size)
            assert lines is not None
            found += lines
        assert found == log.decode().splitlines()
        assert await read(tail, log, size) == []


async def test_a_line_without_its_end_waits() -> None:
    tail = LogTail()
    assert await read(tail, b"n_slots = 1") == []
    assert await read(tail, b"n_slots = 16\n") == ["n_slots = 16"]


async def test_another_log_is_read_from_its_beginning() -> None:
    tail = LogTail()
    assert await read(tail, b"one\ntwo\nthree\n") == ["one", "two", "three"]
    assert await read(tail, b"new\n") is None
    assert await read(tail, b"new\n") == ["new"]
    assert await read(tail, b"one\nnew\n") is None
    assert await read(tail, b"one\nnew\n") == ["one", "new"]


async def test_a_line_that_slipped_in_between_is_not_lost() -> None:
    """The runner merges two files by time: a late line of an engine may come before the end."""
    tail = LogTail()
    await read(tail, b"1 runner\n4 runner\n")
    later = b"1 runner\n3 engine\n4 runner\n5 runner\n"
    assert await read(tail, later) is None
    assert await read(tail, later) == ["1 runner", "3 engine", "4 runner", "5 runner"]


async def test_the_rest_of_a_line_that_is_too_long_is_no_line() -> None:
    rest = b"slot x\n"
    log = b"before\n" + b"x" * (LONGEST_LINE + 100) + rest + b"after\n"
    for size in (997, 65_536, len(log)):
        for end in (len(log) - 13, LONGEST_LINE + 50, LONGEST_LINE + 107):
            tail = LogTail()
            found = [*(await read(tail, log[:end], size) or [])]
            found += await read(tail, log, size) or []
            assert [line[:6] for line in found] == ["before", "xxxxxx", "after"]
            assert len(found[1]) <= LONGEST_LINE
            assert await read(tail, log + b"more\n", size) == ["more"]


async def test_binary_and_endless_lines() -> None:
    tail = LogTail()
    assert await read(tail, b"a\xff\x00b\n") == ["a\ufffd\x00b"]
    tail = LogTail()
    endless = await read(tail, b"x" * (LONGEST_LINE + 100), 65536)
    assert endless is not None
    assert sum(map(len, endless)) >= LONGEST_LINE
