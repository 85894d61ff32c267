"""The archive with a million calls: opened, filtered, written to.

usage: python -m tests.bench.archive [CALLS]
"""

import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

from dmr_tui.monitor.archive.store import Archive
from dmr_tui.runner.request import Outcome, Request
from dmr_tui.runner.wire import Timings
from dmr_tui.state.request_filter import SHOWN_REQUESTS, RequestFilter

Row = tuple[str, str, str, str, bool]

CALLS = 1_000_000
RUNNER = "http://localhost:12434"
BEGAN = 1_790_000_000.0
MODELS = [f"ai/{name}:8B-Q4_K_M" for name in ("qwen3", "gemma3", "phi4", "mistral", "llama3.2")]
CALLERS = ["LangChain JS (n8n AI nodes)", "OpenAI Python", "curl", "docker model"] + [
    f"tool{number}" for number in range(20)
]
RARE = "a model that nobody has"


def archive_rows(calls: int = CALLS) -> list[Row]:
    """What was measured: what, measured, floor, budget, whether it is kept."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests.db"
        built = _built(path, calls)
        size = path.stat().st_size
        rows.append(("archive, writing", f"{calls / built:,.0f} calls/s", "", "", True))
        rows.append(("archive, size", f"{size / calls:.0f} B/call", "", "500", size < 500 * calls))
        floor = _floor(path)

        def noted(what: str, budget: float, work: Callable[[], int], runs: int = 5) -> None:
            found, took = _timed(work, runs)
            said = f"{took * 1000:.0f} ms"
            of = f"{floor * 1000:.0f} ms"
            rows.append((f"{what}: {found:,}", said, of, f"{budget * 1000:.0f} ms", took <= budget))

        noted("archive, opening, first rows", 0.3, lambda: _opened(path))
        archive = Archive(path)
        archive.open()
        for what, wanted in (
            ("all", RequestFilter()),
            ("by model", RequestFilter(model="phi4:8B-Q4_K_M")),
            ("by caller", RequestFilter(caller="tool7")),
            ("by status", RequestFilter(outcome="client left")),
            ("a day", RequestFilter(since=BEGAN + calls * 3.0 - 86_400.0)),
            ("rare words", RequestFilter(RARE.split()[-2])),
            ("a number in errors", RequestFilter("slot 17")),
            ("no match", RequestFilter("nothing has this")),
        ):

            def found(wanted: RequestFilter = wanted) -> int:
                return len(archive.find(wanted, {}, RUNNER, SHOWN_REQUESTS))

            def counted(wanted: RequestFilter = wanted) -> int:
                return archive.count(wanted, {}, RUNNER)

            noted(f"archive, filter {what}", 0.5, found)
            noted(f"archive, count {what}", 0.5, counted)
        more = iter(_requests(calls + 100, calls))

        def one_more() -> int:
            archive.add([next(more)], RUNNER)
            return 1

        noted("archive, one call more", 0.02, one_more)
        archive.close()
        old = Archive(path, keep_days=0.0, clock=lambda: BEGAN + calls * 0.3)
        old.open()
        noted("archive, prune", 1.0, old.prune, runs=1)
        old.close()
    return rows


def _built(path: Path, calls: int) -> float:
    archive = Archive(path)
    archive.open()
    took, waiting = 0.0, list[Request]()
    for request in _requests(calls):
        waiting.append(request)
        if len(waiting) == 10_000:
            began = time.perf_counter()
            archive.add(waiting, RUNNER)
            took += time.perf_counter() - began
            waiting = []
    archive.add(waiting, RUNNER)
    archive.close()
    return took


def _requests(calls: int, first: int = 0) -> Iterator[Request]:
    dice = random.Random(first)
    left: tuple[Outcome, ...] = ("client left", "cut", "failed", "context overflow")
    for number in range(first, calls):
        model = RARE if number % 200_000 == 7 else MODELS[int(dice.random() ** 2 * len(MODELS))]
        caller = CALLERS[int(dice.random() ** 3 * len(CALLERS))]
        outcome: Outcome = "ok" if dice.random() < 0.9 else dice.choice(left)
        error = f"slot {dice.randrange(1000)} failed" if outcome == "failed" else ""
        started = BEGAN + number * 3.0
        digest = f"sha256:{crc32(model.encode()):064x}"
        spent = dice.random() * 20.0
        yield Request(
            f"{digest}_{int(started * 1e9)}",
            model,
            digest,
            "OpenAI chat",
            caller,
            started,
            outcome,
            500 if error else 200,
            finished_at=started + spent,
            error=error,
            prompt_tokens=dice.randrange(8000),
            cached_tokens=dice.randrange(100),
            completion_tokens=dice.randrange(900),
            timings=Timings(812, spent * 100, 300, spent * 800, 12),
            message_count=3,
            request_bytes=dice.randrange(40_000),
            response_bytes=dice.randrange(9000),
            context_size=8192,
            user_agent=f"{caller}/1.2.3",
            streamed=number % 3 > 0,
            parameters=(("max_tokens", "512"), ("stream", "true"), ("temperature", "0.7")),
            messages=(("system", 812), ("user", dice.randrange(9000)), ("assistant", 77)),
            window=8192,
        )


def _floor(path: Path) -> float:
    """SQLite alone, walking the index once."""
    db = sqlite3.connect(path)
    _, took = _timed(
        lambda: db.execute("SELECT count(*) FROM requests WHERE superseded = 0").fetchone()[0]
    )
    db.close()
    return took


def _opened(path: Path) -> int:
    archive = Archive(path)
    archive.open()
    found = len(archive.find(RequestFilter(), {}, RUNNER, 200))
    archive.close()
    return found


def _timed(work: Callable[[], int], runs: int = 5) -> tuple[int, float]:
    """What it gave, and the median of its times."""
    found, times = 0, []
    for _ in range(runs):
        began = time.perf_counter()
        found = work()
        times.append(time.perf_counter() - began)
    return found, statistics.median(times)


if __name__ == "__main__":
    for what, measured, floor, budget, kept in archive_rows(int((sys.argv[1:] or [CALLS])[0])):
        print(f"{what:44} {measured:>16} {floor:>10}  {budget} {'' if kept else '  <-- OVER'}")
