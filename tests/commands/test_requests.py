"""`dmr-tui requests`: what is in the archive, and nothing else."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dmr_tui.monitor.archive.store import Archive
from dmr_tui.runner.request import Outcome, Request
from dmr_tui.runner.wire import Timings
from dmr_tui.simulator.server import Simulator, serve
from tests.commands.conftest import Run
from tests.waiting import until_true

HERE = "http://localhost:12434"


def call(seconds_ago: float, **changes: object) -> Request:
    at = time.time() - seconds_ago
    outcome: Outcome = "ok"
    return Request(
        **{
            "id": f"sha256:{'a' * 64}_{int(at * 1e9)}",
            "model": "ai/qwen3:8B-Q4_K_M",
            "digest": None,
            "api": "OpenAI chat",
            "caller": "curl",
            "started_at": at - 1.0,
            "outcome": outcome,
            "status": 200,
            "finished_at": at,
            "timings": Timings(100, 100.0, 11, 200.0, 0),
            **changes,
        }  # type: ignore[arg-type]
    )


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DMR_TUI_ARCHIVE_FILE", str(tmp_path / "data" / "requests.db"))
    return tmp_path / "data" / "requests.db"


@pytest.fixture
def kept(path: Path, run: Run):  # type: ignore[no-untyped-def]
    """Runs `dmr-tui requests` on an archive of four calls."""
    archive = Archive(path)
    archive.open()
    archive.add(
        [
            call(40, model="gemma3", caller="n8n"),
            call(3 * 3600, outcome="failed", status=500, error="slot 17 is gone"),
            call(30, outcome="client left", limit=1.0),
            call(8 * 86_400, model="phi4", outcome="cut"),
        ],
        HERE,
    )
    archive.name_caller("n8n", "Invoices")
    archive.close()

    def start(*words: str) -> "subprocess.CompletedProcess[str]":
        return run("requests", *words, DMR_TUI_ARCHIVE_FILE=str(path))

    return start


def models(done: "subprocess.CompletedProcess[str]") -> list[str]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["model"] for line in done.stdout.splitlines()]


PHI, QWEN, GEMMA = "phi4", "ai/qwen3:8B-Q4_K_M", "gemma3"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), [PHI, QWEN, GEMMA, QWEN]),
        (("--limit", "2"), [GEMMA, QWEN]),
        (("--limit", "0"), [PHI, QWEN, GEMMA, QWEN]),
        (("--since", "24h"), [QWEN, GEMMA, QWEN]),
        (("--since", "90s"), [GEMMA, QWEN]),
        (("--since", "15m"), [GEMMA, QWEN]),
        (("--since", "9d"), [PHI, QWEN, GEMMA, QWEN]),
        (("--since", "DAY"), [QWEN, GEMMA, QWEN]),
        (("--model", "docker.io/ai/gemma3:latest"), [GEMMA]),
        (("--model", "qwen3:8B-Q4_K_M"), [QWEN, QWEN]),
        (("--caller", "Invoices"), [GEMMA]),
        (("--caller", "n8n"), [GEMMA]),
        (("--caller", "invoices"), [GEMMA]),
        (("--caller", "n8"), []),
        (("--model", "GEMMA3"), [GEMMA]),
        (("--status", "cut"), [PHI]),
        (("--status", "client-left"), [QWEN]),
        (("--status", "timed-out"), [QWEN]),
        (("--status", "failed"), [QWEN]),
        (("--grep", "SLOT 17"), [QWEN]),
        (("--grep", "slot 18"), []),
        (("--grep", "invoices", "--status", "ok"), [GEMMA]),
    ],
    ids=str,
)
def test_which_calls(kept: Run, words: tuple[str, ...], found: list[str]) -> None:
    day = f"{datetime.now() - timedelta(days=2):%Y-%m-%d}"
    assert models(kept("--json", *(day if word == "DAY" else word for word in words))) == found


def test_as_text(kept: Run) -> None:
    done = kept()
    header, *lines = done.stdout.splitlines()
    assert header.startswith("ENDED ")
    assert [line.split()[-1] for line in lines] == ["tokens", "500)", "ok", "s"]
    assert "Invoices" in lines[2]
    assert lines[3].endswith("timed out after 1 s")
    assert done.stderr == ""
    done = kept("--limit", "3")
    assert len(done.stdout.splitlines()) == 4
    assert done.stderr == "The newest 3 of 4; --limit 0 prints all.\n"


def test_as_csv(kept: Run) -> None:
    done = kept("--csv")
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [row["model"] for row in rows] == [PHI, QWEN, GEMMA, QWEN]
    assert rows[2]["caller_name"] == "Invoices"
    assert float(rows[0]["decode_tok_s"]) == 50.0
    nothing = kept("--csv", "--model", "none")
    assert nothing.stdout.startswith("started_at,"), "a table without rows"
    assert nothing.stdout.count("\n") == 1


def test_why_there_is_nothing(kept: Run, run: Run, path: Path, tmp_path: Path) -> None:
    def said(done: "subprocess.CompletedProcess[str]") -> str:
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.count("\n") == 1
        return done.stderr

    assert said(kept("--model", "x")) == f"None of the 4 archived calls matches: {path}\n"
    none = str(tmp_path / "none" / "x.db")
    missing = said(run("requests", DMR_TUI_ARCHIVE_FILE=none))
    assert missing == f"There is no archive yet; the dashboard begins it: {none}\n"
    off = said(run("--no-archive", "requests", DMR_TUI_ARCHIVE_FILE=none))
    assert off == f"The archive is off, and no calls were kept before: {none}\n"
    off = said(run("requests", DMR_TUI_ARCHIVE_FILE=none, DMR_TUI_ARCHIVE="no"))
    assert off.startswith("The archive is off")
    assert not Path(none).parent.exists(), "reading makes nothing"
    empty = Archive(tmp_path / "empty.db")
    empty.open()
    empty.close()
    file = str(tmp_path / "empty.db")
    assert said(run("requests", DMR_TUI_ARCHIVE_FILE=file)).startswith("The archive has no call")


def test_the_demo_does_not_touch_the_archive(kept: Run, path: Path) -> None:
    before = path.read_bytes()
    done = kept("--demo")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "The demo keeps no archive; --follow shows its calls as they end.\n"
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("--since", "24x"), "--since '24x': 90s, 15m, 24h, 7d, or a time such as "),
        (("--since", ""), "--since '': 90s"),
        (("--since", "0001-01-01"), "--since '0001-01-01': 90s"),
        (("--status", "fine"), "--status 'fine': one of in flight, ok, cut, "),
        (("--json", "--csv"), "--json --csv: one of them"),
        (("--limit", "-1"), "--limit"),
    ],
    ids=str,
)
def test_what_cannot_be_used(kept: Run, words: tuple[str, ...], what: str) -> None:
    done = kept(*words)
    assert done.returncode == 64
    assert what in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("limit", ["0", "50"])
def test_damaged_rows_are_left_out_and_counted(kept: Run, path: Path, limit: str) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE requests SET error = x'ff', prompt_tokens = 'many' WHERE id = 2")
        db.execute("UPDATE kinds SET outcome = 'dubious' WHERE outcome = 'cut'")
    done = kept("--json", "--limit", limit)
    assert (done.returncode, len(models(done))) == (0, 2)
    assert done.stderr == f"Damaged rows that were left out: 2: {path}\n"


def test_a_damaged_archive_is_said_and_stays(kept: Run, path: Path) -> None:
    path.write_bytes(b"this is no database" * 500)
    for words in ((), ("--follow",)):
        done = kept(*words)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"dmr-tui: archive: {path} is damaged: file is not a database\n"
    assert [p.name for p in path.parent.iterdir()] == ["requests.db"]


def test_the_database_of_another_program(run: Run, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("CREATE TABLE precious (x)")
    done = run("requests", DMR_TUI_ARCHIVE_FILE=str(tmp_path / "other.db"))
    assert done.returncode == 1
    assert "belongs to another program" in done.stderr


def test_control_characters_are_only_shown(kept: Run, path: Path) -> None:
    archive = Archive(path)
    archive.add([call(1, model="\x1b[2Jevil", error="\x1b]0;x\x07", outcome="failed")], HERE)
    archive.close()
    for words in ((), ("--json",), ("--csv",)):
        assert "\x1b" not in kept(*words).stdout


def test_a_reader_that_has_enough(path: Path) -> None:
    archive = Archive(path)
    archive.open()
    archive.add([call(n) for n in range(5000)], HERE)
    archive.close()
    for form in ("--json", "--csv"):
        process = subprocess.Popen(
            [sys.executable, "-m", "dmr_tui", "requests", "--limit", "0", form],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(20) == 0


def test_one_header_for_all_of_them(kept: Run, path: Path) -> None:
    archive = Archive(path)
    archive.add([call(n) for n in range(1200)], HERE)
    archive.close()
    done = kept("--limit", "0", "--csv")
    assert done.stdout.count("\n") == 1205
    assert done.stdout.count("started_at,ended_at") == 1


FOLLOW = ("--follow", "--json", "--caller", "curl", "--host")


def test_follow(path: Path) -> None:
    writer = Archive(path)
    writer.open()
    writer.add([call(20, model="before"), call(10, model="other", caller="x")], HERE)
    process = subprocess.Popen(
        [sys.executable, "-m", "dmr_tui", "requests", *FOLLOW, "127.0.0.1:9"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DMR_TUI_ARCHIVE_FILE": str(path)},
    )
    assert process.stdout is not None
    seen = [json.loads(process.stdout.readline())["model"]]
    writer.add([call(5, model="late"), call(4, model="other", caller="x")], HERE)
    seen.append(json.loads(process.stdout.readline())["model"])
    writer.add([call(5000, model="older, but told now")], HERE)
    seen.append(json.loads(process.stdout.readline())["model"])
    writer.close()
    path.unlink()
    writer.add([call(0, model="in a new file")], HERE)
    seen.append(json.loads(process.stdout.readline())["model"])
    writer.close()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=20)
    assert seen == ["before", "late", "older, but told now", "in a new file"]
    assert (rest, process.returncode) == ("", 0)
    assert errors == "dmr-tui: no runner answers at 127.0.0.1:9; waiting\n"


@pytest.mark.parametrize("kept", [True, False], ids=["archived", "not archived"])
def test_follow_hears_a_runner_itself(path: Path, kept: bool) -> None:
    """No dashboard is there that would fill the archive."""
    simulator = Simulator("quiet")
    body = {"model": "ai/qwen3:8B-Q4_K_M", "messages": [{"role": "user", "content": "hi"}]}
    with serve(simulator) as url:
        process = subprocess.Popen(
            [sys.executable, "-m", "dmr_tui", "requests", *FOLLOW, url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "DMR_TUI_ARCHIVE_FILE": str(path),
                "DMR_TUI_ARCHIVE": "true" if kept else "false",
            },
        )
        assert process.stdout is not None
        until_true(lambda: simulator.world.recorder._feeds, "it listens")
        for agent, tokens in (("n8n", 5), ("curl/8", 6)):
            asked = body | {"max_tokens": tokens}
            simulator.send(asked, headers={"user-agent": agent}).result(30)
        while True:
            told = json.loads(process.stdout.readline())
            # What the runner still had of before is told as well if it is archived.
            if told["completion_tokens"] == 6:
                break
            assert told["caller"] == "curl"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (errors, process.returncode) == ("", 0)
    assert path.exists() == kept


def test_it_imports_only_what_it_needs() -> None:
    heavy = ["textual", "docker", "httpx", "anyio", "pynvml", "psutil", "uvicorn"]
    code = (
        "import sys, dmr_tui.cli, dmr_tui.commands.requests;"
        f" print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
