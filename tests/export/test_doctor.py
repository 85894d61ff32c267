"""What the doctor found, as a page and as JSON."""

import json

import pytest

from dmr_tui.export.doctor_report import doctor_exit_code, doctor_json, doctor_page
from dmr_tui.text.doctor.check import Check, Result, Step
from tests.text.doctor.facts import down
from tests.ui.still import snapshot

STEPS = (Step(command="docker unpause x"), Step("or not"))
CHECKS = (
    Check("Docker", "Engine", "ok", "Docker 28.3.2"),
    Check("Docker", "container x", "problem", "paused", STEPS),
    Check("The way to it", "clock", "warning", "8 s ahead"),
)


def test_the_page() -> None:
    page = doctor_page(snapshot(), CHECKS).splitlines()
    assert page == [
        "Docker Model Runner answers at localhost:12434 (default)",
        "",
        "Docker",
        "  ok       Engine                   Docker 28.3.2",
        "  PROBLEM  container x              paused",
        f"{'':36}-> docker unpause x",
        f"{'':36}-> or not",
        "",
        "The way to it",
        "  warning  clock                    8 s ahead",
        "",
        "1 problem, 1 warning",
    ]


def test_without_a_runner_the_way_out_comes_first() -> None:
    longer = Check("Docker", "name model-runner.docker.internal", "note", "no address")
    page = doctor_page(down(), (*CHECKS[:2], longer)).splitlines()
    assert page[:5] == [
        "No Docker Model Runner answers",
        "  -> docker unpause x",
        "  -> or not",
        "  -> a runner elsewhere: dmr-tui --host http://HOST:12434",
        "",
    ]
    columns = {
        line.index(each)
        for each in ("Docker 28.3.2", "no address")
        for line in page
        if each in line
    }
    assert len(columns) == 1, "a long name moves the others"


@pytest.mark.parametrize(
    ("results", "words"),
    [
        (("ok", "note"), "all is well"),
        (("problem", "problem"), "2 problems"),
        (("warning", "warning", "ok"), "2 warnings"),
    ],
)
def test_the_last_line_counts(results: tuple[Result, ...], words: str) -> None:
    checks = tuple(Check("g", "n", each, "e") for each in results)
    assert doctor_page(snapshot(), checks).splitlines()[-1] == words


def test_escape_sequences_stay_signs() -> None:
    nasty = "a\x1b[2J\x9b1m\nb\u202ec"
    check = Check("Docker", f"container {nasty}", "problem", nasty, (Step(nasty),))
    page = doctor_page(snapshot(), (check,))
    assert not set("\x1b\x9b\u202e") & set(page)
    assert len(page.splitlines()) == 7, "a line feed makes no line of its own"
    assert "a␛[2J" in page
    written = json.dumps(doctor_json(snapshot(), (check,)))
    assert written.isascii()
    assert "\x1b" not in written


def test_json() -> None:
    told = doctor_json(snapshot(), CHECKS)
    assert told["runner"] is True
    assert told["result"] == "problem"
    assert told["checks"][1] == {
        "group": "Docker",
        "name": "container x",
        "result": "problem",
        "evidence": "paused",
        "fix": ["docker unpause x", "or not"],
    }
    assert [each["fix"] for each in told["checks"]] == [[], ["docker unpause x", "or not"], []]
    assert doctor_json(down(), ())["runner"] is False


@pytest.mark.parametrize(
    ("checks", "code"),
    [(CHECKS, 1), (CHECKS[:1], 0), (CHECKS[2:], 1), ((Check("g", "n", "unknown", "e"),), 0)],
)
def test_the_exit_code(checks: tuple[Check, ...], code: int) -> None:
    assert doctor_exit_code(snapshot(), checks) == code
    assert doctor_exit_code(down(), checks) == 2, "no runner is worse than that"
