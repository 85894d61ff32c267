"""`dmr-tui pull`, run as a person runs it."""

import json
from collections.abc import Iterator

import pytest

from dmr_tui.simulator.server import Simulator, serve
from tests.commands.conftest import Run

NEW = "ai/qwen3:0.6B-Q4_K_M"


@pytest.fixture
def served() -> Iterator[tuple[str, Simulator]]:
    """A runner of its own, since a pull changes it."""
    simulator = Simulator("quiet")
    with serve(simulator) as url:
        yield url, simulator


def test_it_says_what_it_is_and_pulls_it(run: Run, served: tuple[str, Simulator]) -> None:
    url, simulator = served
    ended = run("--host", url, "pull", NEW, "--yes")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("qwen3:0.6B-Q4_K_M: ")
    assert "Q4_K_M" in ended.stdout
    assert "Model pulled successfully" in ended.stdout
    assert "100 %" in ended.stderr
    assert simulator.world.store.catalogue.resolve(NEW)


def test_as_json(run: Run, served: tuple[str, Simulator]) -> None:
    ended = run("--host", served[0], "pull", NEW, "--json", "--yes")
    told = [json.loads(line) for line in ended.stdout.splitlines()]
    assert told[0]["event"] == "found"
    assert told[0]["quantization"] == "Q4_K_M"
    assert told[-1]["event"] == "done"
    assert told[-1]["done_bytes"] == told[-1]["total_bytes"]


def test_what_nobody_has(run: Run, served: tuple[str, Simulator]) -> None:
    ended = run("--host", served[0], "pull", "ai/nothing:x")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "was not found" in ended.stderr


@pytest.mark.parametrize("name", ["../x", "a b", "-x"])
def test_what_is_no_name(run: Run, served: tuple[str, Simulator], name: str) -> None:
    ended = run("--host", served[0], "pull", "--", name)
    assert ended.returncode == 64
    assert "is no name of a model" in ended.stderr


def test_read_only_forbids_it(run: Run, served: tuple[str, Simulator]) -> None:
    ended = run("--host", served[0], "--read-only", "pull", NEW)
    assert ended.returncode == 64
    assert b"pulling model" not in served[1].world.log.text(True)


def test_without_a_runner(run: Run) -> None:
    ended = run("--host", "localhost:9", "pull", NEW)
    assert ended.returncode == 2
    assert "No runner answers" in ended.stderr
