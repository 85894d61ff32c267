"""A call for programs, for spreadsheets and for people."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import datetime

import pytest
from rich.cells import cell_len

from dmr_tui.export.request_rows import (
    CSV_FIELDS,
    WIDTH,
    line_header,
    request_json,
    request_line,
    requests_csv,
)
from dmr_tui.export.status_json import snapshot_json
from dmr_tui.measure.request_numbers import ended
from dmr_tui.runner.request import Request
from dmr_tui.runner.wire import Timings
from dmr_tui.state.snapshot import Snapshot
from dmr_tui.text.requests import status_words

AT = 1_790_000_000.0
CALL = Request(
    "sha256:aa_1790000000000000000",
    "ai/qwen3:8B-Q4_K_M",
    "sha256:aa",
    "OpenAI chat",
    "n8n",
    AT,
    "ok",
    200,
    finished_at=AT + 12.5,
    limit=300.0,
    prompt_tokens=900,
    cached_tokens=90,
    completion_tokens=101,
    timings=Timings(810, 1000.0, 101, 10_000.0, 90),
    message_count=2,
    context_size=4096,
    user_agent="n8n/1.2",
    streamed=True,
    parameters=(("max_tokens", "5"), ("tools", "2")),
    window=8192,
)
LEFT = replace(CALL, outcome="client left")
FAILED = replace(CALL, outcome="failed", status=500)


def test_json_has_every_number_with_its_unit() -> None:
    said = request_json(CALL, {"n8n": "Invoices"})
    assert tuple(said) == CSV_FIELDS
    assert json.loads(json.dumps(said)) == said
    assert said["started_at"] == "2026-09-21T14:13:20.000+00:00"
    assert said["ended_at"] == "2026-09-21T14:13:32.500+00:00"
    assert (said["duration_s"], said["processing_s"], said["waited_s"]) == (12.5, 11.0, 1.5)
    assert said["ttft_s"] == 2.5
    assert (said["prefill_tok_s"], said["decode_tok_s"]) == (810.0, 10.0)
    assert (said["prompt_tokens"], said["new_prompt_tokens"], said["cached_tokens"]) == (
        900,
        810,
        90,
    )
    assert (said["completion_tokens"], said["context_used_tokens"]) == (101, 1001)
    assert said["window_tokens"] == 8192
    assert (said["caller"], said["caller_name"]) == ("n8n", "Invoices")
    assert (said["outcome"], said["status"], said["status_code"]) == ("ok", "ok", 200)
    assert said["parameters"] == {"max_tokens": "5", "tools": "2"}


def test_json_of_what_is_unknown_is_null() -> None:
    bare = Request("x", "m", None, "Ollama", "curl", 0.0, "end unknown", 0)
    said = request_json(bare, {})
    known = {name for name, value in said.items() if value is not None}
    assert known == {
        *("id", "model", "api", "caller", "caller_name", "outcome", "status", "tries"),
        *("request_bytes", "response_bytes", "parameters"),
    }


def table(*requests: Request) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(requests_csv(requests, {}))))


def test_csv() -> None:
    first, second = table(CALL, replace(CALL, error='a, "b"\nc', outcome="failed"))
    assert (first["duration_s"], first["decode_tok_s"], first["streamed"]) == (
        "12.5",
        "10.0",
        "true",
    )
    assert first["parameters"] == "max_tokens=5; tools=2"
    assert first["load_s"] == first["error"] == "", "unknown is empty, not zero"
    assert second["error"] == 'a, "b"␊c'
    assert requests_csv((), {}).count("\n") == 1
    assert "started_at" not in requests_csv((CALL,), {}, header=False)


@pytest.mark.parametrize("start", list("=+-@\t\r"))
def test_no_cell_of_csv_is_a_formula(start: str) -> None:
    (row,) = table(
        replace(
            CALL,
            model=f"{start}cmd|' /C calc'!A0",
            caller=f"{start}1",
            error=f"{start}2",
            user_agent=f"{start}3",
            parameters=((f"{start}4", "1"),),
        )
    )
    for name in ("model", "caller", "caller_name", "error", "user_agent", "parameters"):
        assert row[name].startswith("'"), name
    (row,) = table(replace(CALL, load_s=-0.5))
    assert row["load_s"] == "-0.5", "a number stays one"


LONG = replace(
    CALL,
    model="hf.co/somebody/A-Very-Long-Model-Name-GGUF:Q4_K_M",
    caller="模型模型模型模型",
    api="/engines/some/unheard/of/path",
    prompt_tokens=131_072_000,
    cached_tokens=99_999,
    completion_tokens=1_234_567,
    timings=Timings(131_072, 7.0, 1_234_567, 1000.0, 99_999),
    outcome="client left",
    finished_at=AT + 86_400.0,
)


def test_a_line_fits() -> None:
    header, line, long = (line_header(), *(request_line(r, {}, AT) for r in (CALL, LONG)))
    assert all(cell_len(text) <= WIDTH for text in (header, line, long))
    assert cell_len(long) > 110, "every column is full"
    assert "模型模型… " in long, "what is cut says so"
    for name, value in (("MODEL", "qwen3:8B-Q4_K_M"), ("STATUS", "ok"), ("API", "chat")):
        assert header.index(name) == line.index(value)
    for name, value in (("PROMPT", "810+90"), ("DECODE", "10.0"), ("TOTAL", "12.5 s")):
        assert header.index(name) + len(name) == line.index(value) + len(value)
    assert re.search(r" 101 +810 +10\.0 2\.50 s 12\.5 s ok$", line)


def test_a_line_says_the_day_only_where_it_is_another_one() -> None:
    here = datetime.fromtimestamp(ended(CALL))
    assert request_line(CALL, {}, AT + 1.0).startswith(f"{here:%H:%M:%S} ")
    assert request_line(CALL, {}, AT + 86_400.0).startswith(f"{here:%m-%d %H:%M} ")


def test_nothing_from_outside_steers_the_terminal() -> None:
    nasty = replace(CALL, model="\x1b[2Jx", caller="a\nb", error="\x07", outcome="failed")
    for text in (request_line(nasty, {}, AT), requests_csv((nasty,), {}, header=False)[:-1]):
        assert "\x1b" not in text
        assert "\n" not in text


def test_a_moment_beyond_all_calendars() -> None:
    far = replace(CALL, started_at=1e30, finished_at=1e30)
    assert request_json(far, {})["started_at"] is None
    assert request_line(far, {}, AT).startswith("— ")
    (said,) = snapshot_json(Snapshot(finished=(far,)))["requests"]["finished"]
    assert said["started_at"] is None


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (CALL, "ok"),
        (replace(CALL, outcome="cut"), "cut at max tokens"),
        (replace(LEFT, finished_at=AT + 2.0), "client left after 2.00 s"),
        (replace(LEFT, finished_at=None), "client left"),
        (replace(LEFT, finished_at=AT + 300.2), "timed out after 300 s"),
        (replace(LEFT, finished_at=AT + 7.5, limit=7.5), "timed out after 7.5 s"),
        (replace(LEFT, finished_at=AT + 300.0, limit=None), "client left after 300.0 s"),
        (FAILED, "failed (HTTP 500)"),
        (replace(FAILED, status=200), "failed"),
        (replace(CALL, outcome="context overflow", status=400), "context overflow"),
        (replace(CALL, outcome="out of memory", status=500), "out of memory"),
        (replace(CALL, outcome="model missing", status=404), "model missing"),
        (replace(CALL, outcome="backend missing", status=503), "backend missing"),
        (replace(CALL, outcome="end unknown", status=0), "end unknown"),
        (replace(CALL, outcome="in flight", status=0), "in flight"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_status_in_words(request_: Request, words: str) -> None:
    assert status_words(request_) == words
